/*!
 * \file memstow/observer.h
 * \brief What the agent sees of MallocGame: numbers of a decision that never change, and of the state when it is due.
 *
 *  All are ratios (to the capacity, to a copy's seconds, to the mean saving of a decision, ...), squashed by
 *  sign(x) log(1 + |x|) where they have no bound and cut at 4, so that one network serves programs of 20 to 20,000
 *  instructions and memories of 0.1 to 200 MiB. The names below are the only list of them.
 *
 *  Rewards are seconds saved in units of UnitSeconds(): the mean of what a decision can save at most. Potential(i) is
 *  the discounted sum of those mosts from decision i on; values are parts of it.
 */
#ifndef MEMSTOW_OBSERVER_H_
#define MEMSTOW_OBSERVER_H_

#include <cstdint>
#include <vector>

#include "memstow/game.h"
#include "memstow/memory_prices.h"

namespace memstow {

/*! \brief Weight of the next decision's reward, relative to this one's. */
constexpr double kDiscount = 1.0 - 1.0 / 64.0;

/*! \brief Names of the static features of a decision, in order. */
const std::vector<const char*>& ProgramFeatureNames();
/*! \brief Names of the features of a state, in order. */
const std::vector<const char*>& StateFeatureNames();

/*! \brief What an observation says beside its features. */
struct Observation {
  /*! \brief Bit a: action a is legal. */
  uint32_t legal = 0;
  /*! \brief Seconds that each action saves at once, in reward units; 0 where it is illegal. */
  float rewards[kNumActions] = {0.0F, 0.0F, 0.0F};
  /*! \brief What the relaxation says of each legal action beyond that: less the price of its bytes, more what being in
   * fast memory is worth to later touches; in reward units. */
  float outlooks[kNumActions] = {0.0F, 0.0F, 0.0F};

  /*! \brief Reward and outlook of an action as the state's feature has them: squashed. */
  float OutlookFeature(int32_t action) const;
};

/*! \brief Sees the states of one game, which must outlive it. Never changes; shared between threads. */
class Observer {
 public:
  explicit Observer(const Game& game);

  const Game& game() const { return *game_; }
  const MemoryPrices& prices() const { return prices_; }
  /*! \brief Seconds of one reward unit; above 0. */
  double UnitSeconds() const { return unit_; }
  /*! \brief Discounted sum of what decisions from i on can save, in reward units; above 0. i may be their number. */
  double Potential(size_t decision) const { return potential_[decision]; }

  /*! \brief Static features, one row for each decision. */
  std::vector<float> ProgramFeatures() const;
  /*! \brief Features of a state that is not at its end; `features` has room for all. The state is as before. */
  Observation Observe(GameState* state, float* features) const;

 private:
  void ProgramRow(size_t decision, float* row) const;

  const Game* game_;
  MemoryPrices prices_;
  double unit_ = 1.0;
  double pressure_ = 0.0;
  std::vector<double> potential_;
};

}  // namespace memstow
#endif  // MEMSTOW_OBSERVER_H_
