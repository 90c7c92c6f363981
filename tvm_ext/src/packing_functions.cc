#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/container/tuple.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/reflection/registry.h>

#include <algorithm>
#include <stdexcept>

#include "memstow/packing.h"

namespace memstow::packing {

namespace {

namespace ffi = tvm::ffi;

/*! \brief Rows of a problem: lower, upper, size, alignment. */
constexpr int64_t kRows = 4;

/*! \brief Give Python's Ctrl-C a chance; calls from Python run without the interpreter's lock. */
void CheckSignals() {
  if (TVMFFIEnvCheckSignals() != 0) throw ffi::EnvErrorAlreadySet();
}

int64_t* Int64s(const ffi::TensorView& tensor, int64_t rows, const char* name) {
  const DLDataType type = tensor.dtype();
  if (tensor.device().device_type != kDLCPU || type.code != kDLInt || type.bits != 64 || type.lanes != 1 ||
      tensor.ndim() != 2 || tensor.shape()[0] != rows || !tensor.IsContiguous()) {
    TVM_FFI_THROW(ValueError) << name << ": expected a contiguous int64 array of " << rows << " rows in host memory";
  }
  return static_cast<int64_t*>(tensor.data_ptr());
}

PackingProblem ReadProblem(const ffi::TensorView& rows, int64_t capacity) {
  const int64_t* data = Int64s(rows, kRows, "buffers");
  const int64_t count = rows.shape()[1];
  PackingProblem problem;
  problem.capacity = capacity;
  problem.buffers.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    problem.buffers.push_back({data[i], data[count + i], data[2 * count + i], data[3 * count + i]});
  }
  try {
    CheckProblem(problem);
  } catch (const std::invalid_argument& error) {
    TVM_FFI_THROW(ValueError) << error.what();
  }
  return problem;
}

void WriteOffsets(const std::vector<int64_t>& offsets, const ffi::TensorView& out) {
  int64_t* data = Int64s(out, 1, "offsets");
  if (out.shape()[1] < static_cast<int64_t>(offsets.size())) {
    TVM_FFI_THROW(ValueError) << "offsets: expected room for " << offsets.size() << ", found " << out.shape()[1];
  }
  std::copy(offsets.begin(), offsets.end(), data);
}

using Answer = ffi::Tuple<int64_t, double, int64_t>;

Answer Report(const Solution& solution, const ffi::TensorView& offsets) {
  WriteOffsets(solution.offsets, offsets);
  return Answer(static_cast<int64_t>(solution.outcome), solution.seconds, solution.nodes);
}

SolveOptions OptionsFor(double time_limit_seconds) {
  SolveOptions options;
  options.time_limit_seconds = time_limit_seconds;
  options.poll = CheckSignals;
  return options;
}

Answer SolveFunction(ffi::TensorView rows, int64_t capacity, double time_limit_seconds, ffi::TensorView offsets) {
  return Report(Solve(ReadProblem(rows, capacity), OptionsFor(time_limit_seconds)), offsets);
}

Answer FirstFitFunction(ffi::TensorView rows, int64_t capacity, int64_t order, ffi::TensorView offsets) {
  if (order < 0 || order > static_cast<int64_t>(FitOrder::kStart)) {
    TVM_FFI_THROW(ValueError) << "first-fit order: expected 0 to 3, found " << order;
  }
  return Report(FirstFit(ReadProblem(rows, capacity), static_cast<FitOrder>(order)), offsets);
}

Answer BestFitFunction(ffi::TensorView rows, int64_t capacity, ffi::TensorView offsets) {
  return Report(BestFit(ReadProblem(rows, capacity)), offsets);
}

using HeightAnswer = ffi::Tuple<int64_t, int64_t, double, int64_t>;

HeightAnswer MinimiseFunction(ffi::TensorView rows, double time_limit_seconds, ffi::TensorView offsets) {
  const HeightSolution best = MinimiseHeight(ReadProblem(rows, 0), OptionsFor(time_limit_seconds));
  WriteOffsets(best.offsets, offsets);
  return HeightAnswer(best.height, best.lower_bound, best.seconds, best.nodes);
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::GlobalDef()
      .def("memstow.packing.solve", SolveFunction, "Offsets by complete search: (outcome, seconds, nodes)")
      .def("memstow.packing.first_fit", FirstFitFunction, "Offsets in the lowest holes: (outcome, seconds, nodes)")
      .def("memstow.packing.best_fit", BestFitFunction, "Offsets in the smallest holes: (outcome, seconds, nodes)")
      .def("memstow.packing.minimise_height", MinimiseFunction,
           "The lowest packing found: (height, lower bound, seconds, nodes)");
}

}  // namespace memstow::packing
