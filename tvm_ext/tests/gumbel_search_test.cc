#include "memstow/gumbel_search.h"

#include <cmath>
#include <string>

#include "expect.h"
#include "toy_game.h"

namespace memstow {
namespace {

using testing::ToyModel;

bool Near(double a, double b, double tolerance = 1e-6) { return std::abs(a - b) <= tolerance * (1.0 + std::abs(b)); }

SearchOptions Quiet(int32_t simulations) {
  SearchOptions options;
  options.simulations = simulations;
  options.gumbel_scale = 0.0;
  options.value_range = ValueRange::kSiblings;
  return options;
}

SearchResult Search(const SearchOptions& options, TreeModel* model, uint64_t seed = 0) {
  std::mt19937_64 random(seed);
  return GumbelSearch(options).Run(model, &random);
}

// What google-deepmind/mctx 0.0.71 computes for ToyModel by gumbel_muzero_policy, without noise and in 64 bits. It has
// illegal actions widen the range of their siblings by the mixed value; the masked roots here are such that it does
// not.
struct Golden {
  int32_t root;
  int32_t simulations;
  uint32_t legal;
  int32_t action;
  std::array<int32_t, kNumActions> visits;
  std::array<double, kNumActions> policy;
  double value;
  const char* parents;
};

const Golden kGolden[] = {
    {1, 1, 7, 1, {0, 1, 0}, {0.004066057, 0.9949313, 0.001002677}, 0.69375, "-1 0"},
    {1, 2, 7, 1, {1, 1, 0}, {0.03055099, 0.968473, 0.000976013}, 0.727604167, "-1 0 0"},
    {5, 16, 7, 2, {7, 2, 7}, {0.2988285, 0.001569116, 0.6996024}, 1.63412613, "-1 0 0 0 3 1 2 5 3 5 8 9 8 9 10 11 10"},
    {17,
     32,
     7,
     2,
     {5, 13, 14},
     {0.004293697, 0.3584652, 0.6372411},
     2.20577177,
     "-1 0 0 0 2 3 1 2 3 6 4 3 6 11 12 10 15 13 16 13 16 17 18 21 18 21 24 25 24 25 28 29 28"},
    {100,
     50,
     7,
     1,
     {21, 21, 8},
     {0.4394013, 0.5605093, 8.940426e-05},
     2.69923861,
     "-1 0 0 0 1 2 3 1 6 5 6 9 4 9 12 8 14 11 15 16 13 18 19 20 21 16 23 19 20 19 23 29 23 29 32 33 32 33 34 37 36 37 "
     "40 37 42 39 42 45 46 41 46"},
    {123,
     50,
     7,
     1,
     {21, 21, 8},
     {0.01156392, 0.9872209, 0.001215182},
     2.76562318,
     "-1 0 0 0 3 1 2 3 1 6 4 8 9 10 12 11 12 13 11 12 17 15 20 14 21 22 16 26 20 27 17 29 30 31 30 29 22 31 36 31 36 "
     "39 36 39 42 43 42 43 46 47 48"},
    {42,
     24,
     5,
     0,
     {12, 0, 12},
     {0.9994998, 0, 0.0005002011},
     1.88721457,
     "-1 0 0 2 1 2 4 2 4 8 3 8 5 8 5 13 5 15 16 13 16 19 20 21 20"},
    {43,
     24,
     5,
     0,
     {12, 0, 12},
     {0.9955037, 0, 0.004496273},
     2.08089637,
     "-1 0 0 1 2 1 4 1 6 8 7 9 7 8 12 9 12 9 14 17 18 19 20 17 22"},
    {45,
     24,
     3,
     1,
     {12, 12, 0},
     {0.00135852, 0.9986415, 0},
     1.93383654,
     "-1 0 0 1 2 3 4 3 4 3 6 9 8 11 12 11 12 13 14 9 18 15 18 21 22"},
    {77,
     33,
     6,
     1,
     {0, 17, 16},
     {0, 0.9981671, 0.001832939},
     2.56179766,
     "-1 0 0 1 2 4 3 5 3 5 6 5 1 11 8 11 14 15 16 15 14 19 16 19 16 19 24 21 24 27 26 23 28 21"},
};

void TreesAreThoseOfMctx() {
  for (const Golden& golden : kGolden) {
    ToyModel model(golden.root, golden.legal);
    GumbelSearch search(Quiet(golden.simulations));
    std::mt19937_64 random(0);
    const SearchResult found = search.Run(&model, &random);
    EXPECT(static_cast<int32_t>(found.action) == golden.action && found.visits == golden.visits);
    EXPECT(Near(found.value, golden.value));
    for (int32_t a = 0; a < kNumActions; ++a) EXPECT(Near(found.policy[a], golden.policy[a]));
    std::string parents;
    for (const TreeNode& node : search.nodes()) parents += (parents.empty() ? "" : " ") + std::to_string(node.parent);
    EXPECT(parents == golden.parents);
  }
}

void SequentialHalvingSharesSimulations() {
  using Visits = std::vector<int32_t>;
  EXPECT(ConsideredVisits(1, 4) == (Visits{0, 1, 2, 3}));
  EXPECT(ConsideredVisits(2, 5) == (Visits{0, 0, 1, 1, 2}));
  // Three have 2 each, the best two 4 each, what is left they share.
  EXPECT(ConsideredVisits(3, 16) == (Visits{0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}));
  EXPECT(ConsideredVisits(3, 2) == (Visits{0, 0}) && ConsideredVisits(3, 0).empty());
  // Of 16 in 4 phases of 64 / (4 * 16) = 1, 64 / (4 * 8) = 2, 4 and 8 rounds, the best two have 15 each.
  EXPECT(ConsideredVisits(16, 64).back() == 14);
  for (int32_t root = 0; root < 50; ++root) {
    ToyModel model(root);
    std::array<int32_t, kNumActions> visits = Search(Quiet(16), &model).visits;
    std::sort(visits.begin(), visits.end());
    EXPECT((visits == std::array<int32_t, kNumActions>{2, 7, 7}));
  }
}

// Without simulations, or with one, what is played is a draw from the prior (the Gumbel-max trick).
void FewSimulationsPlayThePrior() {
  constexpr int32_t kDraws = 20000;
  const std::array<double, kNumActions> logits = {-1.0, -0.6, -0.2};  // ToyModel's of root 0
  const double sum = std::exp(-1.0) + std::exp(-0.6) + std::exp(-0.2);
  for (int32_t simulations : {0, 1}) {
    SearchOptions options;
    options.simulations = simulations;
    GumbelSearch search(options);
    ToyModel model(0);
    std::mt19937_64 random(7);
    std::array<int32_t, kNumActions> counts{};
    for (int32_t k = 0; k < kDraws; ++k) {
      const SearchResult found = search.Run(&model, &random);
      ++counts[static_cast<size_t>(found.action)];
      EXPECT(found.visits[static_cast<size_t>(found.action)] == simulations);
    }
    for (int32_t a = 0; a < kNumActions; ++a) {
      const double expected = std::exp(logits[a]) / sum;
      EXPECT(std::abs(counts[a] / double{kDraws} - expected) < 0.015);  // four standard deviations
    }
  }
}

void OnlyLegalActionsAreVisited() {
  for (uint32_t legal = 1; legal < 8; ++legal) {
    ToyModel model(3, legal);
    SearchOptions options;
    options.search_forced = true;
    const SearchResult found = Search(options, &model, legal);
    int32_t visits = 0;
    double policy = 0.0;
    for (int32_t a = 0; a < kNumActions; ++a) {
      if ((legal >> a & 1U) == 0) EXPECT(found.visits[a] == 0 && found.policy[a] == 0.0F && found.q[a] == 0.0);
      visits += found.visits[a];
      policy += found.policy[a];
    }
    EXPECT(visits == options.simulations && Near(policy, 1.0) && (legal >> static_cast<int32_t>(found.action) & 1U));
  }
}

void ForcedDecisionsAreNotSearched() {
  ToyModel model(3, 4);
  const SearchResult found = Search(Quiet(16), &model);
  EXPECT(found.action == Action::kCopy && found.visits[2] == 0 && found.policy[2] == 1.0F);
  EXPECT(found.value == 15 / 10.0 && found.q[2] == found.value);  // ToyModel's value of 3: 15 % 17
}

void FewerActionsMayBeConsidered() {
  SearchOptions options = Quiet(16);
  options.considered = 1;
  ToyModel model(0);
  const SearchResult found = Search(options, &model);
  EXPECT(found.visits[2] == 16 && found.action == Action::kCopy);  // the greatest logit: 26 % 11 of 0, 2 and 4
  options.considered = 2;
  EXPECT((Search(options, &model).visits == std::array<int32_t, kNumActions>{0, 8, 8}));
}

void TheFirstSimulationCompletesByTheMixedValue() {
  // Root 0: logits -1, -0.6, -0.2, value 0. The greatest logit leads to state 3: reward 9 % 7 / 10, value 15 % 17 / 10.
  ToyModel model(0);
  SearchOptions options = Quiet(1);
  options.discount = 0.5;
  const SearchResult found = Search(options, &model);
  const double q = 0.2 + 0.5 * 1.5;
  EXPECT(Near(found.q[2], q) && Near(found.q[0], q / 2) && Near(found.q[1], q / 2));  // (0 + 1 * q) / (1 + 1)
  EXPECT(Near(found.value, q / 2));
  // The scale is (50 + 1) * 0.1, of q in [0, 1].
  EXPECT(Near(std::log(found.policy[2] / found.policy[1]), 0.4 + 5.1, 1e-5));
  // Over the tree, whose least is the root's evaluation, and whose greatest is 1.5, of the leaf.
  options.value_range = ValueRange::kTree;
  const SearchResult tree = Search(options, &model);
  EXPECT(Near(std::log(tree.policy[2] / tree.policy[1]), 0.4 + 5.1 * (q / 2) / 1.5, 1e-5));
  options.least_range = 15.0;
  const SearchResult wide = Search(options, &model);
  EXPECT(Near(std::log(wide.policy[2] / wide.policy[1]), 0.4 + 5.1 * (q / 2) / 15.0, 1e-5));
}

// A perfect evaluator makes every action's q exact, so that three simulations find the best.
void PerfectValuesAreFollowedToTheOptimum() {
  int32_t decisions = 0;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 5);
    const Game game(problem);
    GameState state(game);
    const double best = testing::BestReturn(&state, 1.0);
    const double unit = UnitSeconds(game);
    testing::PerfectEvaluator evaluator(1.0, unit);
    TrueModel model(&state, &evaluator, unit);
    SearchOptions options = Quiet(3);
    options.discount = 1.0;
    options.value_scale = 1.0;
    options.value_range = seed % 2 ? ValueRange::kTree : ValueRange::kSiblings;
    GumbelSearch search(options);
    std::mt19937_64 random(seed);
    for (; !state.IsTerminal(); ++decisions) state.Apply(search.Run(&model, &random).action);
    EXPECT(Near(state.Return(), best, 1e-9));
  }
  EXPECT(decisions > 400);
}

