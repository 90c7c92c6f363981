#include "memstow/gumbel_search_object.h"

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include <algorithm>
#include <vector>

#include "memstow/game_object.h"

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

int32_t Int32(int64_t number, const char* name) {
  if (number != static_cast<int32_t>(number)) TVM_FFI_THROW(ValueError) << name << ": " << number << " is too large";
  return static_cast<int32_t>(number);
}

SearchOptionsRef MakeOptions(int64_t simulations, int64_t considered, double discount, double visit_offset,
                             double value_scale, double gumbel_scale, int64_t value_range, double least_range,
                             bool search_forced) {
  SearchOptions options;
  options.simulations = Int32(simulations, "simulations");
  options.considered = Int32(considered, "considered");
  options.discount = discount;
  options.visit_offset = visit_offset;
  options.value_scale = value_scale;
  options.gumbel_scale = gumbel_scale;
  options.value_range = value_range == 0 ? ValueRange::kTree : ValueRange::kSiblings;
  options.least_range = least_range;
  options.search_forced = search_forced;
  return SearchOptionsRef(options);
}

/*! What it takes to search a state of the true game by random rollouts. */
struct RolloutSearch {
  RolloutSearch(GameState* given, const SearchOptions& options, int32_t rollouts)
      : state(given),
        unit_seconds(UnitSeconds(given->game())),
        evaluator(rollouts, options.discount, unit_seconds, &random),
        model(given, &evaluator, unit_seconds),
        search(options) {}
  RolloutSearch(const RolloutSearch&) = delete;
  RolloutSearch& operator=(const RolloutSearch&) = delete;

  SearchResult Search(uint64_t seed) { return SearchState(*state, &model, &search, seed, &random); }
  SearchedDecision Decide(uint64_t seed) { return DecideBySearch(state, &model, &search, unit_seconds, seed, &random); }

  GameState* state;
  std::mt19937_64 random;
  double unit_seconds;
  RandomRollouts evaluator;
  TrueModel model;
  GumbelSearch search;
};

/*! Search by random rollouts; the state is as before afterwards. Returns the number of nodes. */
int64_t Run(GameStateRef state, SearchOptionsRef options, int64_t rollouts, int64_t seed, ffi::TensorView visits,
            ffi::TensorView q, ffi::TensorView policy, ffi::TensorView action_and_value, ffi::TensorView links,
            ffi::TensorView numbers) {
  RolloutSearch player(&state->state, options->options, Int32(rollouts, "rollouts"));
  const SearchResult found = player.Search(static_cast<uint64_t>(seed));
  std::copy(found.visits.begin(), found.visits.end(), Output<int32_t>(visits, kNumActions, "visits"));
  std::copy(found.q.begin(), found.q.end(), Output<double>(q, kNumActions, "q"));
  std::copy(found.policy.begin(), found.policy.end(), Output<float>(policy, kNumActions, "policy"));
  double* out = Output<double>(action_and_value, 2, "action and value");
  out[0] = static_cast<double>(found.action);
  out[1] = found.value;
  return WriteTree(player.search.nodes(), links, numbers);
}

/*!
 * Play games to their ends by random rollouts, each from a state of its own. The arrays hold game after game, the best
 * end that the rollouts of each saw comes back as a history and goes to `best_seconds`.
 */
ffi::Array<ffi::String> Play(ffi::Array<GameStateRef> states, ffi::TensorView seeds, SearchOptionsRef options,
                             int64_t rollouts, int64_t threads, ffi::TensorView legal, ffi::TensorView actions,
                             ffi::TensorView visits, ffi::TensorView q, ffi::TensorView policy, ffi::TensorView values,
                             ffi::TensorView rewards, ffi::TensorView best_seconds) {
  const size_t count = states.size();
  const Span<int64_t> seed = Elements<int64_t>(seeds, count, "seeds");
  double* best = Output<double>(best_seconds, count, "best_seconds");
  std::vector<GameState*> games;
  std::vector<size_t> first = {0};
  for (const GameStateRef& state : states) {
    games.push_back(&state->state);
    first.push_back(first.back() + games.back()->game().decisions().size() - games.back()->NumDecided());
  }
  const DecisionArrays out(first.back(), legal, actions, visits, q, policy, values, rewards);
  std::vector<ffi::String> histories(count);
  RunInParallel(count, Int32(threads, "threads"), [&](size_t k) {
    RolloutSearch player(games[k], options->options, Int32(rollouts, "rollouts"));
    for (size_t at = first[k]; at < first[k + 1]; ++at) out.Write(at, player.Decide(static_cast<uint64_t>(seed[k])));
    best[k] = player.evaluator.best().seconds;
    histories[k] = player.evaluator.best().history;
  });
  return ffi::Array<ffi::String>(histories.begin(), histories.end());
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<SearchOptionsObj>();
  refl::GlobalDef()
      .def("memstow.gumbel.options", MakeOptions, "How to search")
      .def(
          "memstow.gumbel.unit_seconds", [](GameRef g) { return UnitSeconds(g->game); }, "Seconds of reward 1")
      .def("memstow.gumbel.search", Run, "Search by random rollouts; the number of nodes")
      .def("memstow.gumbel.play", Play, "Play games by search with random rollouts; the best histories seen");
}

}  // namespace memstow
