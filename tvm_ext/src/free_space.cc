#include "memstow/free_space.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace memstow {

FreeSpace::FreeSpace(int64_t capacity, int64_t alignment, int32_t num_times)
    : capacity_(capacity), alignment_(alignment), num_times_(num_times) {
  if (capacity < 0 || alignment < 1 || num_times < 0) {
    TVM_FFI_THROW(ValueError) << "free space: expected a capacity of at least 0, an alignment of at least 1 and at "
                              << "least 0 times, found " << capacity << ", " << alignment << " and " << num_times;
  }
  const int32_t times = num_times + 2;  // from -1 to num_times
  int32_t buckets = 0;
  for (int32_t width = kFirstWidth;; width *= 4) {
    const int32_t count = (times + width - 1) / width;
    levels_.push_back({width, buckets, count, 0});
    buckets += count;
    if (width >= times) break;
  }
  heads_.assign(static_cast<size_t>(buckets), kNone);
}

size_t FreeSpace::LevelOf(int32_t length) const {
  size_t level = 0;
  while (levels_[level].width < length) ++level;
  return level;
}

void FreeSpace::Link(const Block& block) {
  if (static_cast<size_t>(block.key) >= nodes_.size()) nodes_.resize(static_cast<size_t>(block.key) + 1);
  Level& level = levels_[LevelOf(block.end - block.start + 1)];
  Node& node = nodes_[static_cast<size_t>(block.key)];
  node.block = block;
  node.top = AlignUp(block.offset + block.size);
  node.bucket = level.first_bucket + (block.start + 1) / level.width;
  node.before = kNone;
  int32_t& head = heads_[static_cast<size_t>(node.bucket)];
  node.after = head;
  if (head != kNone) nodes_[static_cast<size_t>(head)].before = block.key;
  head = block.key;
  ++level.num_blocks;
  ++num_blocks_;
}

void FreeSpace::Unlink(int32_t key) {
  Node& node = nodes_[static_cast<size_t>(key)];
  if (node.before == kNone) {
    heads_[static_cast<size_t>(node.bucket)] = node.after;
  } else {
    nodes_[static_cast<size_t>(node.before)].after = node.after;
  }
  if (node.after != kNone) nodes_[static_cast<size_t>(node.after)].before = node.before;
  node.bucket = kNone;
  --levels_[LevelOf(node.block.end - node.block.start + 1)].num_blocks;
  --num_blocks_;
}

// Calls visit(node, alive) for every block near the interval. Whether one is alive in it is as good as random, so what
// is hot below has no branch on it. A block of a level is no longer than the level's buckets, so it reaches at most one
// bucket beyond its own.
template <typename Visit>
void FreeSpace::VisitNear(int32_t start, int32_t end, Visit visit) const {
  for (const Level& level : levels_) {
    if (level.num_blocks == 0) continue;
    const int32_t first = std::max(0, (start + 1) / level.width - 1);
    const int32_t last = std::min(level.num_buckets - 1, (end + 1) / level.width);
    for (int32_t bucket = first; bucket <= last; ++bucket) {
      int32_t key = heads_[static_cast<size_t>(level.first_bucket + bucket)];
      while (key != kNone) {
        const Node& node = nodes_[static_cast<size_t>(key)];
        visit(node, static_cast<int>(node.block.start <= end) & static_cast<int>(start <= node.block.end));
        key = node.after;
      }
    }
  }
}

Span<FreeSpace::Used> FreeSpace::CollectUsed(int32_t start, int32_t end) const {
  if (used_.size() <= num_blocks_) used_.resize(2 * num_blocks_ + 1);
  size_t count = 0;
  VisitNear(start, end, [&](const Node& node, int alive) {
    used_[count] = {node.block.offset, node.top};
    count += static_cast<size_t>(alive);
  });
  std::sort(used_.data(), used_.data() + count, [](const Used& a, const Used& b) { return a.offset < b.offset; });
  return {used_.data(), count};
}

