#include "memstow/cost_table.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <cmath>

namespace memstow {

namespace {

int64_t MaskedBytes(const std::array<int64_t, kDenseSlots>& bytes, uint32_t mask) {
  int64_t sum = 0;
  for (size_t slot = 0; slot < bytes.size(); ++slot) {
    if (mask >> slot & 1U) sum += bytes[slot];
  }
  return sum;
}

}  // namespace

CostTable::CostTable(Span<Instruction> instructions, Span<int64_t> slot_bytes, const Hardware& hardware,
                     Span<double> seconds)
    : hardware_(hardware) {
  size_t next_slot = 0;
  for (const Instruction& instruction : instructions) {
    const int32_t dense = std::min(instruction.num_slots, kDenseSlots);
    std::array<int64_t, kDenseSlots> bytes{};
    std::copy_n(slot_bytes.begin() + next_slot, dense, bytes.begin());
    next_slot += static_cast<size_t>(instruction.num_slots);
    first_.push_back(static_cast<int64_t>(prices_.size()));
    for (uint32_t mask = 0; mask < 1U << dense; ++mask) {
      const int64_t fast_bytes = MaskedBytes(bytes, mask);
      const size_t entry = prices_.size();
      if (!seconds.empty() && (entry >= seconds.size() || !(seconds[entry] >= 0.0 && std::isfinite(seconds[entry])))) {
        TVM_FFI_THROW(ValueError) << "instruction " << first_.size() - 1 << ", slots " << mask
                                  << " fast: expected seconds of at least 0, found "
                                  << (entry < seconds.size() ? std::to_string(seconds[entry]) : "none")
                                  << "; check the cost model";
      }
      const double elapsed = seconds.empty() ? Roofline(instruction, fast_bytes) : seconds[entry];
      prices_.push_back({elapsed, Idle(instruction, fast_bytes, elapsed)});
    }
    const bool wide = instruction.num_slots > kDenseSlots;
    wide_index_.push_back(wide ? static_cast<int32_t>(wide_.size()) : -1);
    if (wide) wide_.push_back({instruction, bytes});
  }
  if (!seconds.empty() && seconds.size() != prices_.size()) {
    TVM_FFI_THROW(ValueError) << "expected seconds of " << prices_.size() << " placements, found " << seconds.size();
  }
}

double CostTable::Roofline(const Instruction& instruction, int64_t fast_bytes) const {
  const double memory = static_cast<double>(instruction.bytes - fast_bytes) / hardware_.slow_bandwidth +
                        static_cast<double>(fast_bytes) / hardware_.fast_bandwidth;
  const double once = std::max(instruction.compute_seconds, memory) + hardware_.launch_overhead_seconds;
  return once * instruction.trip_count;
}

double CostTable::Idle(const Instruction& instruction, int64_t fast_bytes, double elapsed) const {
  const int64_t slow_bytes = (instruction.bytes - fast_bytes) * instruction.trip_count;
  return std::max(0.0, elapsed - static_cast<double>(slow_bytes) / hardware_.slow_bandwidth);
}

Price CostTable::WidePrice(int32_t t, const FastSet& fast) const {
  const Wide& wide = wide_[static_cast<size_t>(wide_index_[static_cast<size_t>(t)])];
  const int64_t dense_bytes = MaskedBytes(wide.bytes, fast.mask);
  const int64_t fast_bytes = dense_bytes + fast.rest_bytes;
  const double without_rest = Roofline(wide.instruction, dense_bytes);
  double elapsed = prices_[static_cast<size_t>(first_[static_cast<size_t>(t)]) + fast.mask].elapsed;
  // Without bytes and compute there is nothing to scale.
  if (without_rest > 0.0) elapsed *= Roofline(wide.instruction, fast_bytes) / without_rest;
  return {elapsed, Idle(wide.instruction, fast_bytes, elapsed)};
}

}  // namespace memstow
