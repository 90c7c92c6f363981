#include "memstow/search_construct.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace memstow {

namespace {

// A rank that fell by more than this part since it was queued is queued again.
constexpr double kStale = 1e-3;

}  // namespace

const std::vector<Taste>& Tastes() {
  static const std::vector<Taste> tastes = {
      {}, {0.1, 0.1, 0.3, 0.0}, {0.1, 0.5, 0.5, 0.5}, {0.1, 0.1, 1.0, 1.0}, {0.1, 0.5, 0.0, 0.0}, {0.1, 0.5, 1.0, 0.0},
  };
  return tastes;
}

double Rank(const SearchSchedule& schedule, const Run& run, const Taste& taste) {
  const Problem& problem = schedule.problem();
  const Storage& storage = problem.storage(run.storage);
  const Span<Touch> touches = problem.touches(run.storage);
  const Saving saving = schedule.SavingOf(run);
  double value = saving.seconds;
  Window window;
  if (!schedule.FindWindow(run, &window)) return -1.0;
  if (window.needs_prefetch || window.needs_eviction) value *= taste.copy_weight;
  value += taste.idle_weight * saving.idle;
  if (value <= 0.0) return value;
  const double length = touches[static_cast<size_t>(run.last)].time - touches[static_cast<size_t>(run.first)].time + 1;
  const double size = static_cast<double>(storage.size_bytes);
  return value / (std::pow(size, taste.size_power) * std::pow(length, taste.length_power));
}

int32_t CutOf(const Problem& problem, const Run& run) {
  const Span<Touch> touches = problem.touches(run.storage);
  int32_t cut = run.first + 1, longest = -1;
  for (int32_t k = run.first + 1; k <= run.last; ++k) {
    const int32_t pause = touches[static_cast<size_t>(k)].time - touches[static_cast<size_t>(k) - 1].time;
    if (pause >= longest) {
      longest = pause;
      cut = k;
    }
  }
  return cut;
}

bool Placement::Less(const Entry& a, const Entry& b) {
  const auto key = [](const Entry& entry) {
    return std::make_tuple(entry.rank, -entry.run.storage, -entry.run.first, -entry.run.last);
  };
  return key(a) < key(b);
}

void Placement::Push(const Run& run, double factor) {
  const double rank = Rank(*schedule_, run, taste_) * factor;
  if (!(rank > 0.0)) return;
  queue_.push_back({rank, factor, run});
  std::push_heap(queue_.begin(), queue_.end(), Less);
}

void Placement::Place(int32_t tries, const Tactics& tactics) {
  for (; tries > 0 && !queue_.empty(); --tries) {
    std::pop_heap(queue_.begin(), queue_.end(), Less);
    const Entry entry = queue_.back();
    queue_.pop_back();
    if (Rank(*schedule_, entry.run, taste_) * entry.factor < entry.rank * (1.0 - kStale)) {
      Push(entry.run, entry.factor);
    } else if (schedule_->TryPlace(entry.run, tactics) != Outcome::kPlaced && entry.run.first < entry.run.last) {
      const int32_t cut = CutOf(schedule_->problem(), entry.run);
      Push({entry.run.storage, entry.run.first, cut - 1}, entry.factor);
      Push({entry.run.storage, cut, entry.run.last}, entry.factor);
    }
  }
}

std::vector<Run> Unplaced(const SearchSchedule& schedule) {
  std::vector<Run> runs;
  const Problem& problem = schedule.problem();
  for (int32_t s = 0; s < problem.num_storages(); ++s) {
    const Storage& storage = problem.storage(s);
    if (!storage.tenant) continue;
    for (int32_t first = 0; first < storage.num_touches; ++first) {
      if (schedule.IsServed(s, first)) continue;
      runs.push_back(schedule.Gap(s, first, std::numeric_limits<int32_t>::max()));
      first = runs.back().last;
    }
  }
  return runs;
}

}  // namespace memstow
