#include "memstow/simulator.h"

#include <tvm/ffi/error.h>

#include <algorithm>

namespace memstow {

namespace {

void CheckTransfer(const Problem& problem, const Stay& stay, const Transfer& transfer, const char* name) {
  if (!transfer.present()) return;
  const int32_t count = problem.num_instructions();
  if (transfer.start < -1 || transfer.start >= count || transfer.done < transfer.start || transfer.done > count) {
    TVM_FFI_THROW(ValueError) << "stay of storage " << stay.storage << ": expected its " << name
                              << " to have -1 <= start <= done <= " << count << " and start < " << count << ", found ["
                              << transfer.start << ", " << transfer.done << ")";
  }
}

}  // namespace

void CheckStay(const Problem& problem, const Stay& stay) {
  if (stay.storage < 0 || stay.storage >= problem.num_storages()) {
    TVM_FFI_THROW(ValueError) << "stay: expected a storage below " << problem.num_storages() << ", found "
                              << stay.storage;
  }
  const Storage& storage = problem.storage(stay.storage);
  if (stay.first <= stay.last && (stay.first < 0 || stay.last >= storage.num_touches || !storage.placeable)) {
    TVM_FFI_THROW(ValueError) << "stay of storage " << stay.storage << ": expected touches below "
                              << (storage.placeable ? storage.num_touches : 0) << ", found [" << stay.first << ", "
                              << stay.last << "]";
  }
  CheckTransfer(problem, stay, stay.prefetch, "prefetch");
  CheckTransfer(problem, stay, stay.eviction, "eviction");
}

Simulator::Simulator(int32_t num_instructions)
    : count_(static_cast<size_t>(num_instructions)),
      stalls_(count_ + 1),
      prices_(count_),
      fast_(count_),
      next_(count_ + 2),
      issued_(count_ + 1),
      due_(count_ + 1) {}

double Simulator::Seconds(Span<Price> prices, Span<TimedCopy> copies) {
  if (prices.size() != count_) {
    TVM_FFI_THROW(ValueError) << "expected prices of " << count_ << " instructions, found " << prices.size();
  }
  LineUp(copies);
  return Run(prices);
}

double Simulator::Seconds(const Problem& problem, Span<Stay> stays) {
  std::fill(fast_.begin(), fast_.end(), FastSet{});
  copies_.clear();
  for (const Stay& stay : stays) {
    CheckStay(problem, stay);
    const Span<Touch> touches = problem.touches(stay.storage);
    for (int32_t k = stay.first; k <= stay.last; ++k) {
      const Touch& touch = touches[static_cast<size_t>(k)];
      fast_[static_cast<size_t>(touch.time)].Insert(touch);
    }
    const double seconds = problem.storage(stay.storage).copy_seconds;
    if (stay.prefetch.present()) copies_.push_back({stay.prefetch.start, stay.prefetch.done, seconds});
    if (stay.eviction.present()) copies_.push_back({stay.eviction.start, stay.eviction.done, seconds});
  }
  for (size_t t = 0; t < count_; ++t) prices_[t] = problem.costs().At(static_cast<int32_t>(t), fast_[t]);
  std::sort(copies_.begin(), copies_.end(), [](const TimedCopy& a, const TimedCopy& b) { return a.done < b.done; });
  LineUp(copies_);
  return Run(prices_);
}

// A stable counting sort by start: next_[t + 1] counts, then is where the copies that start at t begin.
void Simulator::LineUp(Span<TimedCopy> copies) {
  const int32_t end = static_cast<int32_t>(count_);
  std::fill(next_.begin(), next_.end(), 0);
  for (const TimedCopy& copy : copies) {
    if (copy.start >= 0) ++next_[static_cast<size_t>(std::min(copy.start, end)) + 1];
  }
  for (size_t t = 0; t <= count_; ++t) next_[t + 1] += next_[t];
  line_.resize(static_cast<size_t>(next_[count_ + 1]));
  for (const TimedCopy& copy : copies) {
    if (copy.start >= 0) line_[static_cast<size_t>(next_[static_cast<size_t>(std::min(copy.start, end))]++)] = copy;
  }
  // Now next_[t] is where the copies that start at t end.
  std::fill(due_.begin(), due_.end(), 0.0);
  double position = 0.0;
  size_t next = 0;
  for (size_t t = 0; t <= count_; ++t) {
    for (; next < static_cast<size_t>(next_[t]); ++next) {
      position += line_[next].seconds;
      const int32_t done = std::min(std::max(line_[next].done, line_[next].start), end);
      due_[static_cast<size_t>(done)] = position;  // positions ascend, so the last one stays
    }
    issued_[t] = position;
  }
}

double Simulator::Run(Span<Price> prices) {
  double clock = 0.0;
  double served = 0.0;
  for (size_t t = 0; t < count_; ++t) {
    stalls_[t] = std::max(0.0, due_[t] - served);
    served = std::min(issued_[t], std::max(served, due_[t]) + prices[t].idle);
    clock += stalls_[t] + prices[t].elapsed;
  }
  stalls_[count_] = std::max(0.0, due_[count_] - served);
  return clock + stalls_[count_];
}

}  // namespace memstow
