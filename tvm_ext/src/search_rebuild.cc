#include <algorithm>

#include "memstow/search.h"

namespace memstow {

namespace {

// Runs that are tried in the room that a rebuilt schedule leaves.
constexpr int32_t kFillTries = 256;
// Times that every wished stay is looked at again once all are there.
constexpr int32_t kSweeps = 2;

}  // namespace

bool SearchSchedule::AdoptAnywhere(const PlacedStay& wish) {
  const Run run{wish.stay.storage, wish.stay.first, wish.stay.last};
  Window window;
  if (!FindWindow(run, &window)) return false;
  PlacedStay placed = Assemble(run, window, wish.stay.prefetch, wish.stay.eviction);
  placed.block.offset = memory_.BestFit(placed.block.size, placed.block.start, placed.block.end);
  return placed.block.offset != FastMemory::kNoRoom && Adopt(placed);
}

bool SearchSchedule::Realise(const PlacedStay& wish) {
  const Run run{wish.stay.storage, wish.stay.first, wish.stay.last};
  Window window;
  if (!FindWindow(run, &window)) return false;
  Transfers prefetches, evictions;
  const Transfer &in = wish.stay.prefetch, &out = wish.stay.eviction;
  if (window.needs_prefetch && in.start >= 0) {
    const int32_t start = std::clamp(in.start, window.prefetch_from, window.served_from);
    if (MayOpen(0, {start, window.served_from})) prefetches.Add({start, window.served_from});
  }
  if (window.needs_eviction && out.present()) {
    const int32_t done = std::clamp(out.done, window.eviction_from, window.eviction_until);
    if (MayOpen(1, {window.eviction_from, done})) evictions.Add({window.eviction_from, done});
  }
  for (Transfer transfer : PrefetchTimes(run, window, nullptr)) prefetches.Add(transfer);
  for (Transfer transfer : EvictionTimes(run, window, nullptr)) evictions.Add(transfer);
  PlacedStay best;
  double best_seconds = 0.0;
  bool found = false;
  for (Transfer prefetch : prefetches) {
    for (Transfer eviction : evictions) {
      PlacedStay placed = Assemble(run, window, prefetch, eviction);
      placed.block.offset = memory_.BestFit(placed.block.size, placed.block.start, placed.block.end);
      if (placed.block.offset == FastMemory::kNoRoom) continue;
      const size_t mark = Mark();
      Apply(placed);
      const double seconds = TotalSeconds();
      UndoTo(mark);
      if (found && seconds >= best_seconds) continue;
      found = true;
      best = placed;
      best_seconds = seconds;
    }
  }
  if (found) Apply(best);
  return found;
}

int64_t Search::Rebuild(const std::vector<PlacedStay>& kept, const std::vector<PlacedStay>& wished) {
  Clear();
  for (const PlacedStay& placed : kept) schedule_.Adopt(placed);
  int64_t taken = 0;
  from_ = schedule_.problem().num_instructions();
  until_ = -1;
  for (const PlacedStay& wish : wished) {
    if (!schedule_.Adopt(wish) && !schedule_.AdoptAnywhere(wish) && !schedule_.Realise(wish)) continue;
    ++taken;
    const Block& block = schedule_.placed(schedule_.active().back()).block;
    from_ = std::min(from_, block.start);
    until_ = std::max(until_, block.end);
  }
  schedule_.Commit();
  for (int32_t sweep = 0; sweep < kSweeps; ++sweep) {
    bool better = Fill();
    for (const PlacedStay& wish : wished) better |= Reconsider(wish);
    if (!better) break;
  }
  schedule_.Commit();
  Keep();
  return taken;
}

bool Search::Reconsider(const PlacedStay& wish) {
  const std::vector<int32_t>& all = schedule_.stays_of(wish.stay.storage);
  const auto same = [this, &wish](int32_t id) { return schedule_.placed(id).stay.first == wish.stay.first; };
  const auto at = std::find_if(all.begin(), all.end(), same);
  const double before = schedule_.TotalSeconds();
  const size_t start = schedule_.Mark();
  double without = before;
  PlacedStay again = wish;
  if (at != all.end()) {
    again = schedule_.placed(*at);
    schedule_.Remove(*at);
    without = schedule_.TotalSeconds();
  }
  const size_t removed = schedule_.Mark();
  if (schedule_.Realise(again) && schedule_.TotalSeconds() < std::min(before, without)) {
    schedule_.Commit();
    return true;
  }
  schedule_.UndoTo(removed);
  if (without < before) {
    schedule_.Commit();
    return true;
  }
  schedule_.UndoTo(start);
  return false;
}

bool Search::Fill() {
  const double before = schedule_.TotalSeconds();
  Placement queue(&schedule_, Tastes()[0]);
  const Problem& problem = schedule_.problem();
  for (int32_t t = from_; t <= until_; ++t) {
    for (int32_t id : problem.touches_at(t)) {
      const Touch& touch = problem.touch(id);
      const Storage& storage = problem.storage(touch.storage);
      if (!storage.tenant || schedule_.state().ServedBy(id) != ScheduleState::kNobody) continue;
      const Run gap = schedule_.Gap(touch.storage, id - storage.first_touch, problem.num_instructions());
      // Each gap once: at its first touch in these times.
      const bool seen = gap.first + storage.first_touch < id && problem.touch(id - 1).time >= from_;
      if (!seen) queue.Push(gap);
    }
  }
  queue.Place(kFillTries, {});
  return schedule_.TotalSeconds() < before;
}

}  // namespace memstow
