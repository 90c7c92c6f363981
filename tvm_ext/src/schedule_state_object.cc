#include <tvm/ffi/container/array.h>
#include <tvm/ffi/reflection/registry.h>

#include "memstow/problem_object.h"
#include "memstow/schedule_state.h"
#include "memstow/simulator_object.h"

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

/*! \brief A schedule state that Python holds, with the problem that it needs. */
class ScheduleStateObj : public ffi::Object {
 public:
  explicit ScheduleStateObj(ProblemRef problem) : problem_(std::move(problem)), state(problem_->problem()) {}

  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.core.ScheduleState", ScheduleStateObj, ffi::Object);

 private:
  ProblemRef problem_;

 public:
  ScheduleState state;
};

class ScheduleStateRef : public ffi::ObjectRef {
 public:
  explicit ScheduleStateRef(ffi::ObjectPtr<ScheduleStateObj> data) : ObjectRef(std::move(data)) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(ScheduleStateRef, ffi::ObjectRef, ScheduleStateObj);
};

ScheduleStateRef MakeState(ProblemRef problem) {
  return ScheduleStateRef(ffi::make_object<ScheduleStateObj>(std::move(problem)));
}

ScheduleStateRef Clone(ScheduleStateRef state) {
  return ScheduleStateRef(ffi::make_object<ScheduleStateObj>(*state.operator->()));
}

int64_t Apply(ScheduleStateRef state, ffi::TensorView row) {
  const std::vector<Stay> stays = StaysOf(row);
  if (stays.size() != 1) TVM_FFI_THROW(ValueError) << "expected one stay, found " << stays.size();
  return state->state.Apply(stays[0]);
}

/*! Seconds with each of these stays added alone; the state is afterwards as before. */
void TryEach(ScheduleStateRef state, ffi::TensorView rows, ffi::TensorView seconds) {
  const std::vector<Stay> stays = StaysOf(rows);
  double* seconds_out = Output<double>(seconds, stays.size(), "seconds");
  for (size_t k = 0; k < stays.size(); ++k) {
    state->state.Apply(stays[k]);
    seconds_out[k] = state->state.TotalSeconds();
    state->state.Undo();
  }
}

ffi::Array<ffi::Array<int64_t>> Stays(ScheduleStateRef state) {
  ffi::Array<ffi::Array<int64_t>> rows;
  for (const Stay& stay : state->state.Stays()) {
    rows.push_back({stay.storage, stay.first, stay.last, stay.prefetch.start, stay.prefetch.done, stay.eviction.start,
                    stay.eviction.done});
  }
  return rows;
}

ffi::Array<double> At(ScheduleStateRef state, int32_t t) {
  const int32_t last = state->state.problem().num_instructions();
  if (t < 0 || t > last) TVM_FFI_THROW(ValueError) << "expected a time in [0, " << last << "], found " << t;
  const ScheduleState::Moment moment = state->state.At(t);
  return {moment.pending, moment.stall, moment.unused};
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<ScheduleStateObj>();
  refl::GlobalDef()
      .def("memstow.core.state", MakeState, "A schedule without stays")
      .def("memstow.core.state_clone", Clone, "A copy of a schedule")
      .def("memstow.core.state_apply", Apply, "Add a stay; its id")
      .def("memstow.core.state_try_each", TryEach, "Seconds with each of several stays added alone")
      .def(
          "memstow.core.state_remove", [](ScheduleStateRef s, int32_t id) { s->state.Remove(id); }, "Remove a stay")
      .def(
          "memstow.core.state_undo", [](ScheduleStateRef s) { s->state.Undo(); }, "Undo the last change")
      .def(
          "memstow.core.state_commit", [](ScheduleStateRef s) { s->state.Commit(); }, "Forget how to undo")
      .def(
          "memstow.core.state_mark", [](ScheduleStateRef s) { return static_cast<int64_t>(s->state.Mark()); },
          "Changes that can be undone")
      .def(
          "memstow.core.state_seconds", [](ScheduleStateRef s) { return s->state.TotalSeconds(); }, "Total seconds")
      .def("memstow.core.state_stays", Stays, "All stays")
      .def("memstow.core.state_at", At, "Pending, stall and unused seconds at a time");
}

}  // namespace memstow
