/*!
 * \file fast_memory_near.h
 * \brief The walk over the blocks near an interval, for the sources of FastMemory.
 */
#ifndef MEMSTOW_FAST_MEMORY_NEAR_H_
#define MEMSTOW_FAST_MEMORY_NEAR_H_

#include <algorithm>

#include "memstow/fast_memory.h"

namespace memstow {

// Calls visit(node, alive) for every block near the interval, until it returns false. Whether one is alive in it is as
// good as random, so what is hot has no branch on it. A block of a level is no longer than the level's buckets, so it
// reaches at most one bucket beyond its own.
template <typename Visit>
void FastMemory::VisitNear(int32_t start, int32_t end, Visit visit) const {
  for (const Level& level : levels_) {
    if (level.num_blocks == 0) continue;
    const int32_t first = std::max(0, (start + 1) / level.width - 1);
    const int32_t last = std::min(level.num_buckets - 1, (end + 1) / level.width);
    for (int32_t bucket = first; bucket <= last; ++bucket) {
      int32_t key = heads_[static_cast<size_t>(level.first_bucket + bucket)];
      while (key != kNone) {
        const Node& near = nodes_[static_cast<size_t>(key)];
        visit(near,
              static_cast<bool>(static_cast<int>(near.block.start <= end) & static_cast<int>(start <= near.block.end)));
        key = near.after;
      }
    }
  }
}

}  // namespace memstow
#endif  // MEMSTOW_FAST_MEMORY_NEAR_H_
