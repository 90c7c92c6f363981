#include "memstow/guided_models.h"

#include <tvm/ffi/error.h>

namespace memstow {

namespace {

/*! \brief Below the root nothing says what is legal: the network's policy has learned it. */
constexpr uint32_t kAllLegal = (1U << kNumActions) - 1;

/*! \brief Takes back what was played from here on, however that ends. */
class Excursion {
 public:
  explicit Excursion(GameState* state) : state_(state), begin_(state->NumDecided()) {}
  ~Excursion() {
    while (state_->NumDecided() > begin_) state_->Undo();
  }
  Excursion(const Excursion&) = delete;
  Excursion& operator=(const Excursion&) = delete;

 private:
  GameState* state_;
  size_t begin_;
};

Evaluation ToEvaluation(const Advice& advice) {
  Evaluation found;
  found.legal = advice.legal;
  found.logits = advice.logits;
  found.value = advice.value;
  return found;
}

}  // namespace

Evaluation GuidedEvaluator::Evaluate(GameState* state) {
  if (state->IsTerminal()) return {};
  Evaluation found = ToEvaluation(guide_->Ask(state, horizon_ == 0));
  if (horizon_ == 0) return found;
  const Excursion excursion(state);
  const double unit = guide_->observer().UnitSeconds();
  double value = 0.0, weight = 1.0, seconds = state->Seconds();
  for (int32_t step = 0; step != horizon_ && !state->IsTerminal(); ++step) {
    const Advice advice = guide_->Ask(state, false);
    state->Apply(advice.Best());
    value += weight * (seconds - state->Seconds()) / unit;
    seconds = state->Seconds();
    weight *= kDiscount;
  }
  const bool is_open = !state->IsTerminal() && guide_->network() != nullptr;
  if (is_open) value += weight * guide_->Ask(state, true).value;
  found.value = value;
  return found;
}

LearnedModel::LearnedModel(const Guide& guide, GameState* state) : guide_(&guide), state_(state) {
  if (guide.network() == nullptr) TVM_FFI_THROW(ValueError) << "learned model: expected a guide with a network";
  width_ = guide.network()->latent_size();
}

Evaluation LearnedModel::Root() {
  latents_.resize(width_);
  decisions_.assign(1, state_->NumDecided());
  rewards_.assign(1, 0.0);
  if (state_->IsTerminal()) return {};
  return ToEvaluation(guide_->Ask(state_, true, nullptr, latent(0)));
}

double LearnedModel::Step(int32_t parent, Action action, int32_t child) {
  const size_t at = static_cast<size_t>(child);
  if (at < decisions_.size()) return rewards_[at];
  const size_t decision = decisions_[static_cast<size_t>(parent)] + 1;
  latents_.resize((at + 1) * width_);
  decisions_.resize(at + 1, decision);
  rewards_.resize(at + 1);
  const size_t count = guide_->observer().game().decisions().size();
  const float* embedding = decision < count ? guide_->embedding(decision) : nullptr;
  return rewards_[at] = guide_->network()->Step(latent(parent), action, embedding, latent(child));
}

Evaluation LearnedModel::Evaluate(int32_t node) {
  const size_t decision = decisions_[static_cast<size_t>(node)];
  if (decision >= guide_->observer().game().decisions().size()) return {};
  const Prediction predicted = guide_->network()->Predict(latent(node), nullptr, true);
  Evaluation found;
  found.legal = kAllLegal;
  found.logits = predicted.logits;
  found.value = predicted.value * guide_->observer().Potential(decision);
  return found;
}

}  // namespace memstow
