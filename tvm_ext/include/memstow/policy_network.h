/*!
 * \file memstow/policy_network.h
 * \brief The agent's small networks on one state at a time, a few microseconds each, without a tensor library.
 *
 *  The reader, which looks at the whole program, runs once a program outside of the core and leaves an embedding for
 *  each decision. What runs at every decision is dense layers:
 *
 *    representation   tanh(B relu(A [embedding; state features]))             the latent state
 *    prediction       relu(T latent) -> corrections, outlooks, value logits
 *    dynamics         tanh(E relu(D [latent; action; next embedding]))        the next latent state
 *                     reward logits from the same hidden layer
 *
 *  The policy corrects what the prices' relaxation says: logits = corrections + kOutlookWeight * outlooks. Outlooks are
 *  features of a state that was seen, predictions for an imagined one.
 *
 *  Values and rewards are distributions over bins (arXiv 2403.03950), a value without bins is a number; a reward's bins
 *  are of sign(x) log(1 + |x|).
 *  Sums are made in one order on every machine, so that a seed gives the same plan.
 */
#ifndef MEMSTOW_POLICY_NETWORK_H_
#define MEMSTOW_POLICY_NETWORK_H_

#include <array>
#include <cstddef>
#include <vector>

#include "memstow/game.h"

namespace memstow {

/*! \brief A dense layer, stored input by input: what an input of 0 would add is not computed. */
class Dense {
 public:
  Dense() = default;
  /*! \brief `weights` by output, then input; `bias` by output. \throws ValueError when the sizes do not match, or a
   * number is not finite. */
  Dense(Span<float> weights, Span<float> bias);

  size_t inputs() const { return inputs_; }
  size_t outputs() const { return bias_.size(); }
  const std::vector<float>& bias() const { return bias_; }
  /*! \brief out = bias + weights x. */
  void Apply(const float* x, float* out) const;
  /*! \brief out += the part of inputs [first, first + count) whose values are x. */
  void Add(const float* x, size_t first, size_t count, float* out) const;

 private:
  size_t inputs_ = 0;
  std::vector<float> weights_;
  std::vector<float> bias_;
};

/*! \brief Weight of an action's outlook in its logit. */
constexpr float kOutlookWeight = 2.0F;

/*! \brief What the network says of a latent state. */
struct Prediction {
  /*! \brief Of the policy. */
  std::array<float, kNumActions> logits{};
  /*! \brief Part of the potential that will be saved. */
  double value = 0.0;
};

/*! \brief See the head of this file. Never changes; shared between threads. */
class PolicyNetwork {
 public:
  /*! \brief Number of arrays that a network is made of. */
  static constexpr size_t kNumArrays = 20;

  /*!
   * \brief Weights and biases of representation (2 layers), trunk, corrections, outlooks, value, the value's bins,
   * dynamics (2 layers), reward, the reward's bins, in this order.
   * \throws ValueError when their sizes do not fit together.
   */
  explicit PolicyNetwork(const std::vector<Span<float>>& arrays);

  size_t embedding_size() const { return embedding_size_; }
  size_t num_features() const { return represent_in_.inputs() - embedding_size_; }
  size_t latent_size() const { return represent_out_.outputs(); }
  size_t hidden_size() const { return represent_in_.outputs(); }

  /*! \brief The part of the first layer's sums that a decision's embedding makes; `out` has hidden_size(). */
  void Prepare(const float* embedding, float* out) const;
  /*! \brief Latent state of a decision with these state features; `prepared` as Prepare wrote it. */
  void Represent(const float* prepared, const float* features, float* latent) const;
  /*! \brief Policy and, where asked for, value of a latent state; `outlooks` of its actions, null: as predicted. */
  Prediction Predict(const float* latent, const float* outlooks, bool with_value) const;
  /*! \brief One action on: the next latent state; returns the reward. `next_embedding` null: past the end. */
  double Step(const float* latent, Action action, const float* next_embedding, float* next) const;

 private:
  size_t embedding_size_ = 0;
  Dense represent_in_, represent_out_, trunk_, correct_, outlook_, value_, step_in_, step_out_, reward_;
  std::vector<float> value_bins_, reward_bins_;
};

}  // namespace memstow
#endif  // MEMSTOW_POLICY_NETWORK_H_
