/*!
 * \file memstow/trajectory_search.h
 * \brief Many games on one problem, guided: from the beginning, then again and again from the middle of the best one.
 *
 *  The game so far stands at its end, and any decision of it can be gone back to. One iteration:
 *
 *    current   d d s d c s s d s d s s d d     1. go back to a decision where the guide doubts what was done
 *    back to           ^                       2. do something else there, drawn from the guide's advice; sometimes for
 *                                                 the storage's next touches too: all from the other memory
 *    new       d d s d d d s d s d s s d d     3. for a while draw, or do what was done, at random; where a storage's
 *                      ? ?   ?                    last decision is another than it was, ask the guide
 *                                              4. then as it was done, as long as that is legal, to the end
 *
 *  Or room is made for a copy: go back to where it should begin, and drop what would take its bytes until it is done.
 *
 *  What is faster, or only a little slower early on, becomes the current game (simulated annealing). A game that is
 * much slower than the current one was at the same decision, is given up.
 *
 *  Games of thousands of decisions are swept from the beginning to the end instead, and changed on the way: a change is
 *  judged some decisions after the last other action, and what comes later follows when the sweep gets there. There are
 *  too few sweeps for annealing: only what is no slower is accepted.
 */
#ifndef MEMSTOW_TRAJECTORY_SEARCH_H_
#define MEMSTOW_TRAJECTORY_SEARCH_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "memstow/guide.h"
#include "memstow/search_random.h"

namespace memstow {

/*! \brief A slice of work and where in the whole search it lies. */
struct GameSlice {
  int64_t iterations = 0;
  double seconds = std::numeric_limits<double>::infinity();
  double progress_from = 0.0;
  double progress_until = 1.0;
};

/*! \brief See the head of this file. One thread at a time; the guide must outlive it. */
class TrajectorySearch {
 public:
  TrajectorySearch(const Guide& guide, uint64_t seed);

  /*! \brief Play a game from the beginning, at temperature 0 by the best advice, else drawn; it becomes current. */
  void Play(double temperature);
  /*! \brief Begin from these actions: each is done where it is legal, else what the guide says. */
  void Adopt(Span<uint8_t> actions);
  /*! \brief Iterations as long as the slice allows; how many. The game must have been played or adopted. */
  int64_t Improve(const GameSlice& slice);
  /*! \brief Play what a sweep has not come to yet, so that the best game counts it. */
  void Finish();

  /*! \brief Seconds and actions of the best game so far. */
  double best_seconds() const { return best_seconds_; }
  const std::vector<Action>& best() const { return best_; }
  /*! \brief Decisions made so far, and those of them on the guide's advice. */
  int64_t num_decisions() const { return num_decisions_; }
  int64_t num_asked() const { return num_asked_; }

 private:
  /*! \brief A storage's touches before one are to be served from fast memory where that is possible, or from slow. */
  struct Order {
    int32_t storage = -1;
    int32_t until = 0;
    bool fast = false;
  };

  /*! \brief Bytes that stay free during [from, until), so that the storage of a decision can be copied in. */
  struct Room {
    int64_t bytes = 0;
    int32_t from = 0;
    int32_t until = 0;
    size_t decision = 0;
  };

  Advice Ask();
  void Do(Action action);
  Action Draw(const Advice& advice, double temperature);
  void Note(const Advice& advice, Action action);
  template <typename Choose>
  void PlayBy(Choose choose);
  void Iterate(double temperature);
  void Sweep(double temperature);
  void Advance();
  bool Deviate(double temperature, double allowance, size_t window);
  size_t DrawDecision();
  void Leave(Action action);
  Order DrawOrder(size_t at);
  Room DrawRoom(size_t decision);
  size_t FirstDecisionAt(int32_t time) const;
  bool TakesRoom(int32_t time) const;
  bool IsOrdered(int32_t touch) const;
  Action Obey();
  bool Follow(double temperature, size_t window);
  void Keep();

  const Guide* guide_;
  GameState state_;
  Random random_;
  std::vector<Action> current_, next_, best_;
  /*! \brief By decision: seconds of the program before it, in the current game and the next one. */
  std::vector<double> seconds_at_, next_seconds_;
  /*! \brief By decision: the probability that the guide gave to other actions. */
  std::vector<float> doubt_;
  Order order_;
  Room room_;
  /*! \brief By storage: its last decision is another than in the current game. */
  std::vector<uint8_t> differs_;
  std::vector<int32_t> differing_;
  double best_seconds_ = std::numeric_limits<double>::infinity();
  double scale_ = 0.0;
  /*! \brief Seconds by which the current game, as changed behind the state, is slower than seconds_at_ ahead of it. */
  double offset_ = 0.0;
  size_t last_different_ = 0;
  int64_t num_decisions_ = 0;
  int64_t num_asked_ = 0;
};

}  // namespace memstow
#endif  // MEMSTOW_TRAJECTORY_SEARCH_H_
