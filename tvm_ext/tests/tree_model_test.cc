#include "memstow/tree_model.h"

#include <cmath>

#include "expect.h"
#include "toy_game.h"

namespace memstow {
namespace {

constexpr double kDiscount = 0.9;

// i0 computes 8 s and writes x (4 bytes), i1 reads w and x (4 bytes each). All slow 8 + 8 s, all fast 8 + 2 s.
Problem TwoSteps() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 8;
  rows.hardware.fast_bandwidth = 4.0;
  rows.instructions.resize(2);
  rows.instructions[0].compute_seconds = 8;
  rows.storages.resize(2);
  for (Storage& storage : rows.storages) storage.size_bytes = 4;
  rows.storages[0].born_slow = true;
  rows.touches = {{4, 1, 0, -1, false}, {4, 0, 1, -1, true}, {4, 1, 1, -1, false}};
  return Problem(rows);
}

void RewardOneIsTheMeanPotential() {
  const Problem problem = TwoSteps();
  EXPECT(UnitSeconds(Game(problem)) == 6.0 / 3.0);
  ProblemRows idle;
  idle.instructions.resize(1);
  const Problem nothing(idle);
  EXPECT(UnitSeconds(Game(nothing)) == 1.0);
}

void StepsAreUndone() {
  const Problem problem = TwoSteps();
  const Game game(problem);
  GameState state(game);
  state.Apply(Action::kNoCopy);
  testing::PerfectEvaluator evaluator(1.0, 2.0);
  {
    TrueModel model(&state, &evaluator, 2.0);
    EXPECT(model.Root().legal == 5 && model.Root().value == 3.0);
    EXPECT(model.Step(0, Action::kCopy, 1) == 1.5 && model.Evaluate(1).value == 1.5);
    model.ReturnToRoot();
    EXPECT(state.History() == "1");
    model.Step(0, Action::kDrop, 2);
    EXPECT(testing::Throws([&] { model.Step(2, Action::kCopy, 3); }, "copy is illegal"));
  }
  EXPECT(state.History() == "1");  // even when broken off
  {
    TrueModel model(&state, &evaluator, 2.0);
    model.Root();
    state.Apply(Action::kCopy);  // the root moves on with its state
    EXPECT(model.Root().value == 1.5);
  }
  EXPECT(state.History() == "12");
  EXPECT(testing::Throws([&] { TrueModel(&state, &evaluator, 0.0); }, "expected a unit above 0 seconds, found 0"));
}

// The mean over many random games comes close to the one by all games.
double MeanReturn(GameState* state) {
  if (state->IsTerminal()) return 0.0;
  double sum = 0.0;
  int32_t count = 0;
  for (const Action action : {Action::kDrop, Action::kNoCopy, Action::kCopy}) {
    const double before = state->Seconds();
    if (!state->TryApply(action)) continue;
    sum += before - state->Seconds() + kDiscount * MeanReturn(state);
    ++count;
    state->Undo();
  }
  return sum / count;
}

void RolloutsEstimateTheMeanReturn() {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 4);
    const Game game(problem);
    GameState state(game);
    std::mt19937_64 random(seed);
    RandomRollouts rollouts(5000, kDiscount, 0.5, &random);
    const Evaluation found = rollouts.Evaluate(&state);
    EXPECT(std::abs(found.value - 2.0 * MeanReturn(&state)) < 0.3);
    EXPECT(found.legal == state.LegalActions() && state.NumDecided() == 0);
    // So many games of so small a problem have seen its best end.
    EXPECT(std::abs(rollouts.best().seconds - (game.slow_seconds() - testing::BestReturn(&state, 1.0))) < 1e-9);
    for (const char digit : rollouts.best().history) state.Apply(static_cast<Action>(digit - '0'));
    EXPECT(state.IsTerminal() && state.Seconds() == rollouts.best().seconds);
    const Evaluation end = rollouts.Evaluate(&state);
    EXPECT(end.legal == 0 && end.value == 0.0);
  }
  std::mt19937_64 random;
  EXPECT(testing::Throws([&] { RandomRollouts(0, 1.0, 1.0, &random); }, "at least 1 random game"));
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"reward 1 is the mean potential", memstow::RewardOneIsTheMeanPotential},
      {"steps are undone", memstow::StepsAreUndone},
      {"rollouts estimate the mean return", memstow::RolloutsEstimateTheMeanReturn},
  });
}
