#include <algorithm>

#include "memstow/search_schedule.h"

namespace memstow {

namespace {

// Copies are looked for this far from where they are due or ready: what is hidden is hidden much nearer.
constexpr int32_t kReach = 1024;

}  // namespace

void Transfers::Add(Transfer transfer) {
  for (int32_t k = 0; k < count; ++k) {
    const Transfer& known = items[static_cast<size_t>(k)];
    if (known.start == transfer.start && known.done == transfer.done) return;
  }
  if (static_cast<size_t>(count) < items.size()) items[static_cast<size_t>(count++)] = transfer;
}

bool SearchSchedule::FindWindow(const Run& run, Window* window) const {
  const Storage& storage = problem().storage(run.storage);
  const Span<Touch> touches = problem().touches(run.storage);
  const auto last_write = [this, &storage](int32_t touch) {
    return last_write_[static_cast<size_t>(storage.first_touch + touch)];
  };
  const auto time = [&touches](int32_t touch) { return touches[static_cast<size_t>(touch)].time; };
  const int32_t length = problem().num_instructions();
  int32_t earliest = run.first > 0 ? last_write(run.first - 1) + 1 : 0;
  int32_t room_until = length;
  // The neighbours suffice: an earlier stay has left, and written back, before the touches of the one after it.
  const std::vector<int32_t>& mine = stays_of(run.storage);
  const size_t next = StayFrom(run.storage, run.first);
  if (next > 0) {
    const PlacedStay& other = placed(mine[next - 1]);
    const int32_t back = other.stay.eviction.present() ? other.stay.eviction.done : 0;
    earliest = std::max({earliest, other.block.end + 1, back});
  }
  if (next < mine.size()) {
    const PlacedStay& other = placed(mine[next]);
    if (other.stay.first <= run.last) return false;
    room_until = std::min(room_until, other.block.start - 1);
  }
  window->served_from = time(run.first);
  window->served_until = time(run.last);
  window->prefetch_from = earliest;
  window->needs_prefetch = storage.born_slow || run.first > 0;
  if (window->needs_prefetch && earliest > window->served_from) return false;
  if (room_until < window->served_until) return false;
  const bool wanted = storage.is_output || run.last + 1 < storage.num_touches;
  window->needs_eviction = wanted && last_write(run.last) >= window->served_from;
  if (!window->needs_eviction) return true;
  window->eviction_from = last_write(run.last) + 1;
  window->eviction_until = run.last + 1 < storage.num_touches ? time(run.last + 1) : length;
  window->eviction_until = std::min(window->eviction_until, room_until);
  return window->eviction_from <= std::min(window->eviction_until, length - 1);
}

Transfers SearchSchedule::PrefetchTimes(const Run& run, const Window& window, Random* random) const {
  Transfers times;
  if (!window.needs_prefetch) {
    times.Add({});
    return times;
  }
  const auto add = [this, &times](int32_t start, int32_t done) {
    if (MayOpen(0, {start, done})) times.Add({start, done});
  };
  if (MayCrossProgram(run, window)) add(-1, 0);
  const int32_t done = window.served_from;
  const int32_t from = std::max(window.prefetch_from, done - kReach);
  const int32_t hidden = state_.LatestHiddenStart(from, done, problem().storage(run.storage).copy_seconds);
  if (random != nullptr && random->Chance(0.25)) {
    const int32_t reach = 2 + 2 * (done - hidden);
    const int32_t shift = static_cast<int32_t>(random->Exponential() * 0.25 * reach);
    add(random->Chance(0.5) ? std::max(from, hidden - shift) : std::min(done, hidden + shift), done);
  }
  add(hidden, done);
  add((hidden + done) / 2, done);
  add((hidden + 3 * done) / 4, done);
  return times;
}

Transfers SearchSchedule::EvictionTimes(const Run& run, const Window& window, Random* random) const {
  Transfers times;
  if (!window.needs_eviction) {
    times.Add({});
    return times;
  }
  const auto add = [this, &times](int32_t start, int32_t done) {
    if (MayOpen(1, {start, done})) times.Add({start, done});
  };
  const int32_t start = window.eviction_from;
  const int32_t until = std::min(window.eviction_until, start + kReach);
  const int32_t hidden = state_.EarliestHiddenDone(start, until, problem().storage(run.storage).copy_seconds);
  // The block is there until the last touch anyway.
  const int32_t least = std::max(start, std::min(window.served_until + 1, until));
  const int32_t done = std::max(hidden, least);
  if (random != nullptr && random->Chance(0.15)) {
    const int32_t reach = 2 + 2 * (done - start);
    add(start, std::max(least, std::min(until, done + static_cast<int32_t>(random->Exponential() * 0.25 * reach))));
  }
  add(start, done);
  add(start, std::max(least, (start + done) / 2));
  add(start, least);
  return times;
}

}  // namespace memstow
