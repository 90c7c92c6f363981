/*!
 * \file memstow/problem_types.h
 * \brief The rows of a flattened problem: plain data, no behaviour beyond reading.
 */
#ifndef MEMSTOW_PROBLEM_TYPES_H_
#define MEMSTOW_PROBLEM_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace memstow {

/*! \brief A read-only view of consecutive elements that someone else owns. */
template <typename T>
class Span {
 public:
  Span() = default;
  Span(const T* data, size_t size) : data_(data), size_(size) {}
  Span(const std::vector<T>& items) : Span(items.data(), items.size()) {}  // NOLINT(runtime/explicit)

  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const T& operator[](size_t index) const { return data_[index]; }

 private:
  const T* data_ = nullptr;
  size_t size_ = 0;
};

/*! \brief The numbers of an accelerator that planning needs. Bandwidths in bytes per second. */
struct Hardware {
  static constexpr int32_t kUnlimited = std::numeric_limits<int32_t>::max();

  int64_t capacity_bytes = 0;
  int64_t alignment_bytes = 1;
  double slow_bandwidth = 1.0;
  double fast_bandwidth = 1.0;
  double copy_bandwidth = 1.0;
  double dma_latency_seconds = 0.0;
  double launch_overhead_seconds = 0.0;
  int32_t max_outstanding_prefetches = kUnlimited;
  int32_t max_outstanding_evictions = kUnlimited;
  int32_t max_cross_program_prefetches = 0;
};

/*! \brief One step of the schedule. `bytes` is what one execution moves, whatever the memory. */
struct Instruction {
  double compute_seconds = 0.0;
  int64_t bytes = 0;
  int32_t trip_count = 1;
  /*! \brief Touches of placeable storages here; they have the slots 0 .. num_slots - 1. */
  int32_t num_slots = 0;
};

/*!
 * \brief All accesses with bytes of one storage at one instruction: they are in one memory.
 *
 *  `slot` numbers the placeable storages of an instruction, those with most bytes first; -1 for others.
 */
struct Touch {
  int64_t bytes = 0;
  int32_t time = 0;
  int32_t storage = 0;
  int32_t slot = -1;
  bool writes = false;
};

/*!
 * \brief One alias group, the unit of placement. Its touches have the ids first_touch .. first_touch + num_touches - 1.
 *
 *  `placeable`: it has touches, fits the capacity and is not pinned. `tenant`: planners may place it, since the data of
 *  its first touch comes from slow memory (born_slow) or from that touch itself.
 */
struct Storage {
  int64_t size_bytes = 0;
  /*! \brief DMA seconds of a copy of this storage: latency and bytes at full rate. */
  double copy_seconds = 0.0;
  int32_t first_touch = 0;
  int32_t num_touches = 0;
  bool born_slow = false;
  bool is_output = false;
  bool pinned_slow = false;
  bool placeable = false;
  bool tenant = false;
};

/*! \brief Seconds of one instruction, and those of them in which the slow memory is idle. Trip count included. */
struct Price {
  double elapsed = 0.0;
  double idle = 0.0;
};

}  // namespace memstow
#endif  // MEMSTOW_PROBLEM_TYPES_H_
