#include "memstow/search_schedule.h"

#include <algorithm>

namespace memstow {

namespace {

// Differences of total seconds below this part of the total are rounding.
constexpr double kRounding = 1e-12;

}  // namespace

SearchSchedule::SearchSchedule(const Problem& problem)
    : state_(problem),
      memory_(problem.hardware().capacity_bytes, problem.hardware().alignment_bytes, problem.num_instructions()),
      stays_of_(static_cast<size_t>(problem.num_storages())),
      is_changed_(static_cast<size_t>(problem.num_storages()), 0),
      last_write_(static_cast<size_t>(problem.num_touches()), -1),
      limits_{problem.hardware().max_outstanding_prefetches, problem.hardware().max_outstanding_evictions} {
  for (size_t k = 0; k < 2; ++k) {
    if (limits_[k] != Hardware::kUnlimited) open_[k].resize(static_cast<size_t>(problem.num_instructions()) + 1);
  }
  for (int32_t id = 0; id < problem.num_touches(); ++id) {
    const Touch& touch = problem.touch(id);
    const bool continues = id > problem.storage(touch.storage).first_touch;
    const int32_t before = continues ? last_write_[static_cast<size_t>(id) - 1] : -1;
    last_write_[static_cast<size_t>(id)] = touch.writes ? touch.time : before;
  }
}

std::vector<PlacedStay> SearchSchedule::Snapshot() const {
  std::vector<PlacedStay> all;
  all.reserve(active_.size());
  for (const std::vector<int32_t>& mine : stays_of_) {
    for (int32_t id : mine) all.push_back(placed(id));
  }
  return all;
}

void SearchSchedule::NoteChanged(int32_t storage) {
  uint8_t& changed = is_changed_[static_cast<size_t>(storage)];
  if (changed == 0) changed_storages_.push_back(storage);
  changed = 1;
}

void SearchSchedule::ForgetChanged() {
  for (int32_t storage : changed_storages_) is_changed_[static_cast<size_t>(storage)] = 0;
  changed_storages_.clear();
}

size_t SearchSchedule::StayFrom(int32_t storage, int32_t touch) const {
  const std::vector<int32_t>& mine = stays_of(storage);
  const auto at = std::lower_bound(mine.begin(), mine.end(), touch,
                                   [this](int32_t id, int32_t first) { return placed(id).stay.last < first; });
  return static_cast<size_t>(at - mine.begin());
}

Saving SearchSchedule::SavingOf(const Run& run) const {
  Saving saving;
  const int32_t base = problem().storage(run.storage).first_touch;
  for (int32_t id = base + run.first; id <= base + run.last; ++id) {
    const Touch& touch = problem().touch(id);
    FastSet fast = state_.fast(touch.time);
    fast.Insert(touch);
    const Price price = problem().costs().At(touch.time, fast);
    const Price now = state_.price(touch.time);
    saving.seconds += now.elapsed - price.elapsed;
    saving.idle += price.idle - now.idle;
  }
  return saving;
}

double SearchSchedule::Worth(int32_t id) const {
  double worth = 0.0;
  const Run run = this->run(id);
  const int32_t base = problem().storage(run.storage).first_touch;
  for (int32_t k = base + run.first; k <= base + run.last; ++k) {
    const Touch& touch = problem().touch(k);
    FastSet fast = state_.fast(touch.time);
    fast.Erase(touch);
    worth += problem().costs().At(touch.time, fast).elapsed - state_.price(touch.time).elapsed;
  }
  return worth;
}

Run SearchSchedule::Gap(int32_t storage, int32_t touch, int32_t reach) const {
  Run gap{storage, touch, touch};
  const int32_t count = problem().storage(storage).num_touches;
  while (gap.first > 0 && touch - gap.first < reach && !IsServed(storage, gap.first - 1)) --gap.first;
  while (gap.last + 1 < count && gap.last - touch < reach && !IsServed(storage, gap.last + 1)) ++gap.last;
  return gap;
}

PlacedStay SearchSchedule::Assemble(const Run& run, const Window& window, Transfer prefetch, Transfer eviction) const {
  PlacedStay placed;
  placed.stay = {run.storage, run.first, run.last, prefetch, eviction};
  placed.block.size = problem().storage(run.storage).size_bytes;
  // A block that lies there before the program begins is in the way from time 0 on.
  placed.block.start = prefetch.present() ? std::max(prefetch.start, 0) : window.served_from;
  placed.block.end = window.served_until;
  if (eviction.present()) placed.block.end = std::max({window.served_until, eviction.start, eviction.done - 1});
  return placed;
}

Outcome SearchSchedule::TryPlace(const Run& run, const Tactics& tactics) {
  Window window;
  if (!FindWindow(run, &window)) return Outcome::kForbidden;
  const double before = TotalSeconds();
  const double rounding = kRounding * before;
  const bool copies = window.needs_prefetch || window.needs_eviction;
  const Saving saving = SavingOf(run);
  if (saving.seconds <= rounding && (copies || saving.seconds < -rounding || saving.idle <= rounding)) {
    return Outcome::kNoGain;
  }
  const Transfers prefetches = PrefetchTimes(run, window, tactics.random);
  const Transfers evictions = EvictionTimes(run, window, tactics.random);
  const bool high = tactics.random != nullptr && tactics.random->Chance(0.5);
  Outcome outcome = Outcome::kForbidden;
  for (int32_t p = 0; p < prefetches.count; ++p) {
    for (int32_t e = 0; e < evictions.count; ++e) {
      PlacedStay placed =
          Assemble(run, window, prefetches.items[static_cast<size_t>(p)], evictions.items[static_cast<size_t>(e)]);
      placed.block.offset = memory_.BestFit(placed.block.size, placed.block.start, placed.block.end, high);
      outcome = Outcome::kNoRoom;
      if (placed.block.offset == FastMemory::kNoRoom) continue;
      const size_t mark = Mark();
      Apply(placed);
      const double limit = before + tactics.tolerance + (copies ? -rounding : rounding);
      if (TotalSeconds() <= limit) return Outcome::kPlaced;
      UndoTo(mark);
      return Outcome::kNoGain;  // the times that come next stall more
    }
  }
  return outcome;
}

bool SearchSchedule::Adopt(const PlacedStay& placed) {
  const Run run{placed.stay.storage, placed.stay.first, placed.stay.last};
  Window window;
  if (!FindWindow(run, &window)) return false;
  const Transfer &in = placed.stay.prefetch, &out = placed.stay.eviction;
  if (in.present() != window.needs_prefetch || out.present() != window.needs_eviction) return false;
  if (in.present()) {
    if (in.start == -1 && !MayCrossProgram(run, window)) return false;
    if (in.start != -1 && in.start < window.prefetch_from) return false;
    if (in.done < in.start || in.done > window.served_from || !MayOpen(0, in)) return false;
  }
  if (out.present()) {
    if (out.start < window.eviction_from || out.start >= problem().num_instructions()) return false;
    if (out.done < out.start || out.done > window.eviction_until || !MayOpen(1, out)) return false;
  }
  PlacedStay whole = Assemble(run, window, in, out);
  whole.block.offset = placed.block.offset;
  const int64_t low = whole.block.offset;
  if (low < 0 || low != memory_.AlignUp(low)) return false;
  if (!memory_.IsFree(low, whole.block.size, whole.block.start, whole.block.end)) return false;
  Apply(whole);
  return true;
}

int32_t SearchSchedule::Apply(const PlacedStay& placed) {
  const int32_t id = state_.Apply(placed.stay);
  Insert(id, placed);
  changes_.push_back({placed, id, true});
  return id;
}

void SearchSchedule::Remove(int32_t id) {
  state_.Remove(id);
  changes_.push_back({placed(id), id, false});
  Erase(id);
}

void SearchSchedule::UndoTo(size_t mark) {
  while (changes_.size() > mark) {
    const Change change = changes_.back();
    changes_.pop_back();
    state_.Undo();
    if (change.applied) {
      Erase(change.id);
    } else {
      Insert(change.id, change.placed);
    }
  }
}

void SearchSchedule::Commit() {
  state_.Commit();
  changes_.clear();
}

void SearchSchedule::Insert(int32_t id, const PlacedStay& placed) {
  if (static_cast<size_t>(id) >= placed_.size()) {
    placed_.resize(static_cast<size_t>(id) + 1);
    position_.resize(static_cast<size_t>(id) + 1);
  }
  placed_[static_cast<size_t>(id)] = placed;
  position_[static_cast<size_t>(id)] = active_.size();
  active_.push_back(id);
  std::vector<int32_t>& mine = stays_of_[static_cast<size_t>(placed.stay.storage)];
  mine.insert(mine.begin() + static_cast<std::ptrdiff_t>(StayFrom(placed.stay.storage, placed.stay.first)), id);
  memory_.Place(id, placed.block);
  CountOpen(placed.stay, 1);
  NoteChanged(placed.stay.storage);
}

void SearchSchedule::Erase(int32_t id) {
  const PlacedStay& gone = placed(id);
  active_[position_[static_cast<size_t>(id)]] = active_.back();
  position_[static_cast<size_t>(active_.back())] = position_[static_cast<size_t>(id)];
  active_.pop_back();
  std::vector<int32_t>& mine = stays_of_[static_cast<size_t>(gone.stay.storage)];
  mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(StayFrom(gone.stay.storage, gone.stay.first)));
  memory_.Remove(id);
  CountOpen(gone.stay, -1);
  NoteChanged(gone.stay.storage);
}

void SearchSchedule::CountOpen(const Stay& stay, int32_t by) {
  if (stay.prefetch.start == -1) cross_program_ += by;
  const std::array<Transfer, 2> transfers{stay.prefetch, stay.eviction};
  for (size_t k = 0; k < 2; ++k) {
    if (open_[k].empty() || !transfers[k].present()) continue;
    for (int32_t t = std::max(0, transfers[k].start); t < transfers[k].done; ++t)
      open_[k][static_cast<size_t>(t)] += by;
  }
}

bool SearchSchedule::MayOpen(size_t direction, const Transfer& transfer) const {
  if (open_[direction].empty()) return true;
  for (int32_t t = std::max(0, transfer.start); t < transfer.done; ++t) {
    if (open_[direction][static_cast<size_t>(t)] >= limits_[direction]) return false;
  }
  return true;
}

bool SearchSchedule::MayCrossProgram(const Run& run, const Window& window) const {
  return cross_program_ < problem().hardware().max_cross_program_prefetches &&
         problem().storage(run.storage).born_slow && window.needs_prefetch && window.prefetch_from == 0;
}

}  // namespace memstow