// Calls visit(offset, size) for every hole from the lowest up, until it returns false.
template <typename Visit>
void FreeSpace::VisitHoles(int32_t start, int32_t end, Visit visit) const {
  int64_t top = 0;
  for (const Used& used : CollectUsed(start, end)) {
    if (used.offset > top && !visit(top, used.offset - top)) return;
    top = std::max(top, used.top);
  }
  if (capacity_ > top) visit(top, capacity_ - top);
}

int64_t FreeSpace::BestFit(int64_t size, int32_t start, int32_t end) const {
  int64_t best = kNoRoom;
  int64_t least = std::numeric_limits<int64_t>::max();
  VisitHoles(start, end, [&](int64_t offset, int64_t room) {
    if (room >= size && room < least) {
      best = offset;
      least = room;
    }
    return true;
  });
  return best;
}

int64_t FreeSpace::FirstFit(int64_t size, int32_t start, int32_t end) const {
  int64_t found = kNoRoom;
  VisitHoles(start, end, [&](int64_t offset, int64_t room) {
    if (room >= size) found = offset;
    return found == kNoRoom;
  });
  return found;
}

bool FreeSpace::IsFree(int64_t offset, int64_t size, int32_t start, int32_t end) const {
  if (offset < 0 || offset + size > capacity_) return false;
  int taken = 0;
  VisitNear(start, end, [&](const Node& node, int alive) {
    const int64_t top = node.block.offset + node.block.size;
    taken |= alive & static_cast<int>(node.block.offset < offset + size) & static_cast<int>(offset < top);
  });
  return taken == 0;
}

std::vector<Hole> FreeSpace::Holes(int32_t start, int32_t end) const {
  std::vector<Hole> holes;
  VisitHoles(start, end, [&holes](int64_t offset, int64_t size) {
    holes.push_back({offset, size});
    return true;
  });
  return holes;
}

int64_t FreeSpace::CollectEdges(int32_t start, int32_t end, int32_t ignored) const {
  if (edges_.size() <= 2 * num_blocks_ + 1) edges_.resize(4 * num_blocks_ + 2);
  num_edges_ = 0;
  int64_t total = 0;
  VisitNear(start, end, [&](const Node& node, int alive) {
    alive &= static_cast<int>(node.block.key != ignored);
    const int64_t bytes = node.top - node.block.offset;
    total += alive * bytes;
    edges_[num_edges_] = {std::max(node.block.start, start), bytes};
    edges_[num_edges_ + 1] = {node.block.end + 1, -bytes};
    num_edges_ += 2 * static_cast<size_t>(alive);
  });
  return total;
}

int64_t FreeSpace::Peak(int32_t start, int32_t end, int32_t ignored) const {
  const int64_t total = CollectEdges(start, end, ignored);
  if (start == end) return total;
  std::sort(edges_.data(), edges_.data() + num_edges_);  // at one time what ends comes before what starts
  int64_t load = 0, peak = 0;
  for (size_t k = 0; k < num_edges_; ++k) {
    load += edges_[k].second;
    peak = std::max(peak, load);
  }
  return peak;
}

int32_t FreeSpace::EarliestRoom(int64_t size, int32_t start, int32_t end) const {
  const int64_t limit = AlignUp(capacity_) - AlignUp(size);
  if (CollectEdges(start, end, kNone) <= limit) return start;
  std::sort(edges_.data(), edges_.data() + num_edges_);
  int64_t load = 0;
  int32_t earliest = start;
  for (size_t k = 0; k < num_edges_; ++k) {
    if (load > limit) earliest = edges_[k].first;  // too full until here
    load += edges_[k].second;
  }
  return std::min(earliest, end + 1);
}

int64_t FreeSpace::PeakLoad(int32_t start, int32_t end) const { return Peak(start, end, kNone); }

bool FreeSpace::IsOverfull(int64_t size, int32_t start, int32_t end, int32_t ignored) const {
  return Peak(start, end, ignored) + AlignUp(size) > AlignUp(capacity_);
}

