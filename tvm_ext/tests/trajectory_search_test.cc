#include "memstow/trajectory_search.h"

#include <limits>
#include <random>
#include <vector>

#include "expect.h"
#include "memstow/guided_models.h"
#include "memstow/gumbel_search.h"
#include "toy_game.h"

namespace memstow {
namespace {

// The best game's actions are legal one after another and end in its seconds.
bool IsReplayed(const Game& game, const TrajectorySearch& search) {
  GameState state(game);
  for (const Action action : search.best()) {
    if (!state.TryApply(action)) return false;
  }
  return state.IsTerminal() && state.Seconds() == search.best_seconds();
}

void SearchesAreNeverWorseThanTheirStart() {
  int32_t better = 0;
  for (uint32_t seed = 0; seed < 40; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 30);
    const Game game(problem);
    const Observer observer(game);
    const Guide guide(observer);
    TrajectorySearch search(guide, seed);
    search.Play(0.0);
    const double first = search.best_seconds();
    EXPECT(IsReplayed(game, search));
    EXPECT(search.num_decisions() == static_cast<int64_t>(game.decisions().size()));
    EXPECT(search.Improve({60, std::numeric_limits<double>::infinity(), 0.0, 1.0}) == 60);
    EXPECT(search.best_seconds() <= first && IsReplayed(game, search));
    better += search.best_seconds() < first;
    TrajectorySearch again(guide, seed);
    again.Play(0.0);
    again.Improve({60, std::numeric_limits<double>::infinity(), 0.0, 1.0});
    EXPECT(again.best() == search.best() && again.num_asked() == search.num_asked());
    // A drawn game becomes current; the best remains.
    const double best = search.best_seconds();
    search.Play(1.0);
    EXPECT(search.best_seconds() <= best && IsReplayed(game, search));
  }
  EXPECT(better > 10);
}

void SmallProgramsAreSolved() {
  int32_t solved = 0, count = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 5);
    const Game game(problem);
    GameState state(game);
    const double best = game.slow_seconds() - testing::BestReturn(&state, 1.0);
    const Observer observer(game);
    const Guide guide(observer);
    TrajectorySearch search(guide, seed);
    search.Play(0.0);
    search.Improve({300, std::numeric_limits<double>::infinity(), 0.0, 1.0});
    EXPECT(search.best_seconds() >= best - 1e-9);
    solved += search.best_seconds() <= best + 1e-9;
    ++count;
  }
  EXPECT(solved >= count - 2);
}

void GivenGamesAreFollowedWhereTheyAreLegal() {
  const Problem problem = testing::RandomProblem(3, 30);
  const Game game(problem);
  const Observer observer(game);
  const Guide guide(observer);
  GameState state(game);
  std::mt19937_64 random(5);
  state.PlayRandomly(&random);
  std::vector<uint8_t> actions;
  for (const char digit : state.History()) actions.push_back(static_cast<uint8_t>(digit - '0'));
  TrajectorySearch search(guide, 0);
  EXPECT(search.Improve({10, 1.0, 0.0, 1.0}) == 0);  // nothing to begin from
  search.Finish();
  EXPECT(search.best().empty());
  search.Adopt(actions);
  EXPECT(search.best_seconds() == state.Seconds() && IsReplayed(game, search));
  // What is no action, or missing, is the guide's.
  TrajectorySearch odd(guide, 0), played(guide, 0);
  odd.Adopt(std::vector<uint8_t>(game.decisions().size() / 2, 77));
  played.Play(0.0);
  EXPECT(odd.best() == played.best());
}

// So many instructions with two storages each that the game is swept.
Problem LongProblem() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 40;
  rows.hardware.fast_bandwidth = 8.0;
  const int32_t count = 800;
  std::mt19937 random(1);
  for (int32_t t = 0; t < count; ++t) {
    rows.instructions.emplace_back();
    rows.instructions.back().compute_seconds = static_cast<double>(random() % 9);
  }
  for (int32_t s = 0; s < 2 * count; ++s) {
    Storage storage;
    storage.size_bytes = 1 + static_cast<int64_t>(random() % 12);
    storage.born_slow = s % 3 == 0;
    storage.is_output = s % 7 == 0;
    rows.storages.push_back(storage);
    for (const int32_t t : {s / 2, s / 2 + 1 + static_cast<int32_t>(random() % 6)}) {
      if (t < count) rows.touches.push_back({storage.size_bytes, t, s, -1, t == s / 2 && !storage.born_slow});
    }
  }
  return Problem(rows);
}

void LongGamesAreSwept() {
  const Problem problem = LongProblem();
  const Game game(problem, {{true, 8, 0, 64}, {}});
  EXPECT(game.decisions().size() > 3000);
  const Observer observer(game);
  const Guide guide(observer);
  TrajectorySearch search(guide, 7);
  search.Play(0.0);
  const double first = search.best_seconds();
  int64_t done = 0;
  for (int32_t k = 0; k < 4; ++k) {
    done += search.Improve({60, std::numeric_limits<double>::infinity(), 0.25 * k, 0.25 * (k + 1)});
    EXPECT(search.best_seconds() <= first && IsReplayed(game, search));
  }
  EXPECT(done == 240);
  search.Finish();
  EXPECT(search.best_seconds() <= first && IsReplayed(game, search));
  search.Finish();  // nothing is left to play
  search.Improve({400, std::numeric_limits<double>::infinity(), 0.9, 1.0});
  search.Finish();
  EXPECT(search.best_seconds() < first && IsReplayed(game, search));
}

