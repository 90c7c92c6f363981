#include "memstow/policy_network.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <cmath>

// The sums are the same to the last bit on every instruction set: this file is compiled without contraction to
// multiply-adds. Sanitizers and clang do without the copies for wider vectors.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define MEMSTOW_WIDE_VECTORS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MEMSTOW_WIDE_VECTORS
#endif

namespace memstow {

namespace {

/*! \brief Widest layer: room for its sums lies on the stack. */
constexpr size_t kMostOutputs = 512;

MEMSTOW_WIDE_VECTORS
void AddScaled(const float* __restrict weights, float scale, size_t count, float* __restrict out) {
  for (size_t k = 0; k < count; ++k) out[k] += scale * weights[k];
}

void Relu(float* x, size_t count) {
  for (size_t k = 0; k < count; ++k) x[k] = std::max(0.0F, x[k]);
}

void Tanh(float* x, size_t count) {
  for (size_t k = 0; k < count; ++k) x[k] = std::tanh(x[k]);
}

/*! \brief Mean of the bins under softmax of the logits. */
double Expectation(const float* logits, const std::vector<float>& bins) {
  if (bins.empty()) return logits[0];  // a scalar in place of a distribution
  const float most = *std::max_element(logits, logits + bins.size());
  double sum = 0.0, weighted = 0.0;
  for (size_t k = 0; k < bins.size(); ++k) {
    const double weight = std::exp(logits[k] - most);
    sum += weight;
    weighted += weight * bins[k];
  }
  return weighted / sum;
}

}  // namespace

Dense::Dense(Span<float> weights, Span<float> bias) : bias_(bias.begin(), bias.end()) {
  if (bias.empty() || bias.size() > kMostOutputs || weights.size() % bias.size() != 0) {
    TVM_FFI_THROW(ValueError) << "dense layer: expected weights for each of up to " << kMostOutputs
                              << " outputs, found " << weights.size() << " weights and " << bias.size() << " outputs";
  }
  const auto is_finite = [](float x) { return std::isfinite(x); };
  if (!std::all_of(weights.begin(), weights.end(), is_finite) || !std::all_of(bias.begin(), bias.end(), is_finite)) {
    TVM_FFI_THROW(ValueError)
        << "dense layer: expected finite weights, found others; the network's training has failed";
  }
  inputs_ = weights.size() / bias.size();
  weights_.resize(weights.size());
  for (size_t out = 0; out < bias.size(); ++out) {
    for (size_t in = 0; in < inputs_; ++in) weights_[in * bias.size() + out] = weights[out * inputs_ + in];
  }
}

void Dense::Apply(const float* x, float* out) const {
  std::copy(bias_.begin(), bias_.end(), out);
  Add(x, 0, inputs_, out);
}

void Dense::Add(const float* x, size_t first, size_t count, float* out) const {
  for (size_t k = 0; k < count; ++k) {
    if (x[k] != 0.0F) AddScaled(&weights_[(first + k) * outputs()], x[k], outputs(), out);
  }
}

PolicyNetwork::PolicyNetwork(const std::vector<Span<float>>& arrays) {
  if (arrays.size() != kNumArrays) {
    TVM_FFI_THROW(ValueError) << "policy network: expected " << kNumArrays << " arrays, found " << arrays.size();
  }
  represent_in_ = Dense(arrays[0], arrays[1]);
  represent_out_ = Dense(arrays[2], arrays[3]);
  trunk_ = Dense(arrays[4], arrays[5]);
  correct_ = Dense(arrays[6], arrays[7]);
  outlook_ = Dense(arrays[8], arrays[9]);
  value_ = Dense(arrays[10], arrays[11]);
  value_bins_.assign(arrays[12].begin(), arrays[12].end());
  step_in_ = Dense(arrays[13], arrays[14]);
  step_out_ = Dense(arrays[15], arrays[16]);
  reward_ = Dense(arrays[17], arrays[18]);
  reward_bins_.assign(arrays[19].begin(), arrays[19].end());
  const size_t latent = represent_out_.outputs();
  const bool fits = represent_out_.inputs() == represent_in_.outputs() && trunk_.inputs() == latent &&
                    correct_.inputs() == trunk_.outputs() && correct_.outputs() == kNumActions &&
                    outlook_.inputs() == trunk_.outputs() && outlook_.outputs() == kNumActions &&
                    value_.inputs() == trunk_.outputs() &&
                    value_.outputs() == std::max<size_t>(1, value_bins_.size()) &&
                    step_in_.inputs() > latent + kNumActions && step_out_.inputs() == step_in_.outputs() &&
                    step_out_.outputs() == latent && reward_.inputs() == step_in_.outputs() &&
                    reward_.outputs() == reward_bins_.size();
  if (fits) embedding_size_ = step_in_.inputs() - latent - kNumActions;
  if (!fits || embedding_size_ >= represent_in_.inputs()) {
    TVM_FFI_THROW(ValueError) << "policy network: the layers' sizes do not fit together; use weights written by "
                                 "memstow agent train";
  }
}

void PolicyNetwork::Prepare(const float* embedding, float* out) const {
  std::copy(represent_in_.bias().begin(), represent_in_.bias().end(), out);
  represent_in_.Add(embedding, 0, embedding_size_, out);
}

void PolicyNetwork::Represent(const float* prepared, const float* features, float* latent) const {
  std::array<float, kMostOutputs> hidden;
  std::copy(prepared, prepared + hidden_size(), hidden.begin());
  represent_in_.Add(features, embedding_size_, num_features(), hidden.data());
  Relu(hidden.data(), hidden_size());
  represent_out_.Apply(hidden.data(), latent);
  Tanh(latent, latent_size());
}

Prediction PolicyNetwork::Predict(const float* latent, const float* outlooks, bool with_value) const {
  std::array<float, kMostOutputs> hidden, bins;
  std::array<float, kNumActions> predicted;
  trunk_.Apply(latent, hidden.data());
  Relu(hidden.data(), trunk_.outputs());
  Prediction found;
  correct_.Apply(hidden.data(), found.logits.data());
  if (outlooks == nullptr) {
    outlook_.Apply(hidden.data(), predicted.data());
    outlooks = predicted.data();
  }
  for (size_t a = 0; a < predicted.size(); ++a) found.logits[a] += kOutlookWeight * outlooks[a];
  if (!with_value) return found;
  value_.Apply(hidden.data(), bins.data());
  found.value = Expectation(bins.data(), value_bins_);
  return found;
}

double PolicyNetwork::Step(const float* latent, Action action, const float* next_embedding, float* next) const {
  std::array<float, kMostOutputs> hidden, bins;
  std::array<float, kNumActions> chosen{};
  chosen[static_cast<size_t>(action)] = 1.0F;
  std::copy(step_in_.bias().begin(), step_in_.bias().end(), hidden.begin());
  step_in_.Add(latent, 0, latent_size(), hidden.data());
  step_in_.Add(chosen.data(), latent_size(), kNumActions, hidden.data());
  if (next_embedding != nullptr) {
    step_in_.Add(next_embedding, latent_size() + kNumActions, embedding_size_, hidden.data());
  }
  Relu(hidden.data(), step_in_.outputs());
  step_out_.Apply(hidden.data(), next);
  Tanh(next, latent_size());
  reward_.Apply(hidden.data(), bins.data());
  const double folded = Expectation(bins.data(), reward_bins_);
  return std::copysign(std::expm1(std::abs(folded)), folded);
}

}  // namespace memstow
