#include "memstow/trajectory_search.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace memstow {

namespace {

// Temperatures at the beginning and at the end, as parts of the program's mean seconds an instruction.
constexpr double kHot = 0.1, kCold = 0.0005;
// How evenly actions are drawn where a game leaves the current one.
constexpr double kDrawTemperature = 1.0;
// How often a change is ordered for some touches of a storage at once.
constexpr double kOrdered = 0.3;
// How often room is made for a copy.
constexpr double kMakesRoom = 0.15;
// Draws of a decision before doubt no longer counts, and the least doubt.
constexpr int32_t kDraws = 12;
constexpr float kLeastDoubt = 0.02F;
// Decisions after the last drawn one at which a new game is first compared with the current one, then every so many.
constexpr size_t kCompareAfter = 96, kCompareEvery = 32;
// A game is given up when it is so many temperatures slower than the current one was.
constexpr double kGiveUp = 6.0;
// Games of more decisions are swept; there a change is judged so many decisions after the last other action.
constexpr size_t kLongGame = 3000, kWindow = 128;
// Of a sweep: decisions from here to one that room is made for.
constexpr size_t kRoomAhead = 256;

}  // namespace

TrajectorySearch::TrajectorySearch(const Guide& guide, uint64_t seed)
    : guide_(&guide),
      state_(guide.observer().game()),
      random_(seed),
      next_(guide.observer().game().decisions().size()),
      seconds_at_(guide.observer().game().decisions().size() + 1),
      next_seconds_(seconds_at_.size()),
      doubt_(guide.observer().game().decisions().size(), 1.0F),
      differs_(static_cast<size_t>(guide.observer().game().problem().num_storages()), 0),
      scale_(guide.observer().game().slow_seconds() /
             std::max(1, guide.observer().game().problem().num_instructions())) {}

Advice TrajectorySearch::Ask() {
  ++num_asked_;
  return guide_->Ask(&state_, false);
}

void TrajectorySearch::Do(Action action) {
  state_.Apply(action);
  ++num_decisions_;
}

Action TrajectorySearch::Draw(const Advice& advice, double temperature) {
  if (temperature <= 0.0) return advice.Best();
  const std::array<double, kNumActions> parts = advice.Probabilities(temperature);
  double left = random_.Uniform();
  for (int32_t a = 0; a < kNumActions; ++a) {
    if (!advice.IsLegal(a)) continue;
    left -= parts[static_cast<size_t>(a)];
    if (left < 0.0) return static_cast<Action>(a);
  }
  return advice.Best();
}

// Doubt is what the guide would give to the other actions.
void TrajectorySearch::Note(const Advice& advice, Action action) {
  const double mine = advice.Probabilities(kDrawTemperature)[static_cast<size_t>(action)];
  doubt_[state_.NumDecided()] = std::max(kLeastDoubt, static_cast<float>(1.0 - mine));
}

// A game from the beginning, in which `choose` says what to do on some advice.
template <typename Choose>
void TrajectorySearch::PlayBy(Choose choose) {
  while (state_.NumDecided() > 0) state_.Undo();
  current_.clear();
  seconds_at_[0] = state_.Seconds();
  offset_ = 0.0;
  while (!state_.IsTerminal()) {
    const Advice advice = Ask();
    const Action action = choose(advice);
    Note(advice, action);
    Do(action);
    current_.push_back(action);
    seconds_at_[current_.size()] = state_.Seconds();
  }
  Keep();
}

void TrajectorySearch::Play(double temperature) {
  PlayBy([&](const Advice& advice) { return Draw(advice, temperature); });
}

void TrajectorySearch::Adopt(Span<uint8_t> actions) {
  PlayBy([&](const Advice& advice) {
    const size_t k = current_.size();
    const bool wished = k < actions.size() && actions[k] < kNumActions && advice.IsLegal(actions[k]);
    return wished ? static_cast<Action>(actions[k]) : advice.Best();
  });
}

void TrajectorySearch::Keep() {
  if (seconds_at_.back() >= best_seconds_) return;
  best_seconds_ = seconds_at_.back();
  best_ = current_;
}

int64_t TrajectorySearch::Improve(const GameSlice& slice) {
  using Clock = std::chrono::steady_clock;
  if (current_.empty()) return 0;
  const Clock::time_point begin = Clock::now();
  const bool timed = std::isfinite(slice.seconds);
  int64_t count = 0;
  double part = 0.0;
  for (; count < slice.iterations; ++count) {
    if (timed) {
      part = std::chrono::duration<double>(Clock::now() - begin).count() / slice.seconds;
      if (part >= 1.0) break;
    } else {
      part = static_cast<double>(count) / static_cast<double>(slice.iterations);
    }
    const double progress = slice.progress_from + part * (slice.progress_until - slice.progress_from);
    const double temperature = scale_ * kHot * std::pow(kCold / kHot, progress);
    if (current_.size() > kLongGame) {
      Sweep(temperature);
    } else {
      Iterate(temperature);
    }
  }
  return count;
}

