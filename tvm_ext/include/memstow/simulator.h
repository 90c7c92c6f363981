/*!
 * \file memstow/simulator.h
 * \brief What a plan costs, from scratch: one clock and one FIFO queue of background copies (DESIGN section 3).
 *
 *  The queue is one line of DMA seconds, the copies laid end to end in queue order. `issued` is how much of it has
 *  joined, `served` how much of it has run. An instruction runs min(idle, issued - served) of it. Whoever waits for a
 *  copy waits until `served` has reached the end of that copy, and so for everything in front of it:
 *
 *    line     |== A 3 s ==|=== B 4 s ===|       A: start 0, done 2    B: start 1, done 3
 *    t        0         1         2         3
 *    idle     2         0         1         -
 *    issued   3         7         7         7
 *    stall    0         0         1         3   before 2 until served is 3, before 3 until served is 7
 *    served   2         2         4         7   after the instruction
 */
#ifndef MEMSTOW_SIMULATOR_H_
#define MEMSTOW_SIMULATOR_H_

#include <cstdint>
#include <vector>

#include "memstow/problem.h"

namespace memstow {

/*! \brief A background copy of a stay, open during [start, done); absent by default. A start of -1 costs no time. */
struct Transfer {
  static constexpr int32_t kAbsent = -2;

  int32_t start = kAbsent;
  int32_t done = kAbsent;

  bool present() const { return start != kAbsent; }
};

/*!
 * \brief Touches [first, last] of a storage (counted within the storage) in fast memory, and the copies that this
 * takes.
 *
 *  An empty range, last < first, is a stay that only copies.
 */
struct Stay {
  int32_t storage = 0;
  int32_t first = 0;
  int32_t last = -1;
  Transfer prefetch;
  Transfer eviction;
};

/*! \brief A copy as the queue sees it. */
struct TimedCopy {
  int32_t start = 0;
  int32_t done = 0;
  /*! \brief DMA time, latency included. */
  double seconds = 0.0;
};

/*! \brief Throws ValueError when a stay names touches or times that the problem lacks. */
void CheckStay(const Problem& problem, const Stay& stay);

/*!
 * \brief Simulates plans of one length. It holds nothing but buffers that it uses again: one per thread.
 *
 *  Copy times outside of the program are moved to its ends, as in the reference.
 */
class Simulator {
 public:
  explicit Simulator(int32_t num_instructions);

  /*!
   * \brief Seconds of a program with these prices and copies.
   * \param prices One per instruction.
   * \param copies In plan order: copies with the same start run in this order.
   */
  double Seconds(Span<Price> prices, Span<TimedCopy> copies);

  /*!
   * \brief Seconds of a problem with these stays, everything else being in slow memory.
   *
   *  Copies with the same start run in the order of their done times. Throws like CheckStay.
   */
  double Seconds(const Problem& problem, Span<Stay> stays);

  /*! \brief Of the last run: seconds waited before each instruction and after the last; num_instructions + 1 entries.
   */
  const std::vector<double>& stalls() const { return stalls_; }
  /*! \brief Of the last run by stays: the price of each instruction. */
  const std::vector<Price>& prices() const { return prices_; }

 private:
  void LineUp(Span<TimedCopy> copies);
  double Run(Span<Price> prices);

  size_t count_;
  std::vector<double> stalls_;
  std::vector<Price> prices_;
  std::vector<FastSet> fast_;
  std::vector<TimedCopy> copies_;
  std::vector<TimedCopy> line_;
  std::vector<int32_t> next_;
  std::vector<double> issued_;
  std::vector<double> due_;
};

}  // namespace memstow
#endif  // MEMSTOW_SIMULATOR_H_