void EndsAreCountedAndNotStepped() {
  const Problem problem = testing::RandomProblem(1, 2);
  const Game game(problem);
  GameState state(game);
  std::mt19937_64 random(0);
  const double unit = UnitSeconds(game);
  RandomRollouts rollouts(1, 1.0, unit, &random);
  TrueModel model(&state, &rollouts, unit);
  SearchOptions options;
  options.simulations = 2000;  // many more than the game has nodes
  GumbelSearch search(options);
  search.Run(&model, &random);
  EXPECT(search.nodes()[0].visits == 2001 && search.nodes().size() < 200 && state.NumDecided() == 0);
  for (const TreeNode& node : search.nodes()) {
    int32_t below = 0;
    for (int32_t child : node.children) below += child < 0 ? 0 : search.nodes()[static_cast<size_t>(child)].visits;
    EXPECT(node.evaluation.legal == 0 ? below == 0 && node.value == 0.0 : node.visits == below + 1);
  }
  state.PlayRandomly(&random);
  EXPECT(testing::Throws([&] { search.Run(&model, &random); }, "the game is over: there is nothing to search for"));
}

void ArraysAreReusedWithoutATrace() {
  GumbelSearch search(Quiet(40));
  std::mt19937_64 random(0);
  for (int32_t root = 0; root < 20; ++root) {
    ToyModel model(root);
    const SearchResult again = search.Run(&model, &random);
    const SearchResult fresh = Search(Quiet(40), &model);
    EXPECT(again.visits == fresh.visits && again.value == fresh.value && again.policy == fresh.policy);
  }
}

