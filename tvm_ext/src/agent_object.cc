/*!
 * The agent's parts behind tvm_ffi: networks, guides on one problem, and the search over whole games.
 */
#include <tvm/ffi/container/array.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include <limits>
#include <memory>
#include <utility>

#include "memstow/game_object.h"
#include "memstow/guide.h"
#include "memstow/guided_models.h"
#include "memstow/gumbel_search_object.h"
#include "memstow/trajectory_search.h"

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

class NetworkObj : public ffi::Object {
 public:
  explicit NetworkObj(const std::vector<Span<float>>& arrays) : network(arrays) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.agent.Network", NetworkObj, ffi::Object);
  const PolicyNetwork network;
};

class NetworkRef : public ffi::ObjectRef {
 public:
  explicit NetworkRef(ffi::ObjectPtr<NetworkObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(NetworkRef, ffi::ObjectRef, NetworkObj);
};

class ObserverObj : public ffi::Object {
 public:
  explicit ObserverObj(GameRef game) : game_(std::move(game)), observer(game_->game) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.agent.Observer", ObserverObj, ffi::Object);

 private:
  GameRef game_;

 public:
  const Observer observer;
};

class ObserverRef : public ffi::ObjectRef {
 public:
  explicit ObserverRef(ffi::ObjectPtr<ObserverObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(ObserverRef, ffi::ObjectRef, ObserverObj);
};

class GuideObj : public ffi::Object {
 public:
  explicit GuideObj(ObserverRef observer) : observer_(std::move(observer)), guide(observer_->observer) {}
  GuideObj(ObserverRef observer, NetworkRef network, Span<float> embeddings)
      : observer_(std::move(observer)),
        network_(std::make_unique<NetworkRef>(std::move(network))),
        guide(observer_->observer, (*network_)->network, embeddings) {}
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.agent.Guide", GuideObj, ffi::Object);

 private:
  ObserverRef observer_;
  std::unique_ptr<NetworkRef> network_;

 public:
  const Guide guide;
};

class GuideRef : public ffi::ObjectRef {
 public:
  explicit GuideRef(ffi::ObjectPtr<GuideObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(GuideRef, ffi::ObjectRef, GuideObj);
};

class TrajectoriesObj : public ffi::Object {
 public:
  TrajectoriesObj(GuideRef guide, int64_t seed)
      : guide_(std::move(guide)), search(guide_->guide, static_cast<uint64_t>(seed)) {}
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.agent.Trajectories", TrajectoriesObj, ffi::Object);

 private:
  GuideRef guide_;