void TrajectorySearch::Finish() {
  if (current_.empty()) return;
  while (!state_.IsTerminal()) Advance();
  offset_ = 0.0;
  Keep();
}

size_t TrajectorySearch::DrawDecision() {
  const int32_t count = static_cast<int32_t>(current_.size());
  size_t drawn = 0;
  for (int32_t tries = 0; tries < kDraws; ++tries) {
    drawn = static_cast<size_t>(random_.Below(count));
    if (random_.Uniform() < doubt_[drawn]) break;
  }
  return drawn;
}

void TrajectorySearch::Iterate(double temperature) {
  const size_t drawn = DrawDecision();
  room_ = random_.Chance(kMakesRoom) ? DrawRoom(drawn) : Room{};
  const size_t begin = room_.bytes > 0 ? FirstDecisionAt(room_.from) : drawn;
  while (state_.NumDecided() > begin) state_.Undo();
  if (Deviate(temperature, temperature, current_.size())) {
    Keep();
  } else {
    while (!state_.IsTerminal()) Do(current_[state_.NumDecided()]);
  }
}

// One change of a sweep. What is behind the state is current_, what is ahead was current_ before the changes behind.
void TrajectorySearch::Sweep(double temperature) {
  if (state_.IsTerminal()) {
    Finish();
    while (state_.NumDecided() > 0) state_.Undo();
  }
  while (!state_.IsTerminal() && random_.Uniform() >= doubt_[state_.NumDecided()]) Advance();
  if (state_.IsTerminal()) return;
  const size_t left = std::min(kRoomAhead, current_.size() - state_.NumDecided());
  const size_t ahead = state_.NumDecided() + static_cast<size_t>(random_.Below(static_cast<int32_t>(left)));
  room_ = random_.Chance(kMakesRoom) ? DrawRoom(ahead) : Room{};
  if (!Deviate(temperature, 0.0, kWindow)) Advance();
}

// One decision of a sweep: as in the current game or, where a change behind it made that illegal, by the best advice.
void TrajectorySearch::Advance() {
  const size_t at = state_.NumDecided();
  if (state_.TryApply(current_[at])) {
    ++num_decisions_;
  } else {
    current_[at] = Ask().Best();
    Do(current_[at]);
  }
  const double before = seconds_at_[at + 1];
  seconds_at_[at + 1] = state_.Seconds();
  offset_ = seconds_at_[at + 1] - before;
}

// Do something else now and follow the current game, for `window` decisions after the last other action. If that is
// accepted, slower by up to about `allowance`, it is the current game; otherwise the state is where it was.
bool TrajectorySearch::Deviate(double temperature, double allowance, size_t window) {
  const size_t begin = state_.NumDecided();
  const double limit = allowance * random_.Exponential();
  if (room_.bytes > 0) {
    order_ = DrawOrder(room_.decision);
    last_different_ = room_.decision;
  } else {
    Advice advice = Ask();
    Note(advice, current_[begin]);
    advice.legal &= ~(1U << static_cast<uint32_t>(current_[begin]));
    if (advice.legal == 0) return false;
    order_ = random_.Chance(kOrdered) ? DrawOrder(begin) : Order{};
    const Action ordered = IsOrdered(guide_->observer().game().decisions()[begin]) ? Obey() : current_[begin];
    Leave(ordered != current_[begin] ? ordered : Draw(advice, kDrawTemperature));
  }
  const bool followed = Follow(temperature, window);
  const size_t end = state_.NumDecided();
  if (followed && state_.Seconds() <= seconds_at_[end] + offset_ + limit) {
    const int64_t from = static_cast<int64_t>(begin), until = static_cast<int64_t>(end);
    offset_ = end == current_.size() ? 0.0 : state_.Seconds() - seconds_at_[end];
    std::copy(next_.begin() + from, next_.begin() + until, current_.begin() + from);
    std::copy(next_seconds_.begin() + from + 1, next_seconds_.begin() + until + 1, seconds_at_.begin() + from + 1);
    return true;
  }
  while (state_.NumDecided() > begin) state_.Undo();
  return false;
}

// For a decision that drops what might be copied: from about where the copy would hide.
TrajectorySearch::Room TrajectorySearch::DrawRoom(size_t decision) {
  const Game& game = guide_->observer().game();
  const int32_t id = game.decisions()[decision];
  const Touch& touch = game.problem().touch(id);
  const Storage& storage = game.problem().storage(touch.storage);
  if (current_[decision] != Action::kDrop || (id == storage.first_touch && !storage.born_slow)) return {};
  const double hides = touch.time - guide_->observer().prices().touch(id).window;
  const int32_t from = touch.time - static_cast<int32_t>(2.0 * random_.Uniform() * hides);
  return {storage.size_bytes, std::max(0, from), touch.time, decision};
}

