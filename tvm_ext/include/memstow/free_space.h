/*!
 * \file memstow/free_space.h
 * \brief Which bytes of fast memory are free when: blocks in time and space, holes between them, and repacking.
 *
 *  Times are instruction times, both ends inclusive. A block asks for the same bytes during all of [start, end]:
 *
 *    offset 9 |           |                    FreeSpace space(9, 1, 6);
 *           8 +--------+  |                    space.Place({0, 0, 3, 0, 4});        // a
 *             |   b    |  |                    space.Place({1, 5, 3, 0, 2});        // b
 *           5 +--------+  |                    space.BestFit(2, 1, 3) == 3          // between a and b
 *             |  hole     |                    space.BestFit(3, 1, 3) == -1
 *           3 +-----------+                    space.Insert({2, 0, 3, 1, 3})        // kPlaced: b moves
 *             |     a     |                    space.Insert({3, 0, 1, 1, 3})        // kOverfull: 9 bytes at time 1
 *           0 +-----------+---> time
 *             0        3  5
 *
 *  Blocks are indexed by length and start: level L holds blocks of at most 4 * 4^L times, in buckets of that width, so
 *  that a query for [start, end] looks at the buckets that begin one width before it, level by level. Its cost follows
 *  the blocks that are near the interval, not all blocks.
 *
 *  Answers depend on the set of blocks alone, not on the order of changes.
 */
#ifndef MEMSTOW_FREE_SPACE_H_
#define MEMSTOW_FREE_SPACE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "memstow/problem_types.h"

namespace memstow {

/*! \brief Bytes [offset, offset + size) during [start, end], both inclusive. Keys are the caller's: small, not
 * negative. */
struct Block {
  int32_t key = 0;
  int64_t offset = 0;
  int64_t size = 0;
  int32_t start = 0;
  int32_t end = 0;
};

/*! \brief Free bytes [offset, offset + size). */
struct Hole {
  int64_t offset = 0;
  int64_t size = 0;
};

/*! \brief How hard `FreeSpace::Insert` tries. */
struct RepackOptions {
  /*! \brief Move blocks at all. */
  bool move = true;
  /*! \brief Placements that the complete search may try once the fixed orders have failed; 0: no such search. */
  int64_t node_limit = 2000;
  /*! \brief Where that many blocks or more hang together in time, only those beside the newcomer are moved. */
  size_t block_limit = 512;
};

/*! \brief What `FreeSpace::Insert` found. */
enum class InsertOutcome {
  kPlaced,
  /*! \brief Proven: at some time more bytes are needed than there are. */
  kOverfull,
  /*! \brief No packing found, though one may exist. */
  kNotFound,
};

/*! \brief See the head of this file. A value: copy it to clone it. One thread at a time, const methods included. */
class FreeSpace {
 public:
  static constexpr int64_t kNoRoom = -1;

  /*!
   * \brief Empty memory.
   * \param capacity Bytes.
   * \param alignment Offsets are multiples of it.
   * \param num_times Times are in [-1, num_times].
   */
  FreeSpace(int64_t capacity, int64_t alignment, int32_t num_times);

  int64_t capacity() const { return capacity_; }
  int64_t alignment() const { return alignment_; }
  size_t num_blocks() const { return num_blocks_; }

  /*! \brief Lowest offset of the smallest hole that has `size` bytes free during [start, end], or kNoRoom. */
  int64_t BestFit(int64_t size, int32_t start, int32_t end) const;
  /*! \brief Lowest offset from which `size` bytes are free during [start, end], or kNoRoom. */
  int64_t FirstFit(int64_t size, int32_t start, int32_t end) const;
  /*! \brief Whether exactly these bytes are free during [start, end]; aligned or not. */
  bool IsFree(int64_t offset, int64_t size, int32_t start, int32_t end) const;
  /*! \brief All holes that are free during [start, end], lowest first, cut to aligned offsets. */
  std::vector<Hole> Holes(int32_t start, int32_t end) const;
  /*! \brief The most bytes in use at one time of [start, end], each block rounded up to the alignment. */
  int64_t PeakLoad(int32_t start, int32_t end) const;
  /*! \brief Whether PeakLoad rules out `size` more bytes during [start, end]. Other keys than `ignored` count. */
  bool IsOverfull(int64_t size, int32_t start, int32_t end, int32_t ignored = -1) const;
  /*! \brief The earliest time from which IsOverfull does not rule out `size` bytes until `end`; end + 1: none. */
  int32_t EarliestRoom(int64_t size, int32_t start, int32_t end) const;
  /*! \brief Blocks alive at some time of [start, end], by key. */
  std::vector<Block> Overlapping(int32_t start, int32_t end) const;

