/*!
 * \file memstow/memory_prices.h
 * \brief What fast memory and the copy engine are worth over time, by Lagrangian relaxation of the capacity.
 *
 *  Every byte of fast memory has a price at every instruction time, every second of the copy engine another one. With
 *  prices given, storages no longer compete: the best of each is found alone, touch by touch, by dynamic programming
 *  over where its data is:
 *
 *    touch          slow              from fast memory: it saves its share of the instruction's seconds
 *    between two    nothing           stay: bytes x prices of the times in between
 *                                     copy: the copy's seconds at the engine's prices, bytes x prices of its window
 *                                     leave with unsaved data: the same for the eviction
 *
 *  Where the choices of all storages together ask for more than there is, the price goes up, elsewhere down (Held and
 *  Karp's subgradient method). After some rounds the prices say how contested each time is, and the mean of the choices
 *  says what a plan that could cut tensors in pieces would do:
 *
 *    capacity ------------########----------   price  ___________/^^^^^^^^\_________
 *    load     ___/^^^^\___########___/^^\___
 *
 *  All times are linear in touches, instructions and rounds.
 */
#ifndef MEMSTOW_MEMORY_PRICES_H_
#define MEMSTOW_MEMORY_PRICES_H_

#include <cstdint>
#include <vector>

#include "memstow/problem.h"

namespace memstow {

/*! \brief What the relaxation says of one touch; seconds, prices included. */
struct TouchPrices {
  /*! \brief Seconds that the touch saves when it is served from fast memory: its share of the instruction's. */
  double benefit = 0.0;
  /*! \brief The same with nothing, or everything, else of the instruction in fast memory. */
  double alone = 0.0;
  double last = 0.0;
  /*! \brief Price of the bytes since the touch before (or at the touch alone, for the first). */
  double stay_cost = 0.0;
  /*! \brief Price of the bytes during the copy's window, and of the copy's own seconds. */
  double copy_memory_cost = 0.0;
  double copy_engine_cost = 0.0;
  /*! \brief First time of the window in which a prefetch hides, everything being fast. */
  int32_t window = 0;
  /*! \brief What the later touches of the storage gain if this one is fast rather than slow. */
  double continuation = 0.0;
  /*! \brief What they gain in all if this one is slow. */
  double slow_gain = 0.0;
  /*! \brief Share of the rounds in which the touch was fast, or copied. */
  double fast_share = 0.0;
  double copy_share = 0.0;
};

/*! \brief See the head of this file. Computed once; never changes. */
class MemoryPrices {
 public:
  /*! \brief Prices after so many rounds, each a linear sweep. */
  explicit MemoryPrices(const Problem& problem, int32_t rounds = 120);

  const TouchPrices& touch(int32_t id) const { return touches_[static_cast<size_t>(id)]; }
  /*! \brief Seconds that a byte costs at time t. */
  double memory_price(int32_t t) const { return memory_[static_cast<size_t>(t)]; }
  /*! \brief Seconds that a byte costs during all of [start, end]; 0 when start > end. */
  double MemoryCost(int32_t start, int32_t end) const {
    return start > end ? 0.0
                       : memory_before_[static_cast<size_t>(end) + 1] - memory_before_[static_cast<size_t>(start)];
  }
  /*! \brief Seconds that a second of the copy engine costs at time t: from 0 (idle anyway) to 1 (the program waits). */
  double engine_price(int32_t t) const { return engine_[static_cast<size_t>(t)]; }
  /*! \brief Bytes in fast memory at time t on the average of the rounds. */
  double load(int32_t t) const { return load_[static_cast<size_t>(t)]; }
  /*! \brief Seconds of the copy queue's idle time before time t, everything being in fast memory. */
  double idle_before(int32_t t) const { return idle_before_[static_cast<size_t>(t)]; }
  /*! \brief Seconds of the program before time t, everything being in fast memory. */
  double seconds_before(int32_t t) const { return seconds_before_[static_cast<size_t>(t)]; }
  /*! \brief Seconds with everything slow less those with everything fast. */
  double potential() const { return potential_; }

 private:
  void FillInstructions(const Problem& problem);
  void FillBenefits(const Problem& problem);
  void FillWindows(const Problem& problem);
  void Choose(const Problem& problem, int32_t storage);
  void PriceTouches(const Problem& problem);
  void Sum();
  void Round(const Problem& problem, bool counts);

  std::vector<TouchPrices> touches_;
  std::vector<double> memory_, engine_, load_;
  std::vector<double> memory_before_, engine_before_, idle_, idle_before_, seconds_before_;
  double potential_ = 0.0;
  // Of one round: changes of load, of the engine's use, and what was chosen for each touch.
  std::vector<double> load_change_, use_change_;
  std::vector<uint8_t> chosen_;
  std::vector<double> gain_;
};

}  // namespace memstow
#endif  // MEMSTOW_MEMORY_PRICES_H_
