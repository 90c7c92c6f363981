#include "memstow/fast_memory.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "fast_memory_near.h"

namespace memstow {

FastMemory::FastMemory(int64_t capacity, int64_t alignment, int32_t num_times)
    : capacity_(capacity), alignment_(alignment), num_times_(num_times), load_(std::max(0, num_times) + 2) {
  if (capacity < 0 || alignment < 1 || num_times < 0) {
    TVM_FFI_THROW(ValueError) << "fast memory: expected a capacity of at least 0, an alignment of at least 1 and at "
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
  if (levels_.size() > kRunLevel) runs_.resize(static_cast<size_t>(buckets - levels_[kRunLevel].first_bucket));
}

size_t FastMemory::LevelOf(int32_t length) const {
  size_t level = 0;
  while (levels_[level].width < length) ++level;
  return level;
}

void FastMemory::Link(int32_t key) {
  Node& added = node(key);
  Level& level = levels_[LevelOf(added.block.end - added.block.start + 1)];
  added.bucket = level.first_bucket + (added.block.start + 1) / level.width;
  added.before = kNone;
  int32_t& head = heads_[static_cast<size_t>(added.bucket)];
  added.after = head;
  if (head != kNone) node(head).before = key;
  head = key;
  ++level.num_blocks;
}

void FastMemory::Unlink(int32_t key) {
  Node& gone = node(key);
  if (gone.before == kNone) {
    heads_[static_cast<size_t>(gone.bucket)] = gone.after;
  } else {
    node(gone.before).after = gone.after;
  }
  if (gone.after != kNone) node(gone.after).before = gone.before;
  gone.bucket = kNone;
  --levels_[LevelOf(gone.block.end - gone.block.start + 1)].num_blocks;
}

void FastMemory::CheckPlace(int32_t key, const Block& block) const {
  if (key < 0 || Contains(key)) {
    TVM_FFI_THROW(ValueError) << "block " << key << ": expected a key of at least 0 that is not in use";
  }
  if (block.start < -1 || block.start > block.end || block.end > num_times_) {
    TVM_FFI_THROW(ValueError) << "block " << key << ": expected times in [-1, " << num_times_ << "], found ["
                              << block.start << ", " << block.end << "]";
  }
  if (block.offset < 0 || block.size < 1 || block.offset + block.size > capacity_ ||
      AlignUp(block.offset) != block.offset) {
    TVM_FFI_THROW(ValueError) << "block " << key << ": expected at least 1 byte within " << capacity_
                              << " at a multiple of " << alignment_ << ", found " << block.size << " at "
                              << block.offset;
  }
}

void FastMemory::Place(int32_t key, const Block& block) {
  CheckPlace(key, block);
  if (static_cast<size_t>(key) >= nodes_.size()) nodes_.resize(static_cast<size_t>(key) + 1);
  Node& added = node(key);
  added.block = block;
  added.top = AlignUp(block.offset + block.size);
  Link(key);
  AddToRuns(added);
  load_.Add(block.start + 1, block.end + 1, added.top - block.offset);
  ++num_blocks_;
}

void FastMemory::Remove(int32_t key) {
  if (!Contains(key)) TVM_FFI_THROW(ValueError) << "expected the key of a placed block, found " << key;
  const Node& gone = node(key);
  load_.Add(gone.block.start + 1, gone.block.end + 1, gone.block.offset - gone.top);
  ForgetRuns(gone);
  Unlink(key);
  --num_blocks_;
}

// Runs are by start: they stay as they are.
void FastMemory::SetEnd(int32_t key, int32_t end) {
  Node& changed = node(key);
  const int64_t bytes = changed.top - changed.block.offset;
  const int32_t old = changed.block.end, start = changed.block.start;
  if (end > old) load_.Add(old + 2, end + 1, bytes);
  if (end < old) load_.Add(end + 2, old + 1, -bytes);
  const bool moves = LevelOf(end - start + 1) != LevelOf(old - start + 1);
  if (moves) Unlink(key);
  changed.block.end = end;
  if (moves) Link(key);
}

int64_t FastMemory::BestFit(int64_t size, int32_t start, int32_t end, bool high) const {
  FindHoles(size, start, end);
  int64_t least = std::numeric_limits<int64_t>::max(), best = kNoRoom, top = 0;
  for (const ByteRange& hole : holes_) {
    if (hole.top - hole.offset >= least) continue;
    least = hole.top - hole.offset;
    best = hole.offset;
    top = hole.top;
  }
  return high && best != kNoRoom ? AlignDown(top - size) : best;
}

int64_t FastMemory::FirstFit(int64_t size, int32_t start, int32_t end) const {
  FindHoles(size, start, end);
  return holes_.empty() ? kNoRoom : holes_.front().offset;
}

// Above the capacity a block is in nobody's way.
void FastMemory::Move(int32_t key, int64_t offset) {
  Node& moved = node(key);
  ForgetRuns(moved);
  moved.top = offset + (moved.top - moved.block.offset);
  moved.block.offset = offset;
}

const std::vector<int32_t>& FastMemory::Alive(int32_t start, int32_t end, size_t most) const {
  found_.clear();
  VisitNear(start, end, [this, most](const Node& near, bool alive) {
    if (alive) found_.push_back(static_cast<int32_t>(&near - nodes_.data()));
    return found_.size() <= most;
  });
  return found_;
}

const std::vector<int32_t>& FastMemory::Around(int32_t start, int32_t end) const {
  Alive(start, end);
  std::sort(found_.begin(), found_.end(), [this](int32_t a, int32_t b) {
    return std::make_tuple(block(a).offset, a) < std::make_tuple(block(b).offset, b);
  });
  return found_;
}

int32_t FastMemory::EarliestRoom(int64_t size, int32_t start, int32_t end) const {
  const int32_t last = load_.LastAbove(start + 1, end + 1, AlignUp(capacity_) - AlignUp(size));
  return last == LoadTree::kNever ? start : last;  // times are one more in load_
}

}  // namespace memstow
