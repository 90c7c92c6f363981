#include "memstow/memory_prices.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace memstow {

namespace {

/*! \brief Where a storage's data is between two touches. */
enum Where : size_t { kSlow = 0, kClean = 1, kUnsaved = 2, kNowhere = 3 };
constexpr size_t kNumWheres = 4;
/*! \brief What is done at a touch. */
enum Choice : uint8_t { kFromSlow = 0, kStay = 1, kCopyIn = 2 };

constexpr double kForbidden = -1e300;
/*! \brief Most that one round's excess counts, as a multiple of the capacity. */
constexpr double kMostExcess = 2.0;

}  // namespace

MemoryPrices::MemoryPrices(const Problem& problem, int32_t rounds)
    : touches_(static_cast<size_t>(problem.num_touches())),
      memory_(static_cast<size_t>(problem.num_instructions())),
      engine_(memory_.size()),
      load_(memory_.size()),
      memory_before_(memory_.size() + 1),
      engine_before_(memory_.size() + 1),
      idle_(memory_.size()),
      idle_before_(memory_.size() + 1),
      seconds_before_(memory_.size() + 1),
      load_change_(memory_.size() + 1),
      use_change_(memory_.size() + 1),
      chosen_(touches_.size()),
      gain_(touches_.size() * kNumWheres) {
  FillInstructions(problem);
  FillBenefits(problem);
  FillWindows(problem);
  std::vector<double> memory_sum(memory_.size()), engine_sum(memory_.size());
  std::vector<double> memory_squares(memory_.size(), 1e-6), engine_squares(memory_.size(), 1e-6);
  const double capacity = std::max(1.0, static_cast<double>(problem.hardware().capacity_bytes));  // 0: no tenants
  const double scale = potential_ / std::max(1.0, capacity * static_cast<double>(memory_.size()));
  const int32_t counted_from = rounds / 2;
  for (int32_t round = 0; round < rounds; ++round) {
    Sum();
    Round(problem, round >= counted_from);
    double load = 0.0, use = 0.0;
    for (size_t t = 0; t < memory_.size(); ++t) {
      load += load_change_[t];
      use += use_change_[t];
      if (round >= counted_from) load_[t] += load / static_cast<double>(rounds - counted_from);
      const double excess = std::min(kMostExcess, load / capacity - 1.0), lack = std::min(kMostExcess, use - 1.0);
      memory_squares[t] += excess * excess;
      engine_squares[t] += lack * lack;
      memory_[t] = std::max(0.0, memory_[t] + 2.0 * scale * excess / std::sqrt(memory_squares[t]));
      engine_[t] = std::clamp(engine_[t] + 0.2 * lack / std::sqrt(engine_squares[t]), 0.0, 1.0);
      if (round >= counted_from) memory_sum[t] += memory_[t];
      if (round >= counted_from) engine_sum[t] += engine_[t];
    }
  }
  const double counted = std::max(1, rounds - counted_from);
  for (size_t t = 0; t < memory_.size(); ++t) {
    memory_[t] = memory_sum[t] / counted;
    engine_[t] = engine_sum[t] / counted;
  }
  for (TouchPrices& touch : touches_) {
    touch.fast_share /= counted;
    touch.copy_share /= counted;
  }
  Sum();
  Round(problem, false);
}

void MemoryPrices::FillInstructions(const Problem& problem) {
  for (int32_t t = 0; t < problem.num_instructions(); ++t) {
    const Price fast = problem.costs().At(t, problem.AllTenants(t));
    potential_ += std::max(0.0, problem.costs().At(t, {}).elapsed - fast.elapsed);
    const size_t at = static_cast<size_t>(t);
    idle_[at] = fast.idle;
    idle_before_[at + 1] = idle_before_[at] + fast.idle;
    seconds_before_[at + 1] = seconds_before_[at] + fast.elapsed;
  }
}

