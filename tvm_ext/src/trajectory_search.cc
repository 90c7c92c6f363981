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
// Draws of a decision before doubt no longer counts, and the least doubt.
constexpr int32_t kDraws = 12;
constexpr float kLeastDoubt = 0.02F;
// Decisions after the last drawn one at which a new game is first compared with the current one, then every so many.
constexpr size_t kCompareAfter = 96, kCompareEvery = 32;
// A game is given up when it is so many temperatures slower than the current one was.
constexpr double kGiveUp = 6.0;

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

void TrajectorySearch::Play(double temperature) {
  while (state_.NumDecided() > 0) state_.Undo();
  current_.clear();
  seconds_at_[0] = state_.Seconds();
  while (!state_.IsTerminal()) {
    const Advice advice = Ask();
    const Action action = Draw(advice, temperature);
    Note(advice, action);
    Do(action);
    current_.push_back(action);
    seconds_at_[current_.size()] = state_.Seconds();
  }
  Keep();
}

void TrajectorySearch::Adopt(Span<uint8_t> actions) {
  while (state_.NumDecided() > 0) state_.Undo();
  current_.clear();
  seconds_at_[0] = state_.Seconds();
  while (!state_.IsTerminal()) {
    const Advice advice = Ask();
    const size_t k = current_.size();
    const bool wished = k < actions.size() && actions[k] < kNumActions && advice.IsLegal(actions[k]);
    const Action action = wished ? static_cast<Action>(actions[k]) : advice.Best();
    Note(advice, action);
    Do(action);
    current_.push_back(action);
    seconds_at_[current_.size()] = state_.Seconds();
  }
  Keep();
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
    Iterate(scale_ * kHot * std::pow(kCold / kHot, progress));
  }
  return count;
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
  const size_t begin = DrawDecision();
  while (state_.NumDecided() > begin) state_.Undo();
  Advice advice = Ask();
  Note(advice, current_[begin]);
  advice.legal &= ~(1U << static_cast<uint32_t>(current_[begin]));
  const double limit = seconds_at_.back() + temperature * random_.Exponential();
  if (advice.legal != 0) {
    Leave(Draw(advice, kDrawTemperature));
    if (Follow(temperature) && state_.Seconds() <= limit) {
      std::copy(next_.begin() + static_cast<int64_t>(begin), next_.end(), current_.begin() + static_cast<int64_t>(begin));
      seconds_at_.swap(next_seconds_);
      std::copy(next_seconds_.begin(), next_seconds_.begin() + static_cast<int64_t>(begin) + 1, seconds_at_.begin());
      Keep();
      return;
    }
    while (state_.NumDecided() > begin) state_.Undo();
  }
  while (!state_.IsTerminal()) Do(current_[state_.NumDecided()]);
}

// Do something, and remember where it is not what the current game does.
void TrajectorySearch::Leave(Action action) {
  const Game& game = guide_->observer().game();
  const size_t at = state_.NumDecided();
  const int32_t storage = game.problem().touch(game.decisions()[at]).storage;
  const bool differs = action != current_[at];
  if (differs && differs_[static_cast<size_t>(storage)] == 0) differing_.push_back(storage);
  differs_[static_cast<size_t>(storage)] = differs ? 1 : 0;
  next_[at] = action;
  Do(action);
  next_seconds_[at + 1] = state_.Seconds();
}

// From the first new decision to the end; false when the game was given up.
bool TrajectorySearch::Follow(double temperature) {
  const Game& game = guide_->observer().game();
  const size_t begin = state_.NumDecided();
  const double reach = random_.Chance(0.3) ? 0.0 : 4.0 * std::exp2(4.0 * random_.Uniform());
  const size_t drawn_until = begin + static_cast<size_t>(reach * random_.Exponential());
  const double change = random_.Uniform();
  size_t compared = drawn_until + kCompareAfter;
  bool goes_on = true;
  while (goes_on && !state_.IsTerminal()) {
    const size_t at = state_.NumDecided();
    const int32_t storage = game.problem().touch(game.decisions()[at]).storage;
    const bool open = differs_[static_cast<size_t>(storage)] != 0;
    const bool drawn = at < drawn_until && random_.Chance(change);
    const Action same = current_[at];
    if (!open && !drawn && state_.TryApply(same)) {
      ++num_decisions_;
      next_[at] = same;
      next_seconds_[at + 1] = state_.Seconds();
    } else {
      Leave(Draw(Ask(), drawn ? kDrawTemperature : 0.0));
    }
    if (at >= compared) {
      compared += kCompareEvery;
      goes_on = state_.Seconds() <= seconds_at_[at + 1] + kGiveUp * temperature;
    }
  }
  for (const int32_t storage : differing_) differs_[static_cast<size_t>(storage)] = 0;
  differing_.clear();
  return goes_on;
}

}  // namespace memstow
