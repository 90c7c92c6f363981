#include "memstow/problem_object.h"

#include <tvm/ffi/reflection/registry.h>

#include <algorithm>

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

// Bits of a storage's flags, as memstow/core/problem.py sets them.
constexpr uint8_t kBornSlow = 1;
constexpr uint8_t kIsOutput = 2;
constexpr uint8_t kPinnedSlow = 4;

/*!
 * integers: capacity, alignment, outstanding prefetches, outstanding evictions, cross-program prefetches;
 * reals: slow, fast and copy bandwidth, DMA latency, launch overhead.
 */
Hardware MakeHardware(ffi::TensorView integers, ffi::TensorView reals) {
  const Span<int64_t> whole = Elements<int64_t>(integers, 5, "hardware integers");
  const Span<double> real = Elements<double>(reals, 5, "hardware reals");
  const auto limit = [&whole](size_t index) {
    return static_cast<int32_t>(std::min<int64_t>(whole[index], Hardware::kUnlimited));
  };
  Hardware hardware;
  hardware.capacity_bytes = whole[0];
  hardware.alignment_bytes = whole[1];
  hardware.max_outstanding_prefetches = limit(2);
  hardware.max_outstanding_evictions = limit(3);
  hardware.max_cross_program_prefetches = limit(4);
  hardware.slow_bandwidth = real[0];
  hardware.fast_bandwidth = real[1];
  hardware.copy_bandwidth = real[2];
  hardware.dma_latency_seconds = real[3];
  hardware.launch_overhead_seconds = real[4];
  return hardware;
}

ProblemRef MakeProblem(ffi::TensorView integers, ffi::TensorView reals, ffi::TensorView compute_seconds,
                       ffi::TensorView trip_counts, ffi::TensorView sizes, ffi::TensorView flags,
                       ffi::TensorView touch_storages, ffi::TensorView touch_times, ffi::TensorView touch_bytes,
                       ffi::TensorView touch_writes) {
  ProblemRows rows;
  rows.hardware = MakeHardware(integers, reals);
  const Span<double> compute = Elements<double>(compute_seconds, "compute seconds");
  const Span<int32_t> trips = Elements<int32_t>(trip_counts, compute.size(), "trip counts");
  for (size_t t = 0; t < compute.size(); ++t) {
    Instruction row;
    row.compute_seconds = compute[t];
    row.trip_count = trips[t];
    rows.instructions.push_back(row);
  }
  const Span<int64_t> size = Elements<int64_t>(sizes, "storage sizes");
  const Span<uint8_t> flag = Elements<uint8_t>(flags, size.size(), "storage flags");
  for (size_t s = 0; s < size.size(); ++s) {
    Storage row;
    row.size_bytes = size[s];
    row.born_slow = (flag[s] & kBornSlow) != 0;
    row.is_output = (flag[s] & kIsOutput) != 0;
    row.pinned_slow = (flag[s] & kPinnedSlow) != 0;
    rows.storages.push_back(row);
  }
  const Span<int32_t> storage = Elements<int32_t>(touch_storages, "touch storages");
  const Span<int32_t> time = Elements<int32_t>(touch_times, storage.size(), "touch times");
  const Span<int64_t> bytes = Elements<int64_t>(touch_bytes, storage.size(), "touch bytes");
  const Span<uint8_t> writes = Elements<uint8_t>(touch_writes, storage.size(), "touch writes");
  for (size_t id = 0; id < storage.size(); ++id) {
    Touch row;
    row.bytes = bytes[id];
    row.time = time[id];
    row.storage = storage[id];
    row.writes = writes[id] != 0;
    rows.touches.push_back(row);
  }
  return ProblemRef(Problem(std::move(rows)));
}

int64_t NumEntries(ProblemRef problem) { return static_cast<int64_t>(problem->problem().costs().num_entries()); }

ProblemRef WithSeconds(ProblemRef problem, ffi::TensorView seconds) {
  return ProblemRef(problem->problem().WithSeconds(Elements<double>(seconds, "seconds")));
}

/*! Slot of each touch (-1: never in fast memory), and where each instruction's dense prices begin. */
void Slots(ProblemRef ref, ffi::TensorView slots, ffi::TensorView first_entries) {
  const Problem& problem = ref->problem();
  int32_t* slot = Output<int32_t>(slots, static_cast<size_t>(problem.num_touches()), "slots");
  for (int32_t id = 0; id < problem.num_touches(); ++id) slot[id] = problem.touch(id).slot;
  int64_t* first = Output<int64_t>(first_entries, static_cast<size_t>(problem.num_instructions()), "first entries");
  for (int32_t t = 0; t < problem.num_instructions(); ++t) first[t] = problem.costs().first_entry(t);
}

/*! Seconds and idle seconds of every instruction with the flagged touches in fast memory. */
void Prices(ProblemRef ref, ffi::TensorView fast, ffi::TensorView elapsed, ffi::TensorView idle) {
  const Problem& problem = ref->problem();
  const size_t count = static_cast<size_t>(problem.num_instructions());
  const Span<uint8_t> is_fast = Elements<uint8_t>(fast, static_cast<size_t>(problem.num_touches()), "fast");
  double* elapsed_out = Output<double>(elapsed, count, "elapsed");
  double* idle_out = Output<double>(idle, count, "idle");
  for (int32_t t = 0; t < problem.num_instructions(); ++t) {
    FastSet set;
    for (int32_t id : problem.touches_at(t)) {
      if (is_fast[static_cast<size_t>(id)] && problem.touch(id).slot >= 0) set.Insert(problem.touch(id));
    }
    const Price price = problem.costs().At(t, set);
    elapsed_out[t] = price.elapsed;
    idle_out[t] = price.idle;
  }
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<ProblemObj>();
  refl::GlobalDef()
      .def("memstow.core.problem", MakeProblem, "A flattened problem, priced by the roofline")
      .def("memstow.core.num_entries", NumEntries, "Entries of the dense price tables")
      .def("memstow.core.slots", Slots, "Slots of touches, and where the price tables begin")
      .def("memstow.core.with_seconds", WithSeconds, "A problem with other prices")
      .def("memstow.core.prices", Prices, "Prices of all instructions for a placement");
}

}  // namespace memstow
