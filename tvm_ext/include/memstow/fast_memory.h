/*!
 * \file memstow/fast_memory.h
 * \brief Blocks of fast memory over time x offset: what is in the way, what is free, how full it is.
 *
 *  Times are instruction times, both ends inclusive. A block has the same bytes during all of [start, end]:
 *
 *    offset 9 |           |                    FastMemory memory(9, 1, 6);
 *           8 +--------+  |                    memory.Place(0, {0, 3, 0, 4});       // a
 *             |   b    |  |                    memory.Place(1, {5, 3, 0, 2});       // b
 *           5 +--------+  |                    memory.BestFit(2, 1, 3) == 3         // between a and b
 *             |  hole     |                    memory.BestFit(3, 1, 3) == -1
 *           3 +-----------+                    memory.Around(1, 3) == {0, 1}        // by offset
 *             |     a     |                    memory.PeakLoad(1, 3) == 6
 *           0 +-----------+---> time           memory.EarliestRoom(4, 1, 4) == 3    // bytes, wherever they lie
 *             0        3  5
 *
 *  Blocks are indexed by length and start: level L holds blocks of at most 4 * 4^L times, in buckets of that width, so
 *  that a query for [start, end] looks at the buckets that begin one width before it, level by level. Its cost follows
 *  the blocks that are near the interval, not all blocks. Long intervals see many blocks, which are mostly on the same
 *  bytes: for buckets from 16 times on the bytes used by all blocks that start there are kept as one list of runs,
 *  made when it is first asked for.
 *
 *  Answers depend on the set of blocks alone, not on the order of changes.
 */
#ifndef MEMSTOW_FAST_MEMORY_H_
#define MEMSTOW_FAST_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memstow/load_tree.h"
#include "memstow/problem_types.h"

namespace memstow {

/*! \brief Bytes [offset, offset + size) during instruction times [start, end], both inclusive. */
struct Block {
  int64_t offset = 0;
  int64_t size = 0;
  int32_t start = 0;
  int32_t end = 0;
};

/*! \brief Bytes [offset, top). */
struct ByteRange {
  int64_t offset = 0;
  int64_t top = 0;
};

/*!
 * \brief See the head of this file. A value: copy it to clone it. One thread at a time, const methods included.
 *
 *  Keys are the caller's: small, not negative, each used by one block at a time.
 */
class FastMemory {
 public:
  static constexpr int64_t kNoRoom = -1;

  /*!
   * \brief Empty memory.
   * \param capacity Bytes.
   * \param alignment Offsets are multiples of it.
   * \param num_times Times are in [-1, num_times].
   */
  FastMemory(int64_t capacity, int64_t alignment, int32_t num_times);

  int64_t capacity() const { return capacity_; }
  int64_t alignment() const { return alignment_; }
  size_t num_blocks() const { return num_blocks_; }
  /*! \brief The lowest aligned offset at or above this one. */
  int64_t AlignUp(int64_t offset) const {
    return alignment_ == 1 ? offset : (offset + alignment_ - 1) / alignment_ * alignment_;
  }
  /*! \brief The highest aligned offset at or below this one. */
  int64_t AlignDown(int64_t offset) const { return offset / alignment_ * alignment_; }

  /*!
   * \brief An aligned offset in the smallest hole that has `size` bytes free during [start, end], the lowest of equals,
   *  or kNoRoom. `high`: at the upper end of that hole.
   */
  int64_t BestFit(int64_t size, int32_t start, int32_t end, bool high = false) const;
  /*! \brief Lowest offset from which `size` bytes are free during [start, end], or kNoRoom. */
  int64_t FirstFit(int64_t size, int32_t start, int32_t end) const;
  /*! \brief Whether exactly these bytes, from an aligned offset on, are free during [start, end]. */
  bool IsFree(int64_t offset, int64_t size, int32_t start, int32_t end) const;
  /*!
   * \brief Keys of the blocks alive at some time of [start, end], in no particular order; the first most + 1 of them
   *  where there are more than `most`. Good until the next query.
   */
  const std::vector<int32_t>& Alive(int32_t start, int32_t end, size_t most = SIZE_MAX - 1) const;
  /*! \brief The same, all of them, by offset, then key. */
  const std::vector<int32_t>& Around(int32_t start, int32_t end) const;