void WrongOptionsAreNamed() {
  const auto refused = [](auto change, const char* message) {
    SearchOptions options;
    change(&options);
    return testing::Throws([&] { GumbelSearch search(options); }, message);
  };
  EXPECT(refused([](SearchOptions* o) { o->simulations = -1; }, "simulations: expected at least 0, found -1"));
  EXPECT(refused([](SearchOptions* o) { o->considered = 0; }, "considered: expected at least 1, found 0"));
  EXPECT(refused([](SearchOptions* o) { o->discount = 1.5; }, "discount: expected more than 0 and at most 1"));
  EXPECT(refused([](SearchOptions* o) { o->visit_offset = NAN; }, "visit_offset: expected at least 0, found nan"));
  EXPECT(refused([](SearchOptions* o) { o->value_scale = -1; }, "value_scale: expected at least 0"));
  EXPECT(refused([](SearchOptions* o) { o->gumbel_scale = -1; }, "gumbel_scale: expected at least 0"));
  EXPECT(refused([](SearchOptions* o) { o->least_range = 0; }, "least_range: expected more than 0"));
}

class BrokenModel : public ToyModel {
 public:
  BrokenModel() : ToyModel(0) {}
  Evaluation Evaluate(int32_t node) override {
    Evaluation found = ToyModel::Evaluate(node);
    if (node == 2) found.logits[1] = NAN;
    return found;
  }
};

void NumbersThatAreNoneAreRefused() {
  BrokenModel model;
  EXPECT(testing::Throws([&] { Search(Quiet(4), &model); }, "an evaluation's value or prior is not finite"));
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"trees are those of mctx", memstow::TreesAreThoseOfMctx},
      {"sequential halving shares simulations", memstow::SequentialHalvingSharesSimulations},
      {"few simulations play the prior", memstow::FewSimulationsPlayThePrior},
      {"only legal actions are visited", memstow::OnlyLegalActionsAreVisited},
      {"forced decisions are not searched", memstow::ForcedDecisionsAreNotSearched},
      {"fewer actions may be considered", memstow::FewerActionsMayBeConsidered},
      {"the first simulation completes by the mixed value", memstow::TheFirstSimulationCompletesByTheMixedValue},
      {"perfect values are followed to the optimum", memstow::PerfectValuesAreFollowedToTheOptimum},
      {"ends are counted and not stepped", memstow::EndsAreCountedAndNotStepped},
      {"arrays are reused without a trace", memstow::ArraysAreReusedWithoutATrace},
      {"wrong options are named", memstow::WrongOptionsAreNamed},
      {"numbers that are none are refused", memstow::NumbersThatAreNoneAreRefused},
  });
}
