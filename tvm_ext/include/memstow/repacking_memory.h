/*!
 * \file memstow/repacking_memory.h
 * \brief Fast memory in which blocks may move so that one more fits, and every change can be undone.
 *
 *      RepackingMemory memory(9, 1, 6);                 // a and b as at the head of fast_memory.h
 *      memory.Insert(2, 3, 1, 3)                        // kPlaced: b moves down to 3, 3 bytes lie above it
 *      memory.Insert(3, 1, 1, 3)                        // kOverfull: 9 bytes are in use at time 1
 *      memory.UndoTo(mark);                             // b is where it was
 *
 *  Blocks keep their times; offsets are free until a plan is written.
 */
#ifndef MEMSTOW_REPACKING_MEMORY_H_
#define MEMSTOW_REPACKING_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "memstow/fast_memory.h"

namespace memstow {

/*! \brief How hard `RepackingMemory::Insert` tries. */
struct RepackOptions {
  /*! \brief Move blocks at all. */
  bool move = true;
  /*! \brief Blocks that are forced out of others' way at most, one after another. */
  int32_t move_limit = 200;
  /*! \brief Placements that the complete search may try once everything else has failed; 0: no such search. */
  int64_t node_limit = 200;
  /*! \brief So many blocks are packed anew at most, those beside the newcomer or all that hang together in time; where
   * there are more, only single ones make room. */
  size_t block_limit = 512;
};

/*! \brief What `RepackingMemory::Insert` found. */
enum class InsertOutcome {
  kPlaced,
  /*! \brief Proven: at some time more bytes are needed than there are. */
  kOverfull,
  /*! \brief No packing found, though one may exist. */
  kNotFound,
};

/*! \brief See the head of this file. A value: copy it to clone it. One thread at a time, const methods included. */
class RepackingMemory {
 public:
  /*! \brief Empty memory; see FastMemory. */
  RepackingMemory(int64_t capacity, int64_t alignment, int32_t num_times) : memory_(capacity, alignment, num_times) {}

  const FastMemory& memory() const { return memory_; }
  bool Contains(int32_t key) const { return memory_.Contains(key); }
  const Block& block(int32_t key) const { return memory_.block(key); }

  /*! \brief Put a block where its offset says. \throws ValueError as FastMemory::Place. */
  void Place(int32_t key, const Block& block);
  /*! \brief Take a block out. \throws ValueError as FastMemory::Remove. */
  void Remove(int32_t key);
  /*!
   * \brief Place a block at an offset of this class's choice: best fit, else by moving others.
   *
   *  When the outcome is not kPlaced, nothing has changed. Deterministic: limits count placements, not seconds.
   */
  InsertOutcome Insert(int32_t key, int64_t size, int32_t start, int32_t end, const RepackOptions& options = {});
  /*! \brief Give a placed block another end: where it is if that is free, else as Insert. Unchanged unless kPlaced. */
  InsertOutcome Extend(int32_t key, int32_t end, const RepackOptions& options = {});

  /*! \brief The number of changes that can be undone. */
  size_t Mark() const { return changes_.size(); }
  /*! \brief Undo down to a mark. */
  void UndoTo(size_t mark);

 private:
  enum class Kind : uint8_t { kPlaced, kRemoved, kExtended, kMoved };
  struct Change {
    Kind kind;
    int32_t key;
    /*! \brief The block as it was before, or as it was placed. */
    Block block;
  };

  /*! \brief From this offset on a newcomer is in the way of so much more. */
  struct Edge {
    int64_t offset;
    double weight;
  };

  /*! \brief Lift a block; undone, it lies where it was. Where it lies in between needs no undoing. */
  void Lift(int32_t key);
  /*! \brief Find an offset for a lifted block by moving others. Unchanged unless that succeeds. */
  bool Repack(int32_t newcomer, const RepackOptions& options);
  bool Fit(int32_t key);
  bool Displace(int32_t newcomer, const RepackOptions& options);
  int64_t CheapestOffset(const Block& block, const std::vector<int32_t>& alive);
  void LiftFrom(const Block& block, const std::vector<int32_t>& alive);
  bool MoveInOrder(const std::vector<int32_t>& keys, bool best);
  bool MoveInSomeOrder(std::vector<int32_t>* keys);
  bool RepackNear(int32_t newcomer, const RepackOptions& options);
  bool RepackComponent(int32_t newcomer, const RepackOptions& options);
  std::vector<int32_t> Component(const Block& newcomer, size_t limit) const;

  FastMemory memory_;
  std::vector<Change> changes_;
  /*! \brief How often each block was displaced in the present Insert; only those in displaced_ are not 0. */
  std::vector<int32_t> times_displaced_;
  std::vector<int32_t> displaced_;
  std::vector<int32_t> homeless_;
  std::vector<Edge> edges_;
};

}  // namespace memstow
#endif  // MEMSTOW_REPACKING_MEMORY_H_
