#include "memstow/game.h"

#include <tvm/ffi/error.h>

#include <algorithm>

namespace memstow {

namespace {

const char* NameOf(Action action) {
  switch (action) {
    case Action::kDrop:
      return "drop";
    case Action::kNoCopy:
      return "no-copy";
    default:
      return "copy";
  }
}

}  // namespace

Game::Game(const Problem& problem, GameOptions options)
    : problem_(&problem),
      options_(std::move(options)),
      crosses_(static_cast<size_t>(problem.num_storages()), 0),
      slow_seconds_(ScheduleState(problem).TotalSeconds()) {
  for (int32_t t = 0; t < problem.num_instructions(); ++t) {
    for (int32_t id : problem.touches_at(t)) {
      if (problem.storage(problem.touch(id).storage).tenant) decisions_.push_back(id);
    }
  }
  const size_t limit = static_cast<size_t>(std::max(0, problem.hardware().max_cross_program_prefetches));
  if (options_.cross_program.size() > limit) {
    TVM_FFI_THROW(ValueError) << "expected at most " << limit << " storages to prefetch before the program, found "
                              << options_.cross_program.size() << "; raise max_cross_program_prefetches";
  }
  for (int32_t s : options_.cross_program) {
    const bool known = s >= 0 && s < problem.num_storages();
    if (!known || !problem.storage(s).tenant || !problem.storage(s).born_slow) {
      TVM_FFI_THROW(ValueError) << "storage " << s << ": expected one that exists before the program and can be placed";
    }
    crosses_[static_cast<size_t>(s)] = 1;
  }
}

GameState::GameState(const Game& game)
    : game_(&game),
      schedule_(game.problem()),
      memory_(game.problem().hardware().capacity_bytes, game.problem().hardware().alignment_bytes,
              game.problem().num_instructions()),
      places_(static_cast<size_t>(game.problem().num_storages())) {
  const Problem& problem = game.problem();
  for (int32_t s = 0; s < problem.num_storages(); ++s) {
    if (problem.storage(s).born_slow) place(s).slow_from = 0;
  }
  const Hardware& hardware = problem.hardware();
  const bool limited = hardware.max_outstanding_prefetches != Hardware::kUnlimited ||
                       hardware.max_outstanding_evictions != Hardware::kUnlimited;
  if (limited) open_.assign(2 * static_cast<size_t>(problem.num_instructions()), 0);
}

int32_t GameState::CurrentTouch() const {
  if (IsTerminal()) TVM_FFI_THROW(ValueError) << "the game is over after " << NumDecided() << " decisions";
  return game_->decisions()[NumDecided()];
}

GameState::Subject GameState::Current() const {
  const int32_t id = CurrentTouch();
  const Touch& touch = game_->problem().touch(id);
  const Storage& storage = game_->problem().storage(touch.storage);
  const int32_t index = id - storage.first_touch;
  return {touch.storage, index, touch.time, touch.writes, index + 1 == storage.num_touches};
}

GameState::Record GameState::Begin(int32_t storage) const {
  const Place& place = places_[static_cast<size_t>(storage)];
  Record record{Action::kDrop,       false, storage, place, {}, residencies_.size(), schedule_.Mark(), memory_.Mark(),
                open_changes_.size()};
  if (place.resident != kNobody) record.resident = residencies_[static_cast<size_t>(place.resident)];
  return record;
}

void GameState::RollBack(const Record& record) {
  place(record.storage) = record.place;
  if (record.place.resident != kNobody) residency(record.place.resident) = record.resident;
  residencies_.resize(record.num_residencies);
  schedule_.UndoTo(record.schedule_mark);
  memory_.UndoTo(record.memory_mark);
  while (open_changes_.size() > record.open_mark) {
    const OpenChange change = open_changes_.back();
    CountOpen(change.direction, change.transfer, -change.sign);
    open_changes_.resize(open_changes_.size() - 2);  // the change and what undid it
  }
}

bool GameState::Attempt(Action action, const Subject& subject) {
  switch (action) {
    case Action::kDrop:
      return AttemptDrop(subject);
    case Action::kNoCopy:
      return AttemptNoCopy(subject);
    default:
      return AttemptCopy(subject);
  }
}

bool GameState::TryApply(Action action) {
  const Subject subject = Current();
  Record record = Begin(subject.storage);
  const double before = Seconds();
  bool done = Attempt(action, subject);
  if (!done) RollBack(record);
  if (!done && action == Action::kDrop) {
    // What cannot leave fast memory cannot be copied back either.
    const bool may_stay = AttemptNoCopy(subject);
    RollBack(record);
    if (may_stay) return false;
    BackUp(subject);
    record.backup = done = true;
  } else if (action == Action::kDrop && Seconds() > before) {
    record.backup = BackUpIfFaster(record, subject);
  }
  if (!done) return false;
  record.action = action;
  num_backups_ += record.backup;
  records_.push_back(record);
  return true;
}

// A drop for which the program waits has evicted data. Never to have had it in fast memory may cost less.
bool GameState::BackUpIfFaster(const Record& record, const Subject& subject) {
  const double evicted = Seconds();
  RollBack(record);
  BackUp(subject);
  if (Seconds() < evicted) return true;
  RollBack(record);
  AttemptDrop(subject);
  return false;
}

void GameState::Apply(Action action) {
  if (static_cast<int32_t>(action) >= kNumActions) {
    TVM_FFI_THROW(ValueError) << "expected an action below " << kNumActions << ", found " << static_cast<int>(action);
  }
  const Subject subject = Current();
  if (TryApply(action)) return;
  TVM_FFI_THROW(ValueError) << "decision " << NumDecided() << " (storage " << subject.storage << ", time "
                            << subject.time << "): " << NameOf(action) << " is illegal; choose one of legal_actions()";
}

void GameState::Undo() {
  if (records_.empty()) TVM_FFI_THROW(ValueError) << "nothing to undo: no decision has been made";
  num_backups_ -= records_.back().backup;
  RollBack(records_.back());
  records_.pop_back();
}

uint32_t GameState::LegalActions() {
  uint32_t mask = 0;
  if (IsTerminal()) return mask;
  const Subject subject = Current();
  const Record record = Begin(subject.storage);
  for (const Action action : {Action::kDrop, Action::kNoCopy, Action::kCopy}) {
    if (action == Action::kCopy && (mask & 1U) == 0) break;  // what cannot leave cannot be copied back either
    if (Attempt(action, subject)) mask |= 1U << static_cast<uint32_t>(action);
    RollBack(record);
  }
  return mask == 0 ? 1U << static_cast<uint32_t>(Action::kDrop) : mask;
}

// Drawing without replacement until one is legal draws evenly from the legal ones, and asks only about those drawn.
void GameState::ApplyRandomly(std::mt19937_64* random) {
  Action left[kNumActions] = {Action::kDrop, Action::kNoCopy, Action::kCopy};
  uint64_t bits = (*random)();
  for (uint64_t count = kNumActions; count > 0; --count) {
    Action& drawn = left[bits % count];
    bits /= count;
    if (TryApply(drawn)) return;
    drawn = left[count - 1];
  }
}

void GameState::PlayRandomly(std::mt19937_64* random) {
  while (!IsTerminal()) ApplyRandomly(random);
}

std::string GameState::History() const {
  std::string digits;
  for (const Record& record : records_) digits.push_back(static_cast<char>('0' + static_cast<int>(record.action)));
  return digits;
}

std::vector<Residency> GameState::Residencies() const {
  std::vector<Residency> all;
  for (size_t id = 0; id < residencies_.size(); ++id) {
    if (!memory_.Contains(static_cast<int32_t>(id))) continue;
    all.push_back(residencies_[id]);
    all.back().offset = memory_.block(static_cast<int32_t>(id)).offset;
  }
  return all;
}

}  // namespace memstow
