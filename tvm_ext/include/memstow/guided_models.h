/*!
 * \file memstow/guided_models.h
 * \brief A guide behind a tree search: on the true game, or on the network's own model of it.
 */
#ifndef MEMSTOW_GUIDED_MODELS_H_
#define MEMSTOW_GUIDED_MODELS_H_

#include <cstdint>
#include <vector>

#include "memstow/guide.h"
#include "memstow/tree_model.h"

namespace memstow {

/*!
 * \brief Evaluates true states: the guide's logits; as value the rewards of so many more decisions by its best advice,
 *  and from there on what the network says (nothing, without one).
 */
class GuidedEvaluator : public Evaluator {
 public:
  /*! \brief `horizon`: decisions that are played; 0: the network's value alone; below 0: to the end of the game. */
  GuidedEvaluator(const Guide& guide, int32_t horizon) : guide_(&guide), horizon_(horizon) {}

  Evaluation Evaluate(GameState* state) override;

 private:
  const Guide* guide_;
  int32_t horizon_;
};

/*! \brief The game as the network's dynamics imagine it from a true state on; the game itself is not played. */
class LearnedModel : public TreeModel {
 public:
  /*! \throws ValueError when the guide has no network. The state is only looked at, in Root. */
  LearnedModel(const Guide& guide, GameState* state);

  Evaluation Root() override;
  double Step(int32_t parent, Action action, int32_t child) override;
  Evaluation Evaluate(int32_t node) override;
  void ReturnToRoot() override {}

 private:
  float* latent(int32_t node) { return &latents_[static_cast<size_t>(node) * width_]; }

  const Guide* guide_;
  GameState* state_;
  size_t width_;
  /*! \brief By node: its latent state, its decision, and the reward on the way to it. */
  std::vector<float> latents_;
  std::vector<size_t> decisions_;
  std::vector<double> rewards_;
};

}  // namespace memstow
#endif  // MEMSTOW_GUIDED_MODELS_H_
