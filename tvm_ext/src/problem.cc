#include "memstow/problem.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace memstow {

namespace {

void CheckHardware(const Hardware& hardware) {
  const double rates[] = {hardware.slow_bandwidth, hardware.fast_bandwidth, hardware.copy_bandwidth};
  for (double rate : rates) {
    if (!(rate > 0.0)) TVM_FFI_THROW(ValueError) << "hardware: expected bandwidths above 0, found " << rate;
  }
  if (hardware.capacity_bytes < 0 || hardware.alignment_bytes < 1) {
    TVM_FFI_THROW(ValueError) << "hardware: expected a capacity of at least 0 and an alignment of at least 1, found "
                              << hardware.capacity_bytes << " and " << hardware.alignment_bytes;
  }
}

void CheckTouches(const ProblemRows& rows) {
  const int32_t num_instructions = static_cast<int32_t>(rows.instructions.size());
  const int32_t num_storages = static_cast<int32_t>(rows.storages.size());
  std::pair<int32_t, int32_t> before{-1, -1};
  for (size_t id = 0; id < rows.touches.size(); ++id) {
    const Touch& touch = rows.touches[id];
    const std::pair<int32_t, int32_t> key{touch.storage, touch.time};
    if (touch.storage < 0 || touch.storage >= num_storages || touch.time < 0 || touch.time >= num_instructions) {
      TVM_FFI_THROW(ValueError) << "touch " << id << ": expected a storage below " << num_storages
                                << " and a time below " << num_instructions << ", found " << touch.storage << " and "
                                << touch.time;
    }
    if (!(before < key)) {
      TVM_FFI_THROW(ValueError) << "touch " << id << " (storage " << touch.storage << ", time " << touch.time
                                << "): expected touches sorted by storage and time, each once";
    }
    if (touch.bytes <= 0) {
      TVM_FFI_THROW(ValueError) << "touch " << id << ": expected more than 0 bytes, found " << touch.bytes;
    }
    before = key;
  }
}

}  // namespace

Problem::Problem(ProblemRows rows) : rows_(std::move(rows)) {
  CheckHardware(rows_.hardware);
  CheckTouches(rows_);
  FillStorages();
  FillInstructions();
  costs_ = Priced({});
}

Problem Problem::WithSeconds(Span<double> seconds) const {
  Problem other = *this;
  other.costs_ = Priced(seconds);
  return other;
}

FastSet Problem::AllTenants(int32_t t) const {
  FastSet fast;
  for (const int32_t id : touches_at(t)) {
    if (storage(touch(id).storage).tenant) fast.Insert(touch(id));
  }
  return fast;
}

void Problem::FillStorages() {
  const Hardware& hardware = rows_.hardware;
  size_t next = 0;
  for (int32_t s = 0; s < num_storages(); ++s) {
    Storage& row = rows_.storages[static_cast<size_t>(s)];
    if (row.size_bytes < 0) {
      TVM_FFI_THROW(ValueError) << "storage " << s << ": expected at least 0 bytes, found " << row.size_bytes;
    }
    row.copy_seconds = static_cast<double>(row.size_bytes) / hardware.copy_bandwidth + hardware.dma_latency_seconds;
    row.first_touch = static_cast<int32_t>(next);
    while (next < rows_.touches.size() && rows_.touches[next].storage == s) ++next;
    row.num_touches = static_cast<int32_t>(next) - row.first_touch;
    const bool fits = row.size_bytes > 0 && row.size_bytes <= hardware.capacity_bytes;
    row.placeable = fits && !row.pinned_slow && row.num_touches > 0;
    row.tenant = row.placeable && (row.born_slow || touch(row.first_touch).writes);
  }
}

void Problem::FillInstructions() {
  const auto rank = [this](int32_t id) {
    const Touch& row = touch(id);
    return std::make_tuple(row.time, !storage(row.storage).placeable, -row.bytes, row.storage);
  };
  at_.resize(rows_.touches.size());
  std::iota(at_.begin(), at_.end(), 0);
  std::sort(at_.begin(), at_.end(), [&rank](int32_t a, int32_t b) { return rank(a) < rank(b); });
  first_at_.assign(rows_.instructions.size() + 1, 0);
  for (Instruction& row : rows_.instructions) {
    if (!(row.compute_seconds >= 0.0) || row.trip_count < 1) {
      TVM_FFI_THROW(ValueError) << "instruction " << &row - rows_.instructions.data()
                                << ": expected seconds of at least 0 and a trip count of at least 1, found "
                                << row.compute_seconds << " and " << row.trip_count;
    }
    row.bytes = 0;
    row.num_slots = 0;
  }
  for (int32_t id : at_) {
    Touch& row = rows_.touches[static_cast<size_t>(id)];
    Instruction& instruction = rows_.instructions[static_cast<size_t>(row.time)];
    instruction.bytes += row.bytes;
    row.slot = storage(row.storage).placeable ? instruction.num_slots++ : -1;
    ++first_at_[static_cast<size_t>(row.time) + 1];
  }
  std::partial_sum(first_at_.begin(), first_at_.end(), first_at_.begin());
}

CostTable Problem::Priced(Span<double> seconds) const {
  std::vector<int64_t> slot_bytes;
  for (int32_t id : at_) {
    if (touch(id).slot >= 0) slot_bytes.push_back(touch(id).bytes);
  }
  return CostTable(rows_.instructions, slot_bytes, rows_.hardware, seconds);
}

}  // namespace memstow
