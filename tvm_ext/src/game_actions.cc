/*!
 * What the actions of MallocGame do. A function that returns false may leave changes behind: its caller rolls back.
 */
#include <algorithm>
#include <array>

#include "memstow/game.h"

namespace memstow {

namespace {

constexpr int32_t kPrefetches = 0;
constexpr int32_t kEvictions = 1;
// Instructions before a touch in which its copy may begin early.
constexpr int32_t kLookBack = 1024;
// An eviction may begin after one 32nd, 8th or half of the time until it is due.
constexpr std::array<int32_t, 3> kLaterEvictions{32, 8, 2};
// In programs of more instructions it begins at once: games would take too long.
constexpr int32_t kMostInstructions = 10000;
// A program that is slower by a smaller part does not wait.
constexpr double kTolerance = 1e-12;

}  // namespace

bool GameState::AttemptDrop(const Subject& subject) {
  if (!Leave(subject)) return false;
  AccessSlowly(subject);
  return true;
}

bool GameState::AttemptNoCopy(const Subject& subject) {
  const int32_t resident = place(subject.storage).resident;
  if (resident != kNobody) return Extend(resident, subject.time, true) && AccessFast(subject, {});
  const bool is_produced = subject.index == 0 && !game_->problem().storage(subject.storage).born_slow;
  return is_produced && FitNew(subject, subject.time, true) && AccessFast(subject, {});
}

bool GameState::AttemptCopy(const Subject& subject) {
  // Without a first version there is nothing to copy.
  if (subject.index == 0 && !game_->problem().storage(subject.storage).born_slow) return false;
  const int64_t size = game_->problem().storage(subject.storage).size_bytes;
  const int32_t resident = place(subject.storage).resident;
  const FastMemory& memory = memory_.memory();
  const bool stays = resident != kNobody && memory.block(resident).end >= subject.time;
  if (!stays && memory.IsOverfull(size, subject.time, subject.time)) return false;  // else its own bytes suffice
  Transfer prefetch;
  return Leave(subject) && PlaceCopied(subject, &prefetch) && AccessFast(subject, prefetch);
}

// The storage's touches since it entered fast memory become slow ones. Its last write is then in slow memory.
void GameState::BackUp(const Subject& subject) {
  Place& here = place(subject.storage);
  const Residency gone = residency(here.resident);
  const int32_t first_touch = game_->problem().storage(subject.storage).first_touch;
  for (int32_t k = gone.first; k <= gone.last; ++k) schedule_.Remove(schedule_.ServedBy(first_touch + k));
  if (gone.prefetch.present()) CountOpen(kPrefetches, gone.prefetch, -1);
  memory_.Remove(here.resident);
  here.resident = kNobody;
  here.slow_from = gone.last_write + 1;
  AccessSlowly(subject);
}

// End the storage's stay in fast memory, if there is one, so that slow memory holds its data at the touch.
bool GameState::Leave(const Subject& subject) {
  Place& here = place(subject.storage);
  if (here.resident == kNobody) return true;
  if (here.slow_from == kInvalid && !Evict(here.resident, subject.time)) return false;
  here.fast_from = residency(here.resident).end + 1;
  here.resident = kNobody;
  return true;
}

void GameState::AccessSlowly(const Subject& subject) {
  if (subject.writes) place(subject.storage).slow_from = subject.time + 1;
}

bool GameState::AccessFast(const Subject& subject, const Transfer& prefetch) {
  Place& here = place(subject.storage);
  Residency& stay = residency(here.resident);
  stay.last = subject.index;
  if (subject.writes) {
    stay.last_write = subject.time;
    here.slow_from = kInvalid;
  }
  schedule_.Apply({subject.storage, subject.index, subject.index, prefetch, {}});
  const bool must_leave = subject.is_last && game_->problem().storage(subject.storage).is_output;
  return !must_leave || here.slow_from != kInvalid || Evict(here.resident, game_->problem().num_instructions());
}

// From the last write on. Copies run in the order of their starts: where the program has to wait, for this one or for
// others behind it, later starts are tried and the one that costs least is taken.
bool GameState::Evict(int32_t resident, int32_t deadline) {
  const int32_t from = residency(resident).last_write + 1;
  const int32_t latest = std::min(deadline, game_->problem().num_instructions() - 1);
  if (from > latest) return false;
  if (game_->problem().num_instructions() > kMostInstructions) return EvictFrom(from, resident, deadline);
  const Record before = Begin(residency(resident).storage);
  const double ideal = Seconds() * (1.0 + kTolerance);
  if (!EvictFrom(from, resident, deadline)) return false;
  double least = Seconds();
  int32_t chosen = from, tried = from;
  bool stands = true;
  for (const int32_t part : kLaterEvictions) {
    const int32_t start = std::min(from + (deadline - from) / part, latest);
    if (least <= ideal || start == tried) continue;
    tried = start;
    RollBack(before);
    stands = EvictFrom(start, resident, deadline) && Seconds() < least;
    if (!stands) continue;
    least = Seconds();
    chosen = start;
  }
  if (stands) return true;
  RollBack(before);
  return EvictFrom(chosen, resident, deadline);
}

// Done when it hides behind unused seconds, or earlier where the block cannot stay so long. The block is needed while
// the copy is open, and at its start.
bool GameState::EvictFrom(int32_t start, int32_t resident, int32_t deadline) {
  const Problem& problem = game_->problem();
  Residency& stay = residency(resident);
  const Storage& storage = problem.storage(stay.storage);
  const int32_t served_until = problem.touch(storage.first_touch + stay.last).time;
  const int32_t soon = std::max(start, std::min(served_until + 1, deadline));
  const int32_t hidden = std::max(soon, schedule_.EarliestHiddenDone(start, deadline, storage.copy_seconds));
  for (const bool repack : {false, true}) {
    int32_t no_room_until = -1;
    for (const int32_t done : {hidden, (soon + hidden) / 2, soon, start}) {
      const Transfer eviction{start, done};
      const int32_t end = std::max(start, done - 1);
      if (end == no_room_until || !MayOpen(kEvictions, eviction)) continue;
      if (!Extend(resident, end, repack)) {
        no_room_until = end;
        continue;
      }
      stay.eviction = eviction;
      CountOpen(kEvictions, eviction, 1);
      schedule_.Apply({stay.storage, 0, -1, {}, eviction});
      place(stay.storage).slow_from = done;
      return true;
    }
  }
  return false;
}

// Starts are tried from the best on: hidden as far as bytes are left, then ever later ones that need less room. Where
// even the first makes the program wait, the one that makes it wait least is taken: copies run in the order of their
// starts, so one that begins late may stand behind others, and one that begins early may hold others up.
bool GameState::PlaceCopied(const Subject& subject, Transfer* prefetch) {
  const int32_t t = subject.time;
  if (subject.index == 0 && game_->crosses_program(subject.storage)) {
    *prefetch = {-1, 0};
    if (TryCopied(subject, *prefetch, false) || TryCopied(subject, *prefetch, true)) return true;
  }
  const Place& here = place(subject.storage);
  const int32_t earliest = std::max(here.slow_from, here.fast_from);
  if (earliest > t) return false;
  const Storage& storage = game_->problem().storage(subject.storage);
  const int32_t hidden = schedule_.LatestHiddenStart(earliest, t, storage.copy_seconds);
  const int32_t best = memory_.memory().EarliestRoom(storage.size_bytes, hidden, t);
  if (best > t) return false;
  const Record before = Begin(subject.storage);
  const int32_t early = memory_.memory().EarliestRoom(storage.size_bytes, std::max(earliest, t - kLookBack), t);
  int32_t chosen = t + 1;
  double ideal = 0.0, least = 0.0;
  for (const int32_t start : {best, best + (t - best) / 2, best + (t - best) / 4 * 3, t, early}) {
    *prefetch = {start, t};
    if ((chosen <= t && start == chosen) || !TryCopied(subject, *prefetch, false)) continue;
    if (chosen > t) ideal = SecondsWith(subject, {}) * (1.0 + kTolerance);
    const double seconds = SecondsWith(subject, *prefetch);
    if (chosen > t || seconds < least) {
      chosen = start;
      least = seconds;
      if (least <= ideal) return true;
    }
    RollBack(before);
  }
  if (chosen <= t) {
    *prefetch = {chosen, t};
    return TryCopied(subject, *prefetch, false);
  }
  for (const int32_t start : {best, t}) {
    *prefetch = {start, t};
    if (TryCopied(subject, *prefetch, true)) return true;
    if (start == t) break;
  }
  return false;
}

double GameState::SecondsWith(const Subject& subject, const Transfer& prefetch) {
  schedule_.Apply({subject.storage, subject.index, subject.index, prefetch, {}});
  const double seconds = schedule_.TotalSeconds();
  schedule_.Undo();
  return seconds;
}

bool GameState::TryCopied(const Subject& subject, const Transfer& prefetch, bool repack) {
  if (!MayOpen(kPrefetches, prefetch) || !FitNew(subject, prefetch.start, repack)) return false;
  residencies_.back().prefetch = prefetch;
  CountOpen(kPrefetches, prefetch, 1);
  return true;
}

// A new residency from `start` to the touch.
bool GameState::FitNew(const Subject& subject, int32_t start, bool repack) {
  const int64_t size = game_->problem().storage(subject.storage).size_bytes;
  const int32_t id = static_cast<int32_t>(residencies_.size());
  RepackOptions options = game_->options().repack;
  options.move &= repack;
  if (memory_.Insert(id, size, start, subject.time, options) != InsertOutcome::kPlaced) return false;
  Residency stay;
  stay.storage = subject.storage;
  stay.first = stay.last = subject.index;
  stay.start = start;
  stay.end = subject.time;
  residencies_.push_back(stay);
  place(subject.storage).resident = id;
  return true;
}

bool GameState::Extend(int32_t resident, int32_t end, bool repack) {
  Residency& stay = residency(resident);
  if (end <= stay.end) return true;
  RepackOptions options = game_->options().repack;
  options.move &= repack;
  if (memory_.Extend(resident, end, options) != InsertOutcome::kPlaced) return false;
  stay.end = end;
  return true;
}

bool GameState::MayOpen(int32_t direction, const Transfer& transfer) const {
  if (open_.empty()) return true;
  const Hardware& hardware = game_->problem().hardware();
  const int32_t limit =
      direction == kPrefetches ? hardware.max_outstanding_prefetches : hardware.max_outstanding_evictions;
  const int32_t first = direction * game_->problem().num_instructions();
  for (int32_t t = std::max(0, transfer.start); t < transfer.done; ++t) {
    if (open_[static_cast<size_t>(first + t)] >= limit) return false;
  }
  return true;
}

void GameState::CountOpen(int32_t direction, const Transfer& transfer, int32_t sign) {
  if (open_.empty()) return;
  const int32_t first = direction * game_->problem().num_instructions();
  for (int32_t t = std::max(0, transfer.start); t < transfer.done; ++t) open_[static_cast<size_t>(first + t)] += sign;
  open_changes_.push_back({direction, transfer, sign});
}

}  // namespace memstow
