/*!
 * \file memstow/problem.h
 * \brief A program to be planned for an accelerator, on flat arrays: built once, never changed, shared between threads.
 *
 *  A storage is one alias group. Its *touches* are the instructions that move bytes of it, in time order; all accesses
 *  of a touch are in one memory. Touches are numbered storage by storage, so that a run of touches of one storage is a
 *  range of ids. Here i0 writes a, i1 reads w and a and writes b, i2 reads w:
 *
 *    storage   i0     i1     i2         touches(w) = 0 1    touches_at(1) = 0 2 3 (in slot order, most bytes first)
 *    0  w             t0     t1         touches(a) = 2 3
 *    1  a      t2     t3                touches(b) = 4
 *    2  b             t4
 *
 *  Problems with another cost model share nothing and cost little: WithSeconds makes a copy with other prices.
 */
#ifndef MEMSTOW_PROBLEM_H_
#define MEMSTOW_PROBLEM_H_

#include <cstdint>
#include <vector>

#include "memstow/cost_table.h"
#include "memstow/problem_types.h"

namespace memstow {

/*!
 * \brief What a problem is built from. Derived fields (Touch::slot, Instruction::bytes and num_slots, the touches of a
 *  storage, copy_seconds, placeable and tenant) are filled in by Problem.
 */
struct ProblemRows {
  Hardware hardware;
  std::vector<Instruction> instructions;
  std::vector<Storage> storages;
  /*! \brief Sorted by storage, then time; one per storage and instruction; bytes above 0. */
  std::vector<Touch> touches;
};

/*! \brief See the head of this file. Ids are int32: instruction times, storages, touches. */
class Problem {
 public:
  /*!
   * \brief Build a problem priced by the roofline.
   * \throws ValueError when a row is out of order, out of range or negative; the message names it.
   */
  explicit Problem(ProblemRows rows);

  /*! \brief This problem with other prices; see CostTable for the layout of `seconds`. */
  Problem WithSeconds(Span<double> seconds) const;

  int32_t num_instructions() const { return static_cast<int32_t>(rows_.instructions.size()); }
  int32_t num_storages() const { return static_cast<int32_t>(rows_.storages.size()); }
  int32_t num_touches() const { return static_cast<int32_t>(rows_.touches.size()); }

  const Hardware& hardware() const { return rows_.hardware; }
  const Instruction& instruction(int32_t t) const { return rows_.instructions[static_cast<size_t>(t)]; }
  const Storage& storage(int32_t s) const { return rows_.storages[static_cast<size_t>(s)]; }
  /*! \brief A touch by its id. */
  const Touch& touch(int32_t id) const { return rows_.touches[static_cast<size_t>(id)]; }
  /*! \brief The touches of a storage in time order. */
  Span<Touch> touches(int32_t s) const {
    const Storage& row = storage(s);
    return {rows_.touches.data() + row.first_touch, static_cast<size_t>(row.num_touches)};
  }
  /*! \brief Ids of the touches at an instruction: slots in order, then those of storages that cannot be placed. */
  Span<int32_t> touches_at(int32_t t) const {
    const size_t first = static_cast<size_t>(first_at_[static_cast<size_t>(t)]);
    return {at_.data() + first, static_cast<size_t>(first_at_[static_cast<size_t>(t) + 1]) - first};
  }
  const CostTable& costs() const { return costs_; }
  /*! \brief The fast set of instruction t with all that planners may place in fast memory. */
  FastSet AllTenants(int32_t t) const;

 private:
  void FillStorages();
  void FillInstructions();
  CostTable Priced(Span<double> seconds) const;

  ProblemRows rows_;
  std::vector<int32_t> at_;
  std::vector<int32_t> first_at_;
  CostTable costs_;
};

}  // namespace memstow
#endif  // MEMSTOW_PROBLEM_H_
