/*!
 * \file memstow/tree_model.h
 * \brief What a tree search grows with: the true game, or a learned model of it.
 *
 *  The search numbers the nodes, walks from the root along actions, and asks about the leaf where it has arrived:
 *
 *    search                            model
 *    Root()                            evaluates the state at hand; it is node 0
 *    Step(0, kCopy, 1)                 goes on by one action, to node 1; the reward
 *    Evaluate(1)                       value and prior of where it is now
 *    ReturnToRoot()
 *    Step(0, kCopy, 1)                 the same reward as before
 *    Step(1, kDrop, 2)
 *    Evaluate(2)
 *    ReturnToRoot()
 *
 *  A new node has the smallest number not used so far, and is evaluated once. The true game applies actions to its
 *  state and takes them back; a learned model keeps a latent for each node, and has nothing to do in a known one.
 *
 *  Rewards and values are seconds saved over the game's unit (see UnitSeconds).
 */
#ifndef MEMSTOW_TREE_MODEL_H_
#define MEMSTOW_TREE_MODEL_H_

#include <array>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "memstow/game.h"

namespace memstow {

/*! \brief What is known of a state before it is searched. At the end of the game nothing is legal and the value is 0.
 */
struct Evaluation {
  /*! \brief Bit a is set when action a is legal. */
  uint32_t legal = 0;
  /*! \brief The prior, up to a constant; those of illegal actions do not count. */
  std::array<float, kNumActions> logits{};
  /*! \brief Discounted sum of the rewards to come. */
  double value = 0.0;
};

/*! \brief See the head of this file. */
class TreeModel {
 public:
  virtual ~TreeModel() = default;
  /*! \brief Evaluate the state at hand, from which all simulations begin. */
  virtual Evaluation Root() = 0;
  /*! \brief Go on from `parent`, where the model is, by a legal action to `child`; the reward. */
  virtual double Step(int32_t parent, Action action, int32_t child) = 0;
  /*! \brief Evaluate the node where the model is. */
  virtual Evaluation Evaluate(int32_t node) = 0;
  /*! \brief Called at the end of each simulation. */
  virtual void ReturnToRoot() = 0;
};

/*! \brief Value and prior of true states. */
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  /*! \brief Evaluate a state, terminal ones included. It may play on, and leaves the state as it was. */
  virtual Evaluation Evaluate(GameState* state) = 0;
};

/*!
 * \brief Seconds of reward 1: what a decision could save at most, on average over the game.
 *
 *  (seconds with everything slow - seconds with everything fast) / decisions; 1 where nothing can be saved.
 */
double UnitSeconds(const Game& game);

/*! \brief The true game as a model: exact, and nothing is copied. */
class TrueModel : public TreeModel {
 public:
  /*! \brief A model of what follows the present of `state`; state and evaluator outlive it. */
  TrueModel(GameState* state, Evaluator* evaluator, double unit_seconds);
  TrueModel(const TrueModel&) = delete;
  TrueModel& operator=(const TrueModel&) = delete;
  /*! \brief Takes back what a simulation that was broken off has left. */
  ~TrueModel() override { TrueModel::ReturnToRoot(); }

  Evaluation Root() override;
  double Step(int32_t parent, Action action, int32_t child) override;
  Evaluation Evaluate(int32_t node) override;
  void ReturnToRoot() override;

 private:
  GameState* state_;
  Evaluator* evaluator_;
  double unit_seconds_;
  int32_t depth_ = 0;
};

/*! \brief A finished game. */
struct BestEnd {
  std::string history;
  double seconds = std::numeric_limits<double>::infinity();
};

/*! \brief Evaluates without a network: every legal action is as likely, the value is the mean return of random games.
 */
class RandomRollouts : public Evaluator {
 public:
  /*! \brief Values by `count` random games each, at least 1. `random` outlives it. */
  RandomRollouts(int32_t count, double discount, double unit_seconds, std::mt19937_64* random);

  Evaluation Evaluate(GameState* state) override;

  /*! \brief The end with the fewest seconds that any of the random games has come to, the first of equal ones. */
  const BestEnd& best() const { return best_; }

 private:
  double PlayOn(GameState* state);
  void Remember(const GameState& state);

  int32_t count_;
  double discount_;
  double unit_seconds_;
  std::mt19937_64* random_;
  BestEnd best_;
};

}  // namespace memstow
#endif  // MEMSTOW_TREE_MODEL_H_
