/*!
 * \file memstow/search_memory.h
 * \brief Blocks of fast memory over time x offset, for a search that needs to know what is in the way.
 *
 *    offset ^        Around(2, 5): A, B (by offset)       holes for [2, 5]: below A none, between A and B [4, 6),
 *        8  |  BBBBBB                                     above B none; C ends before 2 and is not in the way
 *        6  |
 *        4  |CC  AAA
 *        0  +--AAAAAA----> time (A: [0, 4) during [3, 7])
 *
 *  Blocks are listed by stretches of kStretch instruction times: a query looks at the stretches that it meets.
 */
#ifndef MEMSTOW_SEARCH_MEMORY_H_
#define MEMSTOW_SEARCH_MEMORY_H_

#include <cstdint>
#include <vector>

#include "memstow/problem_types.h"

namespace memstow {

/*! \brief Bytes [offset, offset + size) during instruction times [start, end], both inclusive. */
struct TimedBlock {
  int64_t offset = 0;
  int64_t size = 0;
  int32_t start = 0;
  int32_t end = 0;
};

/*! \brief See the head of this file. Ids are the caller's: small, each used by one block at a time. One thread. */
class SearchMemory {
 public:
  static constexpr int64_t kNoRoom = -1;

  SearchMemory(const Hardware& hardware, int32_t num_instructions);

  /*! \brief Occupy a block, which must be free. */
  void Place(int32_t id, const TimedBlock& block);
  void Remove(int32_t id);
  const TimedBlock& block(int32_t id) const { return blocks_[static_cast<size_t>(id)]; }

  /*! \brief Ids of the blocks that are live at some time of [start, end], by offset. Good until the next query. */
  const std::vector<int32_t>& Around(int32_t start, int32_t end) const;
  /*!
   * \brief An aligned offset in the smallest hole that takes `size` bytes during [start, end], the lowest of equals, or
   *  kNoRoom. `high`: at the upper end of that hole.
   */
  int64_t BestFit(int64_t size, int32_t start, int32_t end, bool high = false) const;
  /*! \brief The lowest aligned offset at or above this one. */
  int64_t AlignUp(int64_t offset) const { return (offset + alignment_ - 1) / alignment_ * alignment_; }
  /*! \brief The highest aligned offset at or below this one. */
  int64_t AlignDown(int64_t offset) const { return offset / alignment_ * alignment_; }
  int64_t capacity() const { return capacity_; }

 private:
  static constexpr int32_t kStretch = 16;

  void Count(const TimedBlock& block, int64_t bytes);

  int64_t capacity_;
  int64_t alignment_;
  std::vector<TimedBlock> blocks_;
  std::vector<std::vector<int32_t>> stretches_;
  /*! \brief Bytes live at the first time of each stretch: a full one saves BestFit the look at all that is around. */
  std::vector<int64_t> load_;
  mutable std::vector<uint32_t> seen_;
  mutable uint32_t query_ = 0;
  mutable std::vector<int32_t> found_;
};

}  // namespace memstow
#endif  // MEMSTOW_SEARCH_MEMORY_H_
