#include "memstow/self_play.h"

#include <atomic>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect.h"
#include "toy_game.h"

namespace memstow {
namespace {

void SeedsOfTheirOwn() {
  std::set<uint64_t> seeds;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (uint64_t number = 0; number < 100; ++number) seeds.insert(SeedOf(seed, number));
  }
  EXPECT(seeds.size() == 100 * 100);
}

// Plays `count` games, three on each problem, each by a seed of its own, and returns what was decided and rewarded.
std::vector<std::string> PlayAll(size_t count, int32_t threads) {
  std::vector<Problem> problems;
  for (uint32_t seed = 0; 3 * seed < count; ++seed) problems.push_back(testing::RandomProblem(seed, 8));
  std::vector<Game> games(problems.begin(), problems.end());
  std::vector<std::string> played(count);
  RunInParallel(count, threads, [&](size_t k) {
    GameState state(games[k / 3]);
    std::mt19937_64 random;
    const double unit = UnitSeconds(games[k / 3]);
    SearchOptions options;
    options.simulations = 8;
    RandomRollouts rollouts(1, options.discount, unit, &random);
    TrueModel model(&state, &rollouts, unit);
    GumbelSearch search(options);
    double rewards = 0.0;
    while (!state.IsTerminal()) {
      rewards += DecideBySearch(&state, &model, &search, unit, k, &random).reward;
    }
    EXPECT(std::abs(rewards * unit - state.Return()) < 1e-9);
    played[k] = state.History() + " " + std::to_string(rewards);
  });
  return played;
}

void GamesDependOnTheirSeedsAlone() {
  const std::vector<std::string> alone = PlayAll(12, 1);
  EXPECT(std::set<std::string>(alone.begin(), alone.end()).size() > 6);
  EXPECT(PlayAll(12, 3) == alone && PlayAll(12, 40) == alone);
}

void DecisionsAreSearchesApplied() {
  const Problem problem = testing::RandomProblem(3, 8);
  const Game game(problem);
  GameState state(game);
  std::mt19937_64 random;
  RandomRollouts rollouts(2, 1.0, 1.0, &random);
  TrueModel model(&state, &rollouts, 1.0);
  GumbelSearch search(SearchOptions{});
  while (!state.IsTerminal()) {
    const uint32_t legal = state.LegalActions();
    const SearchResult found = SearchState(state, &model, &search, 9, &random);
    const SearchedDecision decided = DecideBySearch(&state, &model, &search, 1.0, 9, &random);
    EXPECT(decided.found.action == found.action && decided.found.value == found.value && decided.legal == legal);
  }
}

void EveryJobRunsOnceAndErrorsComeOut() {
  for (int32_t threads : {1, 4}) {
    std::vector<std::atomic<int32_t>> runs(100);
    RunInParallel(runs.size(), threads, [&](size_t k) { ++runs[k]; });
    for (const std::atomic<int32_t>& times : runs) EXPECT(times == 1);
    const auto fail = [&](size_t k) {
      if (k % 3 == 2) throw std::runtime_error("job " + std::to_string(k));
    };
    EXPECT(testing::Throws([&] { RunInParallel(10, threads, fail); }, "job 2"));
  }
  RunInParallel(0, 2, [](size_t) {});
  EXPECT(testing::Throws([] { RunInParallel(1, 0, [](size_t) {}); }, "expected at least 1 thread, found 0"));
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"seeds of their own", memstow::SeedsOfTheirOwn},
      {"games depend on their seeds alone", memstow::GamesDependOnTheirSeedsAlone},
      {"decisions are searches applied", memstow::DecisionsAreSearchesApplied},
      {"every job runs once, and errors come out", memstow::EveryJobRunsOnceAndErrorsComeOut},
  });
}