void NothingToDecide() {
  const Problem problem{ProblemRows{}};
  const Game game(problem);
  const Observer observer(game);
  const Guide guide(observer);
  TrajectorySearch search(guide, 0);
  search.Play(0.0);
  search.Finish();
  EXPECT(search.best().empty() && search.best_seconds() == 0 && search.Improve({5, 1.0, 0.0, 1.0}) == 0);
  GameState state(game);
  EXPECT(testing::Throws([&] { guide.Ask(&state, true); }, "the game is over"));
}

void AdviceIsDrawnFromLegalActions() {
  Advice advice;
  advice.legal = 5;
  advice.logits = {1.0F, 9.0F, 3.0F};
  EXPECT(advice.Best() == Action::kCopy && advice.IsLegal(0) && !advice.IsLegal(1));
  const std::array<double, kNumActions> parts = advice.Probabilities(2.0);
  EXPECT(parts[1] == 0 && std::abs(parts[2] / parts[0] - std::exp(1.0)) < 1e-12);
  EXPECT(std::abs(parts[0] + parts[2] - 1.0) < 1e-12);
  EXPECT(advice.Probabilities(1e-9)[2] == 1.0);
}

// However far leaves are played on, the state is as before; by the end of the game values are exact returns.
void EvaluationsLeaveTheStateAsItWas() {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 12);
    const Game game(problem);
    const Observer observer(game);
    const Guide guide(observer);
    GameState state(game);
    std::mt19937_64 random(seed);
    while (!state.IsTerminal()) {
      const std::string history = state.History();
      const double seconds = state.Seconds();
      for (const int32_t horizon : {-1, 0, 3}) {
        const Evaluation found = GuidedEvaluator(guide, horizon).Evaluate(&state);
        EXPECT(state.History() == history && state.Seconds() == seconds && found.legal == state.LegalActions());
        if (horizon == 0) EXPECT(found.value == 0);
        if (horizon >= 0) continue;
        double value = 0.0, weight = 1.0, before = seconds;
        while (!state.IsTerminal()) {
          state.Apply(guide.Ask(&state, false).Best());
          value += weight * (before - state.Seconds()) / observer.UnitSeconds();
          before = state.Seconds();
          weight *= kDiscount;
        }
        EXPECT(std::abs(found.value - value) < 1e-9);
        while (state.History() != history) state.Undo();
      }
      state.ApplyRandomly(&random);
    }
    EXPECT(GuidedEvaluator(guide, 3).Evaluate(&state).legal == 0);
  }
}

/*! \brief A network of random weights that sees what observers see. */
struct RandomNetwork {
  RandomNetwork() {
    std::mt19937 random(9);
    const size_t features = StateFeatureNames().size();
    for (const size_t size :
         {8 * (4 + features), size_t{8},  size_t{48}, size_t{6},  size_t{30}, size_t{5}, size_t{15},
          size_t{3},          size_t{15}, size_t{3},  size_t{5},  size_t{1},  size_t{0}, size_t{8 * (6 + 3 + 4)},
          size_t{8},          size_t{48}, size_t{6},  size_t{24}, size_t{3},  size_t{3}}) {
      arrays.emplace_back(size);
      for (float& x : arrays.back()) x = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
    }
  }
  PolicyNetwork Network() const { return PolicyNetwork({arrays.begin(), arrays.end()}); }

  std::vector<std::vector<float>> arrays;
};

void NetworksGuide() {
  const Problem problem = testing::RandomProblem(4, 20);
  const Game game(problem);
  const Observer observer(game);
  const PolicyNetwork network = RandomNetwork().Network();
  const size_t count = game.decisions().size();
  std::vector<float> embeddings(4 * count);
  for (size_t k = 0; k < embeddings.size(); ++k) embeddings[k] = static_cast<float>(k % 7) / 7.0F;
  const Guide guide(observer, network, embeddings);
  EXPECT(guide.embedding(count - 1) == guide.embedding(0) + 4 * (count - 1) && guide.embedding(count) == nullptr);
  TrajectorySearch search(guide, 1);
  search.Play(0.0);
  const double first = search.best_seconds();
  search.Improve({40, std::numeric_limits<double>::infinity(), 0.0, 1.0});
  EXPECT(search.best_seconds() <= first && IsReplayed(game, search));

  GameState state(game);
  LearnedModel model(guide, &state);
  GumbelSearch tree(SearchOptions{});
  std::mt19937_64 random(1);
  while (!state.IsTerminal()) {
    const std::string history = state.History();
    const SearchResult found = tree.Run(&model, &random);
    EXPECT(state.History() == history && (state.LegalActions() >> static_cast<uint32_t>(found.action) & 1U) != 0);
    // Below the root the tree is the network's: a child's value is that of the imagined state, a reward what it says.
    const TreeNode& child = tree.nodes()[tree.nodes().size() > 1 ? 1 : 0];
    EXPECT(child.parent != 0 || child.evaluation.legal == (state.NumDecided() + 1 < count ? 7U : 0U));
    state.Apply(found.action);
  }
  EXPECT(testing::Throws([&] { LearnedModel(Guide(observer), &state); }, "expected a guide with a network"));
  embeddings.pop_back();
  EXPECT(testing::Throws([&] { Guide(observer, network, embeddings); }, "embeddings of 4 numbers, found"));
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"searches are never worse than their start", memstow::SearchesAreNeverWorseThanTheirStart},
      {"small programs are solved", memstow::SmallProgramsAreSolved},
      {"given games are followed where they are legal", memstow::GivenGamesAreFollowedWhereTheyAreLegal},
      {"long games are swept", memstow::LongGamesAreSwept},
      {"nothing to decide", memstow::NothingToDecide},
      {"advice is drawn from legal actions", memstow::AdviceIsDrawnFromLegalActions},
      {"evaluations leave the state as it was", memstow::EvaluationsLeaveTheStateAsItWas},
      {"networks guide", memstow::NetworksGuide},
  });
}
