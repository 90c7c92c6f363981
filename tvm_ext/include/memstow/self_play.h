/*!
 * \file memstow/self_play.h
 * \brief Games in which a tree search decides, and many of them at once.
 *
 *  Each decision has random numbers of its own, drawn from the game's seed and the number of the decision. So a game
 *  depends on its seed alone: not on other games, threads, or whether it was played in one go.
 */
#ifndef MEMSTOW_SELF_PLAY_H_
#define MEMSTOW_SELF_PLAY_H_

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "memstow/gumbel_search.h"

namespace memstow {

/*! \brief A decision made by search. */
struct SearchedDecision {
  uint32_t legal = 0;
  SearchResult found;
  /*! \brief Seconds saved, in units. */
  double reward = 0.0;
};

/*! \brief A seed of its own for everything that is numbered. */
uint64_t SeedOf(uint64_t seed, uint64_t number);

/*!
 * \brief Search a state with the random numbers of its decision.
 * \param state The game; `model` has it as its root, and may draw from `random`, too.
 * \throws ValueError when the game is over.
 */
SearchResult SearchState(const GameState& state, TreeModel* model, GumbelSearch* search, uint64_t seed,
                         std::mt19937_64* random);

/*! \brief Search a state, and apply what was found. */
SearchedDecision DecideBySearch(GameState* state, TreeModel* model, GumbelSearch* search, double unit_seconds,
                                uint64_t seed, std::mt19937_64* random);

/*!
 * \brief Run job(0), ..., job(count - 1), each once, on so many threads, and wait for all.
 * \throws What the job with the smallest number threw, if any did.
 */
void RunInParallel(size_t count, int32_t threads, const std::function<void(size_t)>& job);

}  // namespace memstow
#endif  // MEMSTOW_SELF_PLAY_H_
