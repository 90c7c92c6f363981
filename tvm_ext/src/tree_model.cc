#include "memstow/tree_model.h"

#include <tvm/ffi/error.h>

namespace memstow {

double UnitSeconds(const Game& game) {
  const Problem& problem = game.problem();
  double potential = 0.0;
  for (int32_t t = 0; t < problem.num_instructions(); ++t) {
    potential += problem.costs().At(t, {}).elapsed - problem.costs().At(t, problem.AllTenants(t)).elapsed;
  }
  return potential > 0.0 ? potential / static_cast<double>(game.decisions().size()) : 1.0;
}

TrueModel::TrueModel(GameState* state, Evaluator* evaluator, double unit_seconds)
    : state_(state), evaluator_(evaluator), unit_seconds_(unit_seconds) {
  if (!(unit_seconds > 0.0)) TVM_FFI_THROW(ValueError) << "expected a unit above 0 seconds, found " << unit_seconds;
}

Evaluation TrueModel::Root() { return evaluator_->Evaluate(state_); }

double TrueModel::Step(int32_t /*parent*/, Action action, int32_t /*child*/) {
  const double before = state_->Seconds();
  state_->Apply(action);
  ++depth_;
  return (before - state_->Seconds()) / unit_seconds_;
}

Evaluation TrueModel::Evaluate(int32_t /*node*/) { return evaluator_->Evaluate(state_); }

void TrueModel::ReturnToRoot() {
  for (; depth_ > 0; --depth_) state_->Undo();
}

RandomRollouts::RandomRollouts(int32_t count, double discount, double unit_seconds, std::mt19937_64* random)
    : count_(count), discount_(discount), unit_seconds_(unit_seconds), random_(random) {
  if (count < 1) TVM_FFI_THROW(ValueError) << "expected at least 1 random game, found " << count;
}

Evaluation RandomRollouts::Evaluate(GameState* state) {
  Evaluation found;
  found.legal = state->LegalActions();
  if (state->IsTerminal()) {
    Remember(*state);
    return found;
  }
  double sum = 0.0;
  for (int32_t k = 0; k < count_; ++k) sum += PlayOn(state);
  found.value = sum / (count_ * unit_seconds_);
  return found;
}

/*! Play one random game to its end and take it back; the discounted seconds that it saved. */
double RandomRollouts::PlayOn(GameState* state) {
  const size_t start = state->NumDecided();
  double saved = 0.0;
  double weight = 1.0;
  double before = state->Seconds();
  while (!state->IsTerminal()) {
    state->ApplyRandomly(random_);
    const double after = state->Seconds();
    saved += weight * (before - after);
    weight *= discount_;
    before = after;
  }
  Remember(*state);
  while (state->NumDecided() > start) state->Undo();
  return saved;
}

void RandomRollouts::Remember(const GameState& state) {
  if (state.Seconds() < best_.seconds) best_ = {state.History(), state.Seconds()};
}

}  // namespace memstow
