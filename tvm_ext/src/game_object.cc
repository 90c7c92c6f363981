#include "memstow/game_object.h"

#include <tvm/ffi/container/array.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

GameRef MakeGame(ProblemRef problem, int64_t node_limit, int64_t block_limit, int64_t move_limit,
                 ffi::TensorView cross_program) {
  if (node_limit < 0 || block_limit < 0 || move_limit < 0) {
    TVM_FFI_THROW(ValueError) << "expected limits of at least 0, found " << node_limit << ", " << block_limit << " and "
                              << move_limit;
  }
  const Span<int32_t> storages = Elements<int32_t>(cross_program, "cross_program");
  GameOptions options;
  options.repack.node_limit = node_limit;
  options.repack.block_limit = static_cast<size_t>(block_limit);
  options.repack.move_limit = static_cast<int32_t>(std::min<int64_t>(move_limit, INT32_MAX));
  options.cross_program.assign(storages.begin(), storages.end());
  return GameRef(std::move(problem), std::move(options));
}

void Decisions(GameRef game, ffi::TensorView touches) {
  const std::vector<int32_t>& decisions = game->game.decisions();
  std::copy(decisions.begin(), decisions.end(), Output<int32_t>(touches, decisions.size(), "touches"));
}

GameStateRef MakeState(GameRef game) { return GameStateRef(ffi::make_object<GameStateObj>(std::move(game))); }

GameStateRef Clone(GameStateRef state) { return GameStateRef(ffi::make_object<GameStateObj>(*state.operator->())); }

Action ActionOf(int64_t number) {
  if (number < 0 || number >= kNumActions) {
    TVM_FFI_THROW(ValueError) << "expected an action below " << kNumActions << ", found " << number;
  }
  return static_cast<Action>(number);
}

/*! Seconds saved by one decision. */
double Apply(GameStateRef state, int64_t action) {
  const double before = state->state.Seconds();
  state->state.Apply(ActionOf(action));
  return before - state->state.Seconds();
}

void ApplyAll(GameStateRef state, ffi::TensorView actions) {
  for (const uint8_t action : Elements<uint8_t>(actions, "actions")) state->state.Apply(ActionOf(action));
}

void PlayRandomly(GameStateRef state, int64_t seed) {
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  state->state.PlayRandomly(&random);
}

/*! Many random games from the beginning; seconds of each at its end. */
void RandomPlayouts(GameRef game, int64_t seed, ffi::TensorView seconds) {
  const size_t count = Elements<double>(seconds, "seconds").size();
  double* out = Output<double>(seconds, count, "seconds");
  std::mt19937_64 random(static_cast<uint64_t>(seed));
  const GameState beginning(game->game);
  GameState state = beginning;
  for (size_t k = 0; k < count; ++k) {
    state = beginning;
    state.PlayRandomly(&random);
    out[k] = state.Seconds();
  }
}

ffi::Array<ffi::Array<int64_t>> Residencies(GameStateRef state) {
  ffi::Array<ffi::Array<int64_t>> rows;
  for (const Residency& stay : state->state.Residencies()) {
    rows.push_back({stay.storage, stay.first, stay.last, stay.start, stay.end, stay.offset, stay.prefetch.start,
                    stay.prefetch.done, stay.eviction.start, stay.eviction.done});
  }
  return rows;
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<GameObj>();
  refl::ObjectDef<GameStateObj>();
  refl::GlobalDef()
      .def("memstow.game.game", MakeGame, "A game on a problem")
      .def(
          "memstow.game.num_decisions", [](GameRef g) { return static_cast<int64_t>(g->game.decisions().size()); },
          "Decisions of a whole game")
      .def("memstow.game.decisions", Decisions, "The touch of every decision")
      .def(
          "memstow.game.slow_seconds", [](GameRef g) { return g->game.slow_seconds(); }, "Seconds without fast memory")
      .def("memstow.game.random_playouts", RandomPlayouts, "Seconds of random games")
      .def("memstow.game.state", MakeState, "A game at its beginning")
      .def("memstow.game.state_clone", Clone, "A copy of a state")
      .def(
          "memstow.game.state_decided", [](GameStateRef s) { return static_cast<int64_t>(s->state.NumDecided()); },
          "Decisions made")
      .def(
          "memstow.game.state_legal", [](GameStateRef s) { return static_cast<int64_t>(s->state.LegalActions()); },
          "Mask of legal actions")
      .def("memstow.game.state_apply", Apply, "Decide; the seconds saved")
      .def("memstow.game.state_apply_all", ApplyAll, "Make several decisions")
      .def(
          "memstow.game.state_undo", [](GameStateRef s) { s->state.Undo(); }, "Take the last decision back")
      .def("memstow.game.state_play_randomly", PlayRandomly, "Play to the end")
      .def(
          "memstow.game.state_seconds", [](GameStateRef s) { return s->state.Seconds(); }, "Seconds as decided so far")
      .def(
          "memstow.game.state_backups", [](GameStateRef s) { return static_cast<int64_t>(s->state.NumBackups()); },
          "Decisions made by Drop-backup")
      .def(
          "memstow.game.state_history", [](GameStateRef s) { return ffi::String(s->state.History()); },
          "Actions so far")
      .def("memstow.game.state_residencies", Residencies, "What is in fast memory");
}

}  // namespace memstow