  /*!
   * \brief Put a block where its offset says; the caller has made sure that this is free.
   * \throws ValueError when the key is in use, or time or space lie outside.
   */
  void Place(const Block& block);
  /*! \brief Take a block out: the exact inverse of Place. \throws ValueError when there is none with this key. */
  Block Remove(int32_t key);
  /*!
   * \brief Place a block at an offset of this class's choice (its own is ignored): best fit, else by moving others.
   *
   *  Blocks keep their times; offsets are free until a plan is written. Every move can be undone. When the outcome is
   *  not kPlaced, nothing has changed. Deterministic: limits count placements, not seconds.
   */
  InsertOutcome Insert(Block block, const RepackOptions& options = {});
  /*! \brief Give a placed block other times: where it is if that is free, else as Insert. Unchanged unless kPlaced. */
  InsertOutcome Resize(int32_t key, int32_t start, int32_t end, const RepackOptions& options = {});

  bool Contains(int32_t key) const {
    return key >= 0 && static_cast<size_t>(key) < nodes_.size() && nodes_[static_cast<size_t>(key)].bucket != kNone;
  }
  /*! \brief The block with this key, which must be placed. */
  const Block& block(int32_t key) const { return nodes_[static_cast<size_t>(key)].block; }
  /*! \brief All blocks, by key. */
  std::vector<Block> Blocks() const;

  /*! \brief The number of changes (places and removals) that can be undone. */
  size_t Mark() const { return changes_.size(); }
  /*! \brief Undo down to a mark. */
  void UndoTo(size_t mark);
  /*! \brief Forget how to undo: Mark() is 0 again. Without it every change takes memory. */
  void Commit() { changes_.clear(); }

 private:
  static constexpr int32_t kNone = -1;
  static constexpr int32_t kFirstWidth = 4;

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
  struct Change {
    Block block;
    bool placed;
  };
  /*! \brief Bytes in use: [offset, top), top rounded up to the alignment. */
  struct Used {
    int64_t offset;
    int64_t top;
  };

  int64_t AlignUp(int64_t bytes) const {
    return alignment_ == 1 ? bytes : (bytes + alignment_ - 1) / alignment_ * alignment_;
  }
  size_t LevelOf(int32_t length) const;
  void Link(const Block& block);
  void Unlink(int32_t key);
  template <typename Visit>
  void VisitNear(int32_t start, int32_t end, Visit visit) const;
  /*! \brief What is in use during [start, end], by offset; good until the next call. */
  Span<Used> CollectUsed(int32_t start, int32_t end) const;
  template <typename Visit>
  void VisitHoles(int32_t start, int32_t end, Visit visit) const;
  /*! \brief Notes in edges_ when blocks other than `ignored` come (bytes above 0) and go; the bytes of all that come.
   */
  int64_t CollectEdges(int32_t start, int32_t end, int32_t ignored) const;
  int64_t Peak(int32_t start, int32_t end, int32_t ignored) const;

  bool PlaceInOrder(std::vector<Block>* blocks, bool best);
  bool RepackLocally(const Block& newcomer);
  bool RepackComponent(const Block& newcomer, const RepackOptions& options);
  std::vector<Block> Component(const Block& newcomer, size_t limit) const;

  int64_t capacity_;
  int64_t alignment_;
  int32_t num_times_;
  size_t num_blocks_ = 0;
  std::vector<Level> levels_;
  std::vector<int32_t> heads_;
  std::vector<Node> nodes_;
  std::vector<Change> changes_;
  mutable std::vector<Used> used_;
  mutable std::vector<std::pair<int32_t, int64_t>> edges_;
  mutable size_t num_edges_ = 0;
};

}  // namespace memstow
#endif  // MEMSTOW_FREE_SPACE_H_
