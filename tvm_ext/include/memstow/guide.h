/*!
 * \file memstow/guide.h
 * \brief Advice on the decision that is due: the policy network's, or by the prices of the relaxation where there is
 *  no network.
 */
#ifndef MEMSTOW_GUIDE_H_
#define MEMSTOW_GUIDE_H_

#include <array>
#include <memory>
#include <vector>

#include "memstow/observer.h"
#include "memstow/policy_network.h"

namespace memstow {

/*! \brief What to do next. */
struct Advice {
  uint32_t legal = 0;
  /*! \brief The higher, the likelier it is right; those of illegal actions mean nothing. */
  std::array<float, kNumActions> logits{};
  /*! \brief Discounted reward to come, in reward units, where it was asked for. */
  double value = 0.0;

  bool IsLegal(int32_t action) const { return (legal >> action & 1U) != 0; }
  /*! \brief The legal action with the highest logit. */
  Action Best() const;
  /*! \brief Probabilities of the legal actions at a temperature above 0. */
  std::array<double, kNumActions> Probabilities(double temperature) const;
};

/*! \brief See the head of this file. Never changes; shared between threads. Observer and network must outlive it. */
class Guide {
 public:
  /*! \brief Advice by prices: what an action saves at once, less what its bytes cost, and what it leads to. */
  explicit Guide(const Observer& observer);
  /*!
   * \brief Advice by a network.
   * \param embeddings One for each decision, decision by decision.
   * \throws ValueError when the network is of other features, or the embeddings of another size.
   */
  Guide(const Observer& observer, const PolicyNetwork& network, Span<float> embeddings);

  const Observer& observer() const { return *observer_; }
  const PolicyNetwork* network() const { return network_; }
  /*! \brief The embedding of a decision; null past the end. */
  const float* embedding(size_t decision) const;

  /*! \brief Advice in a state that is not at its end; the state is as before. */
  Advice Ask(GameState* state, bool with_value) const;
  /*! \brief The same with the state's features and latent state written out, where these are not null. */
  Advice Ask(GameState* state, bool with_value, float* features, float* latent) const;

 private:
  const Observer* observer_;
  const PolicyNetwork* network_ = nullptr;
  std::vector<float> embeddings_;
  /*! \brief By decision: what its embedding adds to the first layer. */
  std::vector<float> prepared_;
};

}  // namespace memstow
#endif  // MEMSTOW_GUIDE_H_
