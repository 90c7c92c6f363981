#include "memstow/simulator_object.h"

#include <tvm/ffi/reflection/registry.h>

#include <algorithm>

#include "memstow/problem_object.h"

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

/*! Total seconds of instructions with these prices and of copies in plan order; writes the stalls. */
double SimulatePrices(ffi::TensorView elapsed, ffi::TensorView idle, ffi::TensorView starts, ffi::TensorView dones,
                      ffi::TensorView seconds, ffi::TensorView stalls) {
  const Span<double> elapsed_in = Elements<double>(elapsed, "elapsed");
  const size_t count = elapsed_in.size();
  const Span<double> idle_in = Elements<double>(idle, count, "idle");
  std::vector<Price> prices;
  for (size_t t = 0; t < count; ++t) prices.push_back({elapsed_in[t], idle_in[t]});
  const Span<int32_t> start = Elements<int32_t>(starts, "starts");
  const Span<int32_t> done = Elements<int32_t>(dones, start.size(), "dones");
  const Span<double> copy_seconds = Elements<double>(seconds, start.size(), "copy seconds");
  std::vector<TimedCopy> copies;
  for (size_t k = 0; k < start.size(); ++k) copies.push_back({start[k], done[k], copy_seconds[k]});
  double* stalls_out = Output<double>(stalls, count + 1, "stalls");
  Simulator simulator(static_cast<int32_t>(count));
  const double total = simulator.Seconds(prices, copies);
  std::copy(simulator.stalls().begin(), simulator.stalls().end(), stalls_out);
  return total;
}

/*! Total seconds of plans given as stays: plan p has the rows before ends[p] that no earlier plan has. */
void SimulateStays(ProblemRef ref, ffi::TensorView rows, ffi::TensorView ends, ffi::TensorView seconds) {
  const Problem& problem = ref->problem();
  const std::vector<Stay> stays = StaysOf(rows);
  const Span<int64_t> end = Elements<int64_t>(ends, "ends");
  double* seconds_out = Output<double>(seconds, end.size(), "seconds");
  Simulator simulator(problem.num_instructions());
  int64_t begin = 0;
  for (size_t plan = 0; plan < end.size(); ++plan) {
    if (end[plan] < begin || end[plan] > static_cast<int64_t>(stays.size())) {
      TVM_FFI_THROW(ValueError) << "ends: expected ascending numbers up to " << stays.size() << ", found " << end[plan];
    }
    seconds_out[plan] = simulator.Seconds(problem, {stays.data() + begin, static_cast<size_t>(end[plan] - begin)});
    begin = end[plan];
  }
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("memstow.core.simulate", SimulatePrices, "Seconds of priced instructions and copies")
      .def("memstow.core.simulate_stays", SimulateStays, "Seconds of several plans given as stays");
}

}  // namespace memstow