  /*! \brief The most bytes in use at one time of [start, end], each block rounded up to the alignment. */
  int64_t PeakLoad(int32_t start, int32_t end) const { return load_.Max(start + 1, end + 1); }
  /*! \brief Whether PeakLoad rules out `size` more bytes during [start, end]. */
  bool IsOverfull(int64_t size, int32_t start, int32_t end) const {
    return PeakLoad(start, end) > AlignUp(capacity_) - AlignUp(size);
  }
  /*! \brief The earliest time from which IsOverfull does not rule out `size` bytes until `end`; end + 1: none. */
  int32_t EarliestRoom(int64_t size, int32_t start, int32_t end) const;

  /*!
   * \brief Put a block where its offset says; the caller has made sure that this is free.
   * \throws ValueError when the key is in use, or time or space lie outside.
   */
  void Place(int32_t key, const Block& block);
  /*! \brief Take a block out. \throws ValueError when there is none with this key. */
  void Remove(int32_t key);
  /*! \brief Have a placed block end at another time; the caller has made sure that this is free. */
  void SetEnd(int32_t key, int32_t end);

  /*! \brief Have a placed block lie at another offset; the caller has made sure that this is free. */
  void Move(int32_t key, int64_t offset);
  /*! \brief Have a placed block lie nowhere until Move: its bytes are free, but PeakLoad still counts them. */
  void Lift(int32_t key) { Move(key, AlignUp(capacity_)); }
  bool IsLifted(int32_t key) const { return block(key).offset >= capacity_; }

  bool Contains(int32_t key) const {
    return key >= 0 && static_cast<size_t>(key) < nodes_.size() && nodes_[static_cast<size_t>(key)].bucket != kNone;
  }
  /*! \brief The block with this key, which must be placed. */
  const Block& block(int32_t key) const { return nodes_[static_cast<size_t>(key)].block; }

 private:
  static constexpr int32_t kNone = -1;
  static constexpr int32_t kFirstWidth = 4;
  /*! \brief Buckets of this level on have runs. */
  static constexpr size_t kRunLevel = 1;
  static constexpr int32_t kRunWidth = 16;

  struct Node {
    Block block;
    /*! \brief The block's end in space, rounded up to the alignment. */
    int64_t top = 0;
    int32_t bucket = kNone;
    int32_t before = kNone;
    int32_t after = kNone;
  };
  struct Level {
    int32_t width = 0;
    int32_t first_bucket = 0;
    int32_t num_buckets = 0;
    int32_t num_blocks = 0;
  };
  /*! \brief Used bytes of all blocks that start in a bucket's times, whatever their length: disjoint, ascending. */
  struct Runs {
    bool known = false;
    std::vector<ByteRange> used;
  };

  Node& node(int32_t key) { return nodes_[static_cast<size_t>(key)]; }
  const Node& node(int32_t key) const { return nodes_[static_cast<size_t>(key)]; }
  size_t LevelOf(int32_t length) const;
  void CheckPlace(int32_t key, const Block& block) const;
  void Link(int32_t key);
  void Unlink(int32_t key);
  template <typename Visit>
  void VisitNear(int32_t start, int32_t end, Visit visit) const;

  Runs& runs(size_t level, int32_t bucket) const {
    return runs_[static_cast<size_t>(levels_[level].first_bucket + bucket - levels_[kRunLevel].first_bucket)];
  }
  void AddToRuns(const Node& node);
  void ForgetRuns(const Node& node);
  const std::vector<ByteRange>& KnownRuns(size_t level, int32_t bucket) const;
  template <typename VisitRuns, typename VisitBlocks>
  bool VisitUsed(int32_t start, int32_t end, VisitRuns visit_runs, VisitBlocks visit_blocks) const;
  void CutBlocks(int64_t size, int32_t start, int32_t end) const;
  /*! \brief Write the holes of at least `size` bytes during [start, end] to holes_, lowest first. */
  void FindHoles(int64_t size, int32_t start, int32_t end) const;

  int64_t capacity_;
  int64_t alignment_;
  int32_t num_times_;
  size_t num_blocks_ = 0;
  std::vector<Level> levels_;
  std::vector<int32_t> heads_;
  std::vector<Node> nodes_;
  LoadTree load_;
  mutable std::vector<Runs> runs_;
  mutable std::vector<ByteRange> used_;
  mutable std::vector<ByteRange> holes_;
  mutable std::vector<int32_t> found_;
};

}  // namespace memstow
#endif  // MEMSTOW_FAST_MEMORY_H_
