#include "memstow/guide.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <cmath>

namespace memstow {

namespace {

/*! \brief Widest latent state and most state features: room for them lies on the stack. */
constexpr size_t kMostLatent = 512;
constexpr size_t kMostFeatures = 128;

}  // namespace

Action Advice::Best() const {
  int32_t best = -1;
  for (int32_t a = 0; a < kNumActions; ++a) {
    const size_t at = static_cast<size_t>(a);
    if (IsLegal(a) && (best < 0 || logits[at] > logits[static_cast<size_t>(best)])) best = a;
  }
  return static_cast<Action>(std::max(0, best));
}

std::array<double, kNumActions> Advice::Probabilities(double temperature) const {
  std::array<double, kNumActions> parts{};
  const double most = logits[static_cast<size_t>(Best())];
  double sum = 0.0;
  for (int32_t a = 0; a < kNumActions; ++a) {
    const size_t at = static_cast<size_t>(a);
    if (IsLegal(a)) sum += parts[at] = std::exp((logits[at] - most) / temperature);
  }
  for (double& part : parts) part /= sum;
  return parts;
}

Guide::Guide(const Observer& observer) : observer_(&observer) {}

Guide::Guide(const Observer& observer, const PolicyNetwork& network, Span<float> embeddings)
    : observer_(&observer), network_(&network), embeddings_(embeddings.begin(), embeddings.end()) {
  const size_t decisions = observer.game().decisions().size(), expected = StateFeatureNames().size();
  if (network.num_features() != expected || network.latent_size() > kMostLatent) {
    TVM_FFI_THROW(ValueError) << "guide: expected a network of " << expected << " state features, found "
                              << network.num_features() << "; train it anew";
  }
  if (embeddings.size() != decisions * network.embedding_size()) {
    TVM_FFI_THROW(ValueError) << "guide: expected " << decisions << " embeddings of " << network.embedding_size()
                              << " numbers, found " << embeddings.size() << " numbers";
  }
  prepared_.resize(decisions * network.hidden_size());
  for (size_t i = 0; i < decisions; ++i) network.Prepare(embedding(i), &prepared_[i * network.hidden_size()]);
}

const float* Guide::embedding(size_t decision) const {
  const size_t width = network_->embedding_size();
  return (decision + 1) * width <= embeddings_.size() ? &embeddings_[decision * width] : nullptr;
}

Advice Guide::Ask(GameState* state, bool with_value) const { return Ask(state, with_value, nullptr, nullptr); }

Advice Guide::Ask(GameState* state, bool with_value, float* features, float* latent) const {
  std::array<float, kMostFeatures> seen;
  std::array<float, kMostLatent> room;
  if (features == nullptr) features = seen.data();
  if (latent == nullptr) latent = room.data();
  Advice advice;
  const Observation seen_now = observer_->Observe(state, features);
  advice.legal = seen_now.legal;
  if (network_ == nullptr) {
    for (size_t a = 0; a < advice.logits.size(); ++a) advice.logits[a] = seen_now.rewards[a] + seen_now.outlooks[a];
    return advice;
  }
  const size_t decision = state->NumDecided();
  network_->Represent(&prepared_[decision * network_->hidden_size()], features, latent);
  std::array<float, kNumActions> outlooks;
  for (int32_t a = 0; a < kNumActions; ++a) outlooks[static_cast<size_t>(a)] = seen_now.OutlookFeature(a);
  const Prediction found = network_->Predict(latent, outlooks.data(), with_value);
  advice.logits = found.logits;
  advice.value = found.value * observer_->Potential(decision);
  return advice;
}

}  // namespace memstow