size_t TrajectorySearch::FirstDecisionAt(int32_t time) const {
  const Game& game = guide_->observer().game();
  const auto is_before = [&](int32_t touch, int32_t t) { return game.problem().touch(touch).time < t; };
  const std::vector<int32_t>& all = game.decisions();
  return static_cast<size_t>(std::lower_bound(all.begin(), all.end(), time, is_before) - all.begin());
}

// Whether the last decision takes bytes that room is made of.
bool TrajectorySearch::TakesRoom(int32_t time) const {
  const FastMemory& memory = state_.memory();
  if (room_.bytes == 0 || time < room_.from || time >= room_.until) return false;
  return memory.PeakLoad(room_.from, time) > memory.capacity() - room_.bytes;
}

// The other memory than now, from a decision's touch to a later one of its storage: near ones are likelier.
TrajectorySearch::Order TrajectorySearch::DrawOrder(size_t at) {
  const Game& game = guide_->observer().game();
  const int32_t touch = game.decisions()[at], storage = game.problem().touch(touch).storage;
  const Storage& its = game.problem().storage(storage);
  const double left = its.first_touch + its.num_touches - touch;
  const int32_t count = static_cast<int32_t>(std::ceil(std::pow(left + 1.0, random_.Uniform())));
  return {storage, touch + count, current_[at] == Action::kDrop};
}

bool TrajectorySearch::IsOrdered(int32_t touch) const {
  return touch < order_.until && guide_->observer().game().problem().touch(touch).storage == order_.storage;
}

// What the order asks for at the decision that is due.
Action TrajectorySearch::Obey() {
  const uint32_t legal = state_.LegalActions();
  const auto is_legal = [legal](Action action) { return (legal >> static_cast<uint32_t>(action) & 1U) != 0; };
  if (order_.fast && is_legal(Action::kNoCopy)) return Action::kNoCopy;
  if (order_.fast && is_legal(Action::kCopy)) return Action::kCopy;
  return is_legal(Action::kDrop) ? Action::kDrop : Ask().Best();
}

// Do something, and remember where it is not what the current game does.
void TrajectorySearch::Leave(Action action) {
  const Game& game = guide_->observer().game();
  const size_t at = state_.NumDecided();
  const int32_t storage = game.problem().touch(game.decisions()[at]).storage;
  const bool differs = action != current_[at];
  if (differs && differs_[static_cast<size_t>(storage)] == 0) differing_.push_back(storage);
  differs_[static_cast<size_t>(storage)] = differs ? 1 : 0;
  if (differs) last_different_ = at;
  next_[at] = action;
  Do(action);
  next_seconds_[at + 1] = state_.Seconds();
}

// From the first other action on; false when the game was given up.
bool TrajectorySearch::Follow(double temperature, size_t window) {
  const Game& game = guide_->observer().game();
  const size_t begin = state_.NumDecided();
  const double reach = random_.Chance(0.3) ? 0.0 : 4.0 * std::exp2(4.0 * random_.Uniform());
  const bool makes_room = room_.bytes > 0;
  const size_t drawn_until = makes_room ? room_.decision : begin + static_cast<size_t>(reach * random_.Exponential());
  const double change = random_.Uniform();
  size_t compared = drawn_until + kCompareAfter;
  bool goes_on = true;
  while (goes_on && !state_.IsTerminal() && state_.NumDecided() <= std::max(drawn_until, last_different_) + window) {
    const size_t at = state_.NumDecided();
    const Touch& touch = game.problem().touch(game.decisions()[at]);
    const int32_t storage = touch.storage;
    const bool open = differs_[static_cast<size_t>(storage)] != 0;
    const bool drawn = !makes_room && at < drawn_until && random_.Chance(change);
    const Action same = current_[at];
    if (IsOrdered(game.decisions()[at])) {
      Leave(Obey());
    } else if (!open && !drawn && state_.TryApply(same)) {
      ++num_decisions_;
      next_[at] = same;
      next_seconds_[at + 1] = state_.Seconds();
    } else {
      Leave(Draw(Ask(), drawn ? kDrawTemperature : 0.0));
    }
    if (TakesRoom(touch.time)) {
      state_.Undo();
      Leave((state_.LegalActions() & 1U) != 0 ? Action::kDrop : next_[at]);
    }
    if (at >= compared) {
      compared += kCompareEvery;
      goes_on = state_.Seconds() <= seconds_at_[at + 1] + offset_ + kGiveUp * temperature;
    }
  }
  for (const int32_t storage : differing_) differs_[static_cast<size_t>(storage)] = 0;
  differing_.clear();
  return goes_on;
}

}  // namespace memstow