// What an instruction saves is shared in proportion to the mean of what each touch saves first and last.
void MemoryPrices::FillBenefits(const Problem& problem) {
  for (int32_t t = 0; t < problem.num_instructions(); ++t) {
    const FastSet everything = problem.AllTenants(t);
    const double slow = problem.costs().At(t, {}).elapsed, fast = problem.costs().At(t, everything).elapsed;
    double total = 0.0;
    for (const int32_t id : problem.touches_at(t)) {
      const Touch& touch = problem.touch(id);
      if (!problem.storage(touch.storage).tenant) continue;
      FastSet only, others = everything;
      only.Insert(touch);
      others.Erase(touch);
      TouchPrices& prices = touches_[static_cast<size_t>(id)];
      prices.alone = slow - problem.costs().At(t, only).elapsed;
      prices.last = problem.costs().At(t, others).elapsed - fast;
      prices.benefit = std::max(0.0, 0.5 * (prices.alone + prices.last));
      total += prices.benefit;
    }
    const double share = total > 0.0 ? std::max(0.0, slow - fast) / total : 0.0;
    for (const int32_t id : problem.touches_at(t)) touches_[static_cast<size_t>(id)].benefit *= share;
  }
}

// A window begins where the idle seconds until the touch suffice, after the touch before.
void MemoryPrices::FillWindows(const Problem& problem) {
  for (int32_t id = 0; id < problem.num_touches(); ++id) {
    const Touch& touch = problem.touch(id);
    const Storage& storage = problem.storage(touch.storage);
    const int32_t earliest = id == storage.first_touch ? 0 : std::min(touch.time, problem.touch(id - 1).time + 1);
    const double needed = idle_before_[static_cast<size_t>(touch.time)] - storage.copy_seconds;
    const auto from = idle_before_.begin() + earliest, until = idle_before_.begin() + touch.time + 1;
    const auto found = std::upper_bound(from, until, needed);
    const int32_t first = static_cast<int32_t>(found - idle_before_.begin());
    touches_[static_cast<size_t>(id)].window = std::clamp(first - 1, earliest, touch.time);
  }
}

void MemoryPrices::Sum() {
  for (size_t t = 0; t < memory_.size(); ++t) {
    memory_before_[t + 1] = memory_before_[t] + memory_[t];
    engine_before_[t + 1] = engine_before_[t] + engine_[t] * idle_[t];
  }
}

void MemoryPrices::PriceTouches(const Problem& problem) {
  for (int32_t id = 0; id < problem.num_touches(); ++id) {
    const Touch& touch = problem.touch(id);
    const Storage& storage = problem.storage(touch.storage);
    TouchPrices& prices = touches_[static_cast<size_t>(id)];
    const double bytes = static_cast<double>(storage.size_bytes);
    const int32_t after = id == storage.first_touch ? touch.time : problem.touch(id - 1).time + 1;
    prices.stay_cost = bytes * MemoryCost(after, touch.time);
    prices.copy_memory_cost = bytes * MemoryCost(prices.window, touch.time);
    const size_t from = static_cast<size_t>(prices.window), until = static_cast<size_t>(touch.time);
    const double idle = idle_before_[until] - idle_before_[from];
    const double hidden = std::min(idle, storage.copy_seconds);
    const double mean = idle > 0.0 ? (engine_before_[until] - engine_before_[from]) / idle : 0.0;
    prices.copy_engine_cost = hidden * mean + storage.copy_seconds - hidden;
  }
}

