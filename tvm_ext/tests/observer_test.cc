#include "memstow/observer.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "expect.h"
#include "toy_game.h"

namespace memstow {
namespace {

constexpr float kMost = 4.0F;

size_t IndexOf(const std::vector<const char*>& names, const char* name) {
  for (size_t k = 0; k < names.size(); ++k) {
    if (std::strcmp(names[k], name) == 0) return k;
  }
  EXPECT(false && "no such feature");
  return 0;
}

bool IsBounded(const std::vector<float>& features) {
  for (const float x : features) {
    if (!(std::abs(x) <= kMost)) return false;
  }
  return true;
}

bool Near(double a, double b) { return std::abs(a - b) <= 1e-5 * (1.0 + std::abs(b)); }

// Every feature is written and bounded, the mask is the game's, rewards are what is saved, and the state is as before.
void CheckGame(const Game& game, uint64_t seed) {
  const Observer observer(game);
  const size_t count = game.decisions().size(), width = StateFeatureNames().size();
  EXPECT(observer.UnitSeconds() > 0);
  for (size_t i = 0; i <= count; ++i) EXPECT(observer.Potential(i) > 0 && std::isfinite(observer.Potential(i)));
  const std::vector<float> program = observer.ProgramFeatures();
  EXPECT(program.size() == count * ProgramFeatureNames().size() && IsBounded(program));
  GameState state(game);
  std::mt19937_64 random(seed);
  while (!state.IsTerminal()) {
    const double seconds = state.Seconds();
    const uint32_t legal = state.LegalActions();
    const std::string history = state.History();
    const size_t residencies = state.Residencies().size();
    std::vector<float> features(width, std::numeric_limits<float>::quiet_NaN());
    const Observation found = observer.Observe(&state, features.data());
    EXPECT(IsBounded(features) && found.legal == legal);
    EXPECT(state.Seconds() == seconds && state.History() == history && state.LegalActions() == legal);
    EXPECT(state.Residencies().size() == residencies);
    std::vector<float> again(width);
    observer.Observe(&state, again.data());
    EXPECT(again == features);
    EXPECT(Near(features.back(), static_cast<double>(state.NumDecided()) / static_cast<double>(count)));
    for (int32_t a = 0; a < kNumActions; ++a) {
      const bool is_legal = state.TryApply(static_cast<Action>(a));
      EXPECT(is_legal == ((legal >> a & 1U) != 0) && features[static_cast<size_t>(a)] == (is_legal ? 1.0F : 0.0F));
      const double saved = is_legal ? (seconds - state.Seconds()) / observer.UnitSeconds() : 0.0;
      EXPECT(Near(found.rewards[a], std::max(-1e30, saved)));
      if (is_legal) state.Undo();
    }
    state.ApplyRandomly(&random);
  }
}

void RandomGamesAreSeen() {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 25);
    CheckGame(Game(problem), seed);
  }
}

ProblemRows OddRows() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 8;
  rows.hardware.fast_bandwidth = 4.0;
  rows.instructions.resize(3);
  rows.instructions[0].compute_seconds = 8;
  rows.storages.resize(2);
  for (Storage& storage : rows.storages) storage.size_bytes = 4;
  rows.storages[0].born_slow = true;
  rows.storages[1].is_output = true;
  rows.touches = {{4, 1, 0, -1, false}, {4, 2, 0, -1, true}, {4, 0, 1, -1, true}, {4, 1, 1, -1, false}};
  return rows;
}

void OddProblemsAreSeen() {
  const double infinity = std::numeric_limits<double>::infinity();
  const auto check = [](const ProblemRows& rows) {
    const Problem problem(rows);
    CheckGame(Game(problem), 1);
  };
  ProblemRows rows = OddRows();
  rows.hardware.copy_bandwidth = infinity;  // copies take no time
  check(rows);
  rows = OddRows();
  rows.hardware.dma_latency_seconds = 1e9;  // copies take for ever
  check(rows);
  rows.hardware.dma_latency_seconds = 1e300;
  check(rows);
  rows = OddRows();
  rows.hardware.fast_bandwidth = 1.0;  // nothing can be saved
  check(rows);
  rows.instructions.assign(3, {});
  rows.hardware.slow_bandwidth = rows.hardware.fast_bandwidth = 1e300;  // everything takes no time
  check(rows);
  rows = OddRows();
  rows.hardware.slow_bandwidth = 1e-30;
  check(rows);
  rows = OddRows();
  rows.hardware.capacity_bytes = int64_t{1} << 60;
  check(rows);
  rows = OddRows();
  rows.hardware.capacity_bytes = 3;  // no tenants
  check(rows);
  rows.hardware.capacity_bytes = 0;
  check(rows);
  rows = OddRows();
  rows.instructions.resize(1);  // one instruction, one decision
  rows.storages.resize(1);
  rows.touches = {{4, 0, 0, -1, false}};
  check(rows);
  // Ten storages at one instruction: the last two have no bit in the table of prices.
  rows.storages.assign(10, rows.storages[0]);
  rows.touches.clear();
  for (int32_t s = 0; s < 10; ++s) rows.touches.push_back({4, 0, s, -1, false});
  rows.hardware.capacity_bytes = 100;
  check(rows);
  check({});
}

