// What one placement, or the failure of one, implies for the buffers that are still to come.
#include <algorithm>

#include "memstow/packing_search.h"

namespace memstow::packing {

bool Search::Allowed(int32_t buffer) const {
  const int32_t twin = twin_before_[buffer];
  return !pruning_.symmetry || twin < 0 || release_[twin] == kPlaced;
}

bool Search::Place(const Part& part, int32_t buffer, int64_t offset) {
  const int64_t size = problem_.buffers[buffer].size;
  const int64_t height = offset + size;
  const Range span = sweep_.spans[buffer];
  offsets_[buffer] = offset;
  Set(&release_[buffer], kPlaced);
  for (int32_t s = span.first; s < span.last; ++s) {
    Set(&floors_[s], height);
    Set(&totals_[s], totals_[s] - size);
    if (s + 1 < span.last) Set(&cuts_[s], cuts_[s] - 1);
  }
  if (height > problem_.capacity) return false;
  Range changed = span;
  for (int32_t other : part.members) {
    const Range other_span = sweep_.spans[other];
    if (release_[other] == kPlaced || !span.Meets(other_span)) continue;
    const Buffer& above = problem_.buffers[other];
    const int64_t lowest = AlignUp(height, above.alignment);
    if (lowest + above.size > problem_.capacity) return false;
    if (lowest > natural_[other]) Set(&natural_[other], lowest);
    if (lowest <= release_[other]) continue;
    Set(&release_[other], lowest);
    changed.first = std::min(changed.first, other_span.first);
    changed.last = std::max(changed.last, other_span.last);
  }
  return RemainderFits(part.sections, offset) && SectionsFit(changed, offset);
}

bool Search::Lift(const Part& part, int32_t buffer, int64_t offset) {
  if (!pruning_.lifting || !pruning_.canonical || !pruning_.dynamic_ordering) return true;
  const Buffer& lifted = problem_.buffers[buffer];
  const Range span = sweep_.spans[buffer];
  const int64_t blocked_end = natural_[buffer] + lifted.size;
  int64_t support = kPlaced;
  for (int32_t other : part.members) {
    if (release_[other] == kPlaced || other == buffer || !span.Meets(sweep_.spans[other])) continue;
    const int64_t lowest = std::max(release_[other], offset);
    if (lowest < blocked_end) support = std::min(support, lowest + problem_.buffers[other].size);
  }
  if (support == kPlaced) return false;
  support = AlignUp(support, lifted.alignment);
  if (support + lifted.size > problem_.capacity) return false;
  if (support <= release_[buffer]) return true;
  Set(&release_[buffer], support);
  return SectionsFit(span, offset);
}

bool Search::RemainderFits(Range sections, int64_t offset) const {
  if (!pruning_.monotonic_floor || !pruning_.section_inference) return true;
  const int64_t most = *std::max_element(totals_.begin() + sections.first, totals_.begin() + sections.last);
  return offset + most <= problem_.capacity;
}

bool Search::SectionsFit(Range sections, int64_t offset) {
  for (int32_t s = sections.first; s < sections.last; ++s) {
    if (!SectionFits(s, offset)) return false;
  }
  return true;
}

bool Search::SectionFits(int32_t section, int64_t offset) {
  if (totals_[section] == 0) return true;
  const int64_t base = pruning_.monotonic_floor ? offset : 0;
  int64_t floor = std::max(floors_[section], base);
  if (!section_begin_.empty() && (pruning_.release_dates || pruning_.unallocated_floor)) {
    const auto begin = section_buffers_.begin() + section_begin_[section];
    const auto end = section_buffers_.begin() + section_begin_[section + 1];
    // Little has changed since the last time: insertion sort is near linear.
    for (auto at = begin + 1; at < end; ++at) {
      const int32_t buffer = *at;
      const int64_t release = release_[buffer];
      auto hole = at;
      for (; hole > begin && release_[*(hole - 1)] > release; --hole) *hole = *(hole - 1);
      *hole = buffer;
    }
    if (pruning_.unallocated_floor) floor = std::max(floor, release_[*begin]);
    if (pruning_.release_dates) {
      int64_t top = base;
      for (auto at = begin; at < end && release_[*at] != kPlaced; ++at) {
        top = std::max(top, release_[*at]) + problem_.buffers[*at].size;
      }
      if (top > problem_.capacity) return false;
    }
  }
  return !pruning_.section_inference || floor + totals_[section] <= problem_.capacity;
}

}  // namespace memstow::packing
