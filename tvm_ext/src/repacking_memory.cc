/*!
 * Changes, their undoing, and the first thing tried where nothing is free: the newcomer takes the bytes where the least
 * is in its way, what was there goes elsewhere, displacing others in turn.
 */
#include "memstow/repacking_memory.h"

#include <algorithm>

namespace memstow {

namespace {

// Blocks that Displace looks at for each that it may move, and doublings of a block's weight beyond which it stays as
// it is.
constexpr size_t kLookedAtPerMove = 82;
constexpr int32_t kMostDoublings = 60;

}  // namespace

void RepackingMemory::Place(int32_t key, const Block& block) {
  memory_.Place(key, block);
  changes_.push_back({Kind::kPlaced, key, block});
}

void RepackingMemory::Remove(int32_t key) {
  const Block gone = memory_.Contains(key) ? block(key) : Block{};
  memory_.Remove(key);
  changes_.push_back({Kind::kRemoved, key, gone});
}

void RepackingMemory::Lift(int32_t key) {
  if (memory_.IsLifted(key)) return;
  changes_.push_back({Kind::kMoved, key, block(key)});
  memory_.Lift(key);
}

void RepackingMemory::UndoTo(size_t mark) {
  while (changes_.size() > mark) {
    const Change& change = changes_.back();
    switch (change.kind) {
      case Kind::kPlaced:
        memory_.Remove(change.key);
        break;
      case Kind::kRemoved:
        memory_.Place(change.key, change.block);
        break;
      case Kind::kExtended:
        memory_.SetEnd(change.key, change.block.end);
        break;
      default:
        memory_.Move(change.key, change.block.offset);
    }
    changes_.pop_back();
  }
}

InsertOutcome RepackingMemory::Insert(int32_t key, int64_t size, int32_t start, int32_t end,
                                      const RepackOptions& options) {
  if (memory_.IsOverfull(size, start, end)) return InsertOutcome::kOverfull;
  Block newcomer{memory_.BestFit(size, start, end), size, start, end};
  if (newcomer.offset == FastMemory::kNoRoom && !options.move) return InsertOutcome::kNotFound;
  const size_t mark = Mark();
  const bool fits = newcomer.offset != FastMemory::kNoRoom;
  if (!fits) newcomer.offset = 0;
  Place(key, newcomer);
  if (fits) return InsertOutcome::kPlaced;
  memory_.Lift(key);
  if (Repack(key, options)) return InsertOutcome::kPlaced;
  UndoTo(mark);
  return InsertOutcome::kNotFound;
}

InsertOutcome RepackingMemory::Extend(int32_t key, int32_t end, const RepackOptions& options) {
  const Block old = block(key);
  const bool stays = end <= old.end || memory_.IsFree(old.offset, old.size, old.end + 1, end);
  if (!stays && memory_.IsOverfull(old.size, old.end + 1, end)) return InsertOutcome::kOverfull;
  const size_t mark = Mark();
  if (!stays) Lift(key);
  changes_.push_back({Kind::kExtended, key, old});
  memory_.SetEnd(key, end);
  if (stays || Fit(key) || (options.move && Repack(key, options))) return InsertOutcome::kPlaced;
  UndoTo(mark);
  return InsertOutcome::kNotFound;
}

bool RepackingMemory::Repack(int32_t newcomer, const RepackOptions& options) {
  return Displace(newcomer, options) || RepackNear(newcomer, options) || RepackComponent(newcomer, options);
}

bool RepackingMemory::Fit(int32_t key) {
  const Block& mine = block(key);
  const int64_t offset = memory_.BestFit(mine.size, mine.start, mine.end);
  if (offset == FastMemory::kNoRoom) return false;
  memory_.Move(key, offset);
  return true;
}

// Ends when all have found a place, or with nothing changed. Every time that a block is displaced its weight doubles,
// so that two do not chase each other from one place for ever.
bool RepackingMemory::Displace(int32_t newcomer, const RepackOptions& options) {
  const size_t mark = Mark();
  homeless_.assign(1, newcomer);
  bool found = true;
  int32_t forced = 0;
  const size_t most_looked_at = kLookedAtPerMove * static_cast<size_t>(options.move_limit);
  size_t looked_at = 0;
  while (found && !homeless_.empty()) {
    const int32_t key = homeless_.back();  // the largest: it is hardest to place
    homeless_.pop_back();
    if (Fit(key)) continue;
    found = forced++ < options.move_limit && looked_at < most_looked_at;
    if (!found) break;
    Block mine = block(key);
    const std::vector<int32_t>& alive = memory_.Alive(mine.start, mine.end, most_looked_at);
    looked_at += alive.size();
    found = alive.size() <= most_looked_at;
    if (!found) break;
    mine.offset = CheapestOffset(mine, alive);
    LiftFrom(mine, alive);
    memory_.Move(key, mine.offset);
  }
  for (int32_t key : displaced_) times_displaced_[static_cast<size_t>(key)] = 0;
  displaced_.clear();
  if (found) return true;
  memory_.Lift(newcomer);
  UndoTo(mark);
  return false;
}

// What lies where this block is to lie becomes homeless.
void RepackingMemory::LiftFrom(const Block& mine, const std::vector<int32_t>& alive) {
  for (int32_t key : alive) {
    const Block& other = block(key);
    if (other.offset >= mine.offset + mine.size || other.offset + other.size <= mine.offset) continue;
    if (static_cast<size_t>(key) >= times_displaced_.size()) times_displaced_.resize(static_cast<size_t>(key) + 1, 0);
    ++times_displaced_[static_cast<size_t>(key)];
    displaced_.push_back(key);
    homeless_.push_back(key);
    Lift(key);
  }
  std::sort(homeless_.begin(), homeless_.end(), [this](int32_t a, int32_t b) {
    return block(a).size != block(b).size ? block(a).size < block(b).size : a < b;
  });
}

// The offset at which the blocks in the way weigh least: bytes x times, doubled each time that one is displaced. Blocks
// at [offset, top) are in the way of offsets in (offset - size, top): the sum over all is least at 0 or at some top.
int64_t RepackingMemory::CheapestOffset(const Block& mine, const std::vector<int32_t>& alive) {
  edges_.clear();
  edges_.push_back({0, 0.0});
  const int64_t highest = memory_.capacity() - mine.size;
  for (int32_t key : alive) {
    const Block& other = block(key);
    if (memory_.IsLifted(key)) continue;
    const size_t k = static_cast<size_t>(key);
    const int32_t doublings = k < times_displaced_.size() ? std::min(times_displaced_[k], kMostDoublings) : 0;
    const double area = static_cast<double>(other.size) * (static_cast<double>(other.end) - other.start + 1.0);
    const double weight = area * static_cast<double>(int64_t{1} << doublings);
    const int64_t top = memory_.AlignUp(other.offset + other.size);
    edges_.push_back({std::max<int64_t>(0, other.offset - mine.size + 1), weight});
    if (top <= highest) edges_.push_back({top, -weight});
  }
  // Equal edges are as good as one another: the sums do not depend on the order in which blocks were found.
  std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.weight > b.weight;
  });
  int64_t best = 0;
  double weight = 0.0, least = 0.0;
  for (size_t k = 0; k < edges_.size();) {
    const int64_t offset = edges_[k].offset;
    bool falls = false;
    for (; k < edges_.size() && edges_[k].offset == offset; ++k) {
      weight += edges_[k].weight;
      falls |= edges_[k].weight < 0.0;
    }
    if (offset != 0 && (!falls || weight >= least)) continue;
    best = offset;
    least = weight;
  }
  return best;
}

}  // namespace memstow