 public:
  TrajectorySearch search;
};

class TrajectoriesRef : public ffi::ObjectRef {
 public:
  explicit TrajectoriesRef(ffi::ObjectPtr<TrajectoriesObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(TrajectoriesRef, ffi::ObjectRef, TrajectoriesObj);
};

NetworkRef MakeNetwork(ffi::Array<ffi::Tensor> arrays) {
  std::vector<Span<float>> spans;
  for (const ffi::Tensor& array : arrays) spans.push_back(Elements<float>(ffi::TensorView(array), "weights"));
  return NetworkRef(ffi::make_object<NetworkObj>(spans));
}

GuideRef MakeGuide(ObserverRef observer, NetworkRef network, ffi::TensorView embeddings) {
  const Span<float> numbers = Elements<float>(embeddings, "embeddings");
  return GuideRef(ffi::make_object<GuideObj>(std::move(observer), std::move(network), numbers));
}

ffi::Array<ffi::String> Names(const std::vector<const char*>& names) {
  ffi::Array<ffi::String> all;
  for (const char* name : names) all.push_back(ffi::String(name));
  return all;
}

void ProgramFeatures(ObserverRef observer, ffi::TensorView features) {
  const std::vector<float> found = observer->observer.ProgramFeatures();
  std::copy(found.begin(), found.end(), Output<float>(features, found.size(), "program features"));
}

void Potentials(ObserverRef observer, ffi::TensorView potentials) {
  const size_t count = observer->observer.game().decisions().size();
  double* out = Output<double>(potentials, count, "potentials");
  for (size_t i = 0; i < count; ++i) out[i] = observer->observer.Potential(i);
}

int64_t Improve(TrajectoriesRef search, int64_t iterations, double seconds, double from, double until) {
  const bool timed = seconds > 0.0;
  return search->search.Improve({timed ? std::numeric_limits<int64_t>::max() : iterations,
                                 timed ? seconds : std::numeric_limits<double>::infinity(), from, until});
}

/*! In `given`: the search decides. */
constexpr uint8_t kOpen = 255;

/*!
 * Play a game: decision i is given[i], or the search's where that is kOpen; searched[i] says whether to search there
 * although it is given. A given action that is illegal gives way to the best advice. `features`: those of the states.
 * Returns the program's seconds at the end.
 */
double PlayGame(GuideRef guide, SearchOptionsRef options, bool learned, int64_t horizon, int64_t seed,
                ffi::TensorView given, ffi::TensorView searched, ffi::TensorView features, ffi::TensorView legal,
                ffi::TensorView actions, ffi::TensorView visits, ffi::TensorView q, ffi::TensorView policy,
                ffi::TensorView values, ffi::TensorView rewards) {
  const Guide& advisor = guide->guide;
  const Observer& observer = advisor.observer();
  const size_t count = observer.game().decisions().size(), width = StateFeatureNames().size();
  const Span<uint8_t> wished = Elements<uint8_t>(given, count, "given");
  const Span<uint8_t> looked = Elements<uint8_t>(searched, count, "searched");
  float* seen = Output<float>(features, count * width, "features");
  const DecisionArrays out(count, legal, actions, visits, q, policy, values, rewards);
  GameState state(observer.game());
  GuidedEvaluator evaluator(advisor, static_cast<int32_t>(horizon));
  TrueModel exact(&state, &evaluator, observer.UnitSeconds());
  std::unique_ptr<LearnedModel> imagined;
  if (learned) imagined = std::make_unique<LearnedModel>(advisor, &state);
  TreeModel* model = learned ? static_cast<TreeModel*>(imagined.get()) : &exact;
  GumbelSearch search(options->options);
  std::mt19937_64 random;
  for (size_t i = 0; i < count; ++i) {
    const bool is_open = wished[i] == kOpen;
    const Advice advice = advisor.Ask(&state, false, &seen[i * width], nullptr);
    SearchedDecision decision;
    decision.legal = advice.legal;
    if (is_open || looked[i] != 0) {
      decision.found = SearchState(state, model, &search, static_cast<uint64_t>(seed), &random);
    }
    const bool follows = !is_open && wished[i] < kNumActions && advice.IsLegal(wished[i]);
    if (!is_open) decision.found.action = follows ? static_cast<Action>(wished[i]) : advice.Best();
    const double before = state.Seconds();
    state.Apply(decision.found.action);
    decision.reward = (before - state.Seconds()) / observer.UnitSeconds();
    out.Write(i, decision);
  }
  return state.Seconds();
}

ffi::String Best(TrajectoriesRef search) {
  std::string digits;
  for (const Action action : search->search.best()) digits.push_back(static_cast<char>('0' + static_cast<int>(action)));
  return ffi::String(digits);
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<NetworkObj>();
  refl::ObjectDef<ObserverObj>();
  refl::ObjectDef<GuideObj>();
  refl::ObjectDef<TrajectoriesObj>();
  refl::GlobalDef()
      .def(
          "memstow.agent.program_feature_names", [] { return Names(ProgramFeatureNames()); }, "Static features")
      .def(
          "memstow.agent.state_feature_names", [] { return Names(StateFeatureNames()); }, "Features of a state")
      .def(
          "memstow.agent.observer",
          [](GameRef game) { return ObserverRef(ffi::make_object<ObserverObj>(std::move(game))); },
          "What the agent sees of a game")
      .def(
          "memstow.agent.unit_seconds", [](ObserverRef o) { return o->observer.UnitSeconds(); },
          "Seconds of a reward unit")
      .def("memstow.agent.program_features", ProgramFeatures, "Static features of every decision")
      .def("memstow.agent.potentials", Potentials, "What can be saved from each decision on")
      .def("memstow.agent.network", MakeNetwork, "A network of these weights")
      .def("memstow.agent.guide", MakeGuide, "Advice by a network")
      .def(
          "memstow.agent.priced_guide",
          [](ObserverRef observer) { return GuideRef(ffi::make_object<GuideObj>(std::move(observer))); },
          "Advice by prices")
      .def("memstow.agent.play_game", PlayGame, "Play and record a game, given or searched decision by decision")
      .def(
          "memstow.agent.trajectories",
          [](GuideRef guide, int64_t seed) {
            return TrajectoriesRef(ffi::make_object<TrajectoriesObj>(std::move(guide), seed));
          },
          "A search over games")
      .def(
          "memstow.agent.play", [](TrajectoriesRef t, double temperature) { t->search.Play(temperature); },
          "Play from the beginning")
      .def(
          "memstow.agent.adopt",
          [](TrajectoriesRef t, ffi::TensorView actions) { t->search.Adopt(Elements<uint8_t>(actions, "actions")); },
          "Begin from given actions")
      .def("memstow.agent.improve", Improve, "Play from the middle of the best games; iterations made")
      .def(
          "memstow.agent.finish", [](TrajectoriesRef t) { t->search.Finish(); }, "Play a sweep to its end")
      .def(
          "memstow.agent.best_seconds", [](TrajectoriesRef t) { return t->search.best_seconds(); },
          "Seconds of the best game")
      .def("memstow.agent.best", Best, "Actions of the best game")
      .def(
          "memstow.agent.num_decisions", [](TrajectoriesRef t) { return t->search.num_decisions(); }, "Decisions made")
      .def(
          "memstow.agent.num_asked", [](TrajectoriesRef t) { return t->search.num_asked(); },
          "Decisions made on advice");
}

}  // namespace memstow