// The best choices of one storage at these prices; see the table at the head of the header.
void MemoryPrices::Choose(const Problem& problem, int32_t number) {
  const Storage& storage = problem.storage(number);
  const int32_t count = storage.num_touches, first = storage.first_touch;
  const auto eviction = [&](int32_t k) {  // of what touch k wrote; paid like a prefetch at the same place
    return storage.copy_seconds * engine_[static_cast<size_t>(problem.touch(first + k).time)];
  };
  std::array<double, kNumWheres> after{0.0, 0.0, 0.0, kForbidden};
  if (storage.is_output && count > 0) after[kUnsaved] = -eviction(count - 1);
  for (int32_t k = count - 1; k >= 0; --k) {
    const Touch& touch = problem.touch(first + k);
    TouchPrices& prices = touches_[static_cast<size_t>(first + k)];
    const double held = after[touch.writes ? kUnsaved : kClean];
    prices.continuation = held - after[kSlow];
    prices.slow_gain = after[kSlow];
    const double leave = k > 0 ? eviction(k - 1) : 0.0;
    const double slow = after[kSlow];
    const double copied = prices.benefit - prices.copy_memory_cost - prices.copy_engine_cost + held;
    const double stayed = prices.benefit - prices.stay_cost;
    double* gain = &gain_[static_cast<size_t>(first + k) * kNumWheres];
    gain[kSlow] = std::max(slow, copied);
    gain[kClean] = std::max(gain[kSlow], stayed + held);
    gain[kUnsaved] = std::max(gain[kSlow] - leave, stayed + after[kUnsaved]);
    gain[kNowhere] = std::max(slow, stayed + after[kUnsaved]);
    std::copy(gain, gain + kNumWheres, after.begin());
  }
  size_t where = storage.born_slow ? kSlow : kNowhere;
  for (int32_t k = 0; k < count; ++k) {
    const Touch& touch = problem.touch(first + k);
    const TouchPrices& prices = touches_[static_cast<size_t>(first + k)];
    const double* gain = &gain_[static_cast<size_t>(first + k) * kNumWheres];
    const bool ends = k + 1 == count;
    const double* next = ends ? nullptr : gain + kNumWheres;
    const double slow = ends ? 0.0 : next[kSlow];
    const double best = gain[where];
    const size_t held = touch.writes ? kUnsaved : (where == kUnsaved ? kUnsaved : kClean);
    const double unsaved_end = storage.is_output ? -eviction(k) : 0.0;
    const double after_stay = ends ? (held == kUnsaved ? unsaved_end : 0.0) : next[held];
    const double stayed = prices.benefit - prices.stay_cost + after_stay;
    uint8_t& chosen = chosen_[static_cast<size_t>(first + k)];
    if (where != kSlow && stayed >= best) {
      chosen = kStay;
      where = held;
      continue;
    }
    const double leave = where == kUnsaved ? eviction(k - 1) : 0.0;
    chosen = where == kNowhere || slow - leave >= best ? kFromSlow : kCopyIn;
    where = chosen == kFromSlow ? kSlow : (touch.writes ? kUnsaved : kClean);
  }
}

void MemoryPrices::Round(const Problem& problem, bool counts) {
  PriceTouches(problem);
  std::fill(load_change_.begin(), load_change_.end(), 0.0);
  std::fill(use_change_.begin(), use_change_.end(), 0.0);
  for (int32_t s = 0; s < problem.num_storages(); ++s) {
    const Storage& storage = problem.storage(s);
    if (!storage.tenant) continue;
    Choose(problem, s);
    const double bytes = static_cast<double>(storage.size_bytes);
    for (int32_t id = storage.first_touch; id < storage.first_touch + storage.num_touches; ++id) {
      const Touch& touch = problem.touch(id);
      TouchPrices& prices = touches_[static_cast<size_t>(id)];
      const uint8_t chosen = chosen_[static_cast<size_t>(id)];
      if (chosen == kFromSlow) continue;
      const bool begins = id == storage.first_touch;
      const int32_t stays_from = begins ? touch.time : problem.touch(id - 1).time + 1;
      const int32_t from = chosen == kStay ? stays_from : prices.window;
      load_change_[static_cast<size_t>(from)] += bytes;
      load_change_[static_cast<size_t>(touch.time) + 1] -= bytes;
      const double idle =
          idle_before_[static_cast<size_t>(touch.time)] - idle_before_[static_cast<size_t>(prices.window)];
      if (chosen == kCopyIn && idle > 0.0) {
        const double part = std::min(1.0, storage.copy_seconds / idle);
        use_change_[static_cast<size_t>(prices.window)] += part;
        use_change_[static_cast<size_t>(touch.time)] -= part;
      }
      if (!counts) continue;
      prices.fast_share += 1.0;
      prices.copy_share += chosen == kCopyIn ? 1.0 : 0.0;
    }
  }
}

}  // namespace memstow
