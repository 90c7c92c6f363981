/*!
 * What is free during an interval. Holes only shrink while used bytes are cut out of them one by one, so those that
 * become too small are dropped at once, and when none is left the rest need not be looked at.
 *
 * A long interval, here [5, 70], is the blocks alive in [5, 14] and in [63, 70], and the runs of all that starts
 * between:
 *
 *    time + 1   6        16     32     48     64   71
 *               | blocks | runs | runs | runs | blocks |
 */
#include <algorithm>
#include <array>

#include "fast_memory_near.h"

namespace memstow {

namespace {

/*! \brief Take [offset, top) out of the holes and drop what is smaller than `size`. */
void Cut(int64_t offset, int64_t top, int64_t size, std::vector<ByteRange>* holes) {
  const auto first =
      holes->size() <= 16
          ? std::find_if(holes->begin(), holes->end(), [offset](const ByteRange& hole) { return hole.top > offset; })
          : std::upper_bound(holes->begin(), holes->end(), offset,
                             [](int64_t a, const ByteRange& hole) { return a < hole.top; });
  if (first == holes->end() || first->offset >= top) return;
  auto last = first;
  while (last + 1 != holes->end() && (last + 1)->offset < top) ++last;
  const ByteRange below{first->offset, offset}, above{top, last->top};
  const bool keep_below = below.top - below.offset >= size, keep_above = above.top - above.offset >= size;
  auto at = first;
  if (keep_below) *at++ = below;
  if (keep_above && at > last) {
    holes->insert(at, above);
    return;
  }
  if (keep_above) *at++ = above;
  holes->erase(at, last + 1);
}

/*! \brief Sort ranges and join those that meet. */
void Join(std::vector<ByteRange>* ranges) {
  std::sort(ranges->begin(), ranges->end(), [](const ByteRange& a, const ByteRange& b) { return a.offset < b.offset; });
  size_t count = 0;
  for (const ByteRange& range : *ranges) {
    if (count > 0 && range.offset <= (*ranges)[count - 1].top) {
      (*ranges)[count - 1].top = std::max((*ranges)[count - 1].top, range.top);
    } else {
      (*ranges)[count++] = range;
    }
  }
  ranges->resize(count);
}

/*! \brief Add a range to disjoint ascending ones. */
void Insert(const ByteRange& added, std::vector<ByteRange>* ranges) {
  const auto first = std::lower_bound(ranges->begin(), ranges->end(), added.offset,
                                      [](const ByteRange& range, int64_t offset) { return range.top < offset; });
  auto last = first;
  ByteRange joined = added;
  for (; last != ranges->end() && last->offset <= added.top; ++last) {
    joined.offset = std::min(joined.offset, last->offset);
    joined.top = std::max(joined.top, last->top);
  }
  if (first == last) {
    ranges->insert(first, joined);
  } else {
    *first = joined;
    ranges->erase(first + 1, last);
  }
}

}  // namespace

// Runs that are known have known ones below them, so the first unknown on the way up ends it.
void FastMemory::AddToRuns(const Node& added) {
  for (size_t level = kRunLevel; level < levels_.size(); ++level) {
    Runs& mine = runs(level, (added.block.start + 1) / levels_[level].width);
    if (!mine.known) return;
    Insert({added.block.offset, added.top}, &mine.used);
  }
}

void FastMemory::ForgetRuns(const Node& gone) {
  for (size_t level = kRunLevel; level < levels_.size(); ++level) {
    Runs& mine = runs(level, (gone.block.start + 1) / levels_[level].width);
    if (!mine.known) return;
    mine.known = false;
  }
}

const std::vector<ByteRange>& FastMemory::KnownRuns(size_t level, int32_t bucket) const {
  Runs& mine = runs(level, bucket);
  if (mine.known) return mine.used;
  mine.known = true;
  mine.used.clear();
  if (level == kRunLevel) {
    const int32_t first = bucket * kRunWidth - 1;
    VisitNear(first, first + kRunWidth - 1, [&mine, first](const Node& near, bool alive) {
      if (alive && near.block.start >= first) mine.used.push_back({near.block.offset, near.top});
      return true;
    });
  } else {
    const int32_t end = std::min(levels_[level - 1].num_buckets, 4 * bucket + 4);
    for (int32_t child = 4 * bucket; child < end; ++child) {
      const std::vector<ByteRange>& below = KnownRuns(level - 1, child);
      mine.used.insert(mine.used.end(), below.begin(), below.end());
    }
  }
  Join(&mine.used);
  return mine.used;
}

// Calls visit_blocks(start, end) and visit_runs(runs) for parts that make up the interval, until one returns false.
template <typename VisitRuns, typename VisitBlocks>
bool FastMemory::VisitUsed(int32_t start, int32_t end, VisitRuns visit_runs, VisitBlocks visit_blocks) const {
  int32_t low = (start + kRunWidth) / kRunWidth, high = (end + 2) / kRunWidth - 1;
  if (high - low < 2 || levels_.size() <= kRunLevel) return visit_blocks(start, end);
  if (!visit_blocks(start, std::max(start, low * kRunWidth - 2))) return false;
  const int32_t rest = (high + 1) * kRunWidth - 1;
  if (rest <= end && !visit_blocks(rest, end)) return false;
  struct Piece {
    size_t level;
    int32_t bucket;
  };
  std::array<Piece, 128> pieces;
  size_t count = 0;
  for (size_t level = kRunLevel; low <= high; ++level) {
    const bool top = level + 1 == levels_.size();
    for (; low <= high && (top || low % 4 != 0); ++low) pieces[count++] = {level, low};
    for (; low <= high && high % 4 != 3; --high) pieces[count++] = {level, high};
    if (low > high) break;
    low /= 4;
    high /= 4;
  }
  while (count-- > 0) {  // those that cover the most first
    if (!visit_runs(KnownRuns(pieces[count].level, pieces[count].bucket))) return false;
  }
  return true;
}

void FastMemory::CutBlocks(int64_t size, int32_t start, int32_t end) const {
  if (used_.size() <= num_blocks_) used_.resize(2 * num_blocks_ + 1);
  size_t count = 0;
  VisitNear(start, end, [&](const Node& near, bool alive) {
    used_[count] = {near.block.offset, near.top};
    count += static_cast<size_t>(alive);
    return true;
  });
  for (size_t k = 0; k < count && !holes_.empty(); ++k) Cut(used_[k].offset, used_[k].top, size, &holes_);
}

void FastMemory::FindHoles(int64_t size, int32_t start, int32_t end) const {
  holes_.clear();
  if (size > capacity_) return;
  holes_.push_back({0, capacity_});
  VisitUsed(
      start, end,
      [this, size](const std::vector<ByteRange>& used) {
        for (const ByteRange& range : used) Cut(range.offset, range.top, size, &holes_);
        return !holes_.empty();
      },
      [this, size](int32_t from, int32_t until) {
        CutBlocks(size, from, until);
        return !holes_.empty();
      });
}

bool FastMemory::IsFree(int64_t offset, int64_t size, int32_t start, int32_t end) const {
  const int64_t top = offset + size;
  if (offset < 0 || top > capacity_) return false;
  return VisitUsed(
      start, end,
      [offset, top](const std::vector<ByteRange>& used) {
        const auto first = std::upper_bound(used.begin(), used.end(), offset,
                                            [](int64_t a, const ByteRange& range) { return a < range.top; });
        return first == used.end() || first->offset >= top;
      },
      [this, offset, top](int32_t from, int32_t until) {
        int taken = 0;
        VisitNear(from, until, [&taken, offset, top](const Node& near, bool alive) {
          taken |= static_cast<int>(alive) & static_cast<int>(near.block.offset < top) &
                   static_cast<int>(offset < near.block.offset + near.block.size);
          return true;
        });
        return taken == 0;
      });
}

}  // namespace memstow