std::vector<Block> FreeSpace::Overlapping(int32_t start, int32_t end) const {
  std::vector<Block> found;
  VisitNear(start, end, [&found](const Node& node, int alive) {
    if (alive) found.push_back(node.block);
  });
  std::sort(found.begin(), found.end(), [](const Block& a, const Block& b) { return a.key < b.key; });
  return found;
}

std::vector<Block> FreeSpace::Blocks() const {
  std::vector<Block> all;
  for (const Node& node : nodes_) {
    if (node.bucket != kNone) all.push_back(node.block);
  }
  return all;
}

// Blocks that hang together with the newcomer in time: none outside of them is affected by where they lie.
// Nothing when they are `limit` or more.
std::vector<Block> FreeSpace::Component(const Block& newcomer, size_t limit) const {
  int32_t start = newcomer.start, end = newcomer.end;
  while (true) {
    int32_t wider_start = start, wider_end = end;
    size_t count = 0;
    VisitNear(start, end, [&](const Node& node, int alive) {
      if (!alive) return;
      ++count;
      wider_start = std::min(wider_start, node.block.start);
      wider_end = std::max(wider_end, node.block.end);
    });
    if (count >= limit) return {};
    if (wider_start == start && wider_end == end) return Overlapping(start, end);
    start = wider_start;
    end = wider_end;
  }
}

void FreeSpace::Place(const Block& block) {
  if (block.key < 0 || Contains(block.key)) {
    TVM_FFI_THROW(ValueError) << "block " << block.key << ": expected a key of at least 0 that is not in use";
  }
  if (block.start < -1 || block.start > block.end || block.end > num_times_) {
    TVM_FFI_THROW(ValueError) << "block " << block.key << ": expected times in [-1, " << num_times_ << "], found ["
                              << block.start << ", " << block.end << "]";
  }
  if (block.offset < 0 || block.size < 1 || block.offset + block.size > capacity_ || block.offset % alignment_ != 0) {
    TVM_FFI_THROW(ValueError) << "block " << block.key << ": expected at least 1 byte within " << capacity_
                              << " at a multiple of " << alignment_ << ", found " << block.size << " at "
                              << block.offset;
  }
  Link(block);
  changes_.push_back({block, true});
}

Block FreeSpace::Remove(int32_t key) {
  if (!Contains(key)) TVM_FFI_THROW(ValueError) << "expected the key of a placed block, found " << key;
  const Block gone = block(key);
  Unlink(key);
  changes_.push_back({gone, false});
  return gone;
}

void FreeSpace::UndoTo(size_t mark) {
  while (changes_.size() > mark) {
    const Change change = changes_.back();
    changes_.pop_back();
    if (change.placed) {
      Unlink(change.block.key);
    } else {
      Link(change.block);
    }
  }
}

InsertOutcome FreeSpace::Insert(Block block, const RepackOptions& options) {
  block.offset = BestFit(block.size, block.start, block.end);
  if (block.offset != kNoRoom) {
    Place(block);
    return InsertOutcome::kPlaced;
  }
  if (IsOverfull(block.size, block.start, block.end)) return InsertOutcome::kOverfull;
  block.offset = 0;
  const bool found = options.move && (RepackLocally(block) || RepackComponent(block, options));
  return found ? InsertOutcome::kPlaced : InsertOutcome::kNotFound;
}

InsertOutcome FreeSpace::Resize(int32_t key, int32_t start, int32_t end, const RepackOptions& options) {
  const size_t mark = Mark();
  Block block = Remove(key);
  block.start = start;
  block.end = end;
  if (IsFree(block.offset, block.size, start, end)) {
    Place(block);
    return InsertOutcome::kPlaced;
  }
  const InsertOutcome outcome = Insert(block, options);
  if (outcome != InsertOutcome::kPlaced) UndoTo(mark);
  return outcome;
}

}  // namespace memstow