ProblemRows Scaled(ProblemRows rows, int64_t bytes, double seconds) {
  const double rate = static_cast<double>(bytes) / seconds;
  rows.hardware.capacity_bytes *= bytes;
  rows.hardware.slow_bandwidth *= rate;
  rows.hardware.fast_bandwidth *= rate;
  rows.hardware.copy_bandwidth *= rate;
  rows.hardware.dma_latency_seconds *= seconds;
  for (Instruction& instruction : rows.instructions) instruction.compute_seconds *= seconds;
  for (Storage& storage : rows.storages) storage.size_bytes *= bytes;
  for (Touch& touch : rows.touches) touch.bytes *= bytes;
  return rows;
}

// Only ratios count. Powers of two scale without rounding.
void UnitsDoNotMatter() {
  ProblemRows rows = OddRows();
  rows.hardware.capacity_bytes = 6;
  rows.hardware.dma_latency_seconds = 0.5;
  const Problem problem(rows), scaled(Scaled(rows, 1024, 1.0 / (1 << 20)));
  const Game game(problem), other_game(scaled);
  const Observer observer(game), other(other_game);
  EXPECT(observer.ProgramFeatures() == other.ProgramFeatures());
  GameState state(game), other_state(other_game);
  std::vector<float> features(StateFeatureNames().size()), other_features(features.size());
  std::mt19937_64 random(3);
  while (!state.IsTerminal()) {
    EXPECT(observer.Observe(&state, features.data()).legal == other.Observe(&other_state, other_features.data()).legal);
    EXPECT(features == other_features);
    state.ApplyRandomly(&random);
    other_state.Apply(static_cast<Action>(state.History().back() - '0'));
  }
}

// w (4 bytes) is read at 1 and changed at 2; x is written at 0 and read at 1, an output.
void FeaturesMeanWhatTheirNamesSay() {
  const Problem problem(OddRows());
  const Game game(problem);
  const Observer observer(game);
  const std::vector<const char*>& names = ProgramFeatureNames();
  const std::vector<float> program = observer.ProgramFeatures();
  const auto at = [&](size_t decision, const char* name) {
    return program[decision * names.size() + IndexOf(names, name)];
  };
  // Decisions: x at 0, w and x at 1, w at 2. 8, 8 and 4 s slow; 8, 2 and 1 s fast.
  EXPECT(observer.UnitSeconds() == 9.0 / 4.0);
  EXPECT(at(0, "size_of_capacity") == 0.5F && at(0, "bytes_of_size") == static_cast<float>(std::log(2.0)));
  EXPECT(at(0, "writes") == 1 && at(0, "is_first_touch") == 1 && at(0, "is_last_touch") == 0);
  EXPECT(at(0, "is_output") == 1 && at(0, "is_born_slow") == 0 && at(1, "is_born_slow") == 1);
  EXPECT(at(1, "writes") == 0 && at(3, "writes") == 1 && at(3, "is_last_touch") == 1);
  EXPECT(at(0, "benefit") == 0 && Near(at(1, "benefit"), std::log1p(3.0 / 2.25)));
  EXPECT(at(1, "slot") == 0 && at(2, "slot") == 0.25F);
  EXPECT(Near(at(3, "position"), 2.0 / 3.0) && Near(at(2, "touch_number"), 1.0));
  EXPECT(Near(at(3, "saving_of_program"), 9.0 / 20.0));
  EXPECT(observer.Potential(4) < 0.01 && Near(observer.Potential(3), 3.0 / 2.25 + kDiscount * observer.Potential(4)));

  GameState state(game);
  state.Apply(Action::kNoCopy);
  std::vector<float> features(StateFeatureNames().size());
  const auto seen = [&](const char* name) { return features[IndexOf(StateFeatureNames(), name)]; };
  observer.Observe(&state, features.data());  // w at 1: its copy hides in i0
  EXPECT(seen("drop_is_legal") == 1 && seen("no_copy_is_legal") == 0 && seen("copy_is_legal") == 1);
  EXPECT(seen("drop_reward") == 0 && Near(seen("copy_reward"), std::log1p(3.0 / 2.25)));
  EXPECT(seen("is_resident") == 0 && seen("is_saved") == 1 && seen("free_now") == 1 && seen("progress") == 0.25F);
  state.Apply(Action::kCopy);
  observer.Observe(&state, features.data());  // x at 1
  EXPECT(seen("is_resident") == 1 && seen("is_saved") == 0 && seen("free_now") == 0.5F);
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"random games are seen", memstow::RandomGamesAreSeen},
      {"odd problems are seen", memstow::OddProblemsAreSeen},
      {"units do not matter", memstow::UnitsDoNotMatter},
      {"features mean what their names say", memstow::FeaturesMeanWhatTheirNamesSay},
  });
}
