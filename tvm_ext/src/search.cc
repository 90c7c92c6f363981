#include "memstow/search.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace memstow {

Search::Search(const Problem& problem, uint64_t seed, const Annealing& annealing)
    : schedule_(problem),
      random_(seed),
      annealing_(annealing),
      scale_(schedule_.TotalSeconds() / std::max(1, problem.num_instructions())),
      construction_(&schedule_, Tastes()[0]),
      best_(static_cast<size_t>(problem.num_storages())),
      best_seconds_(schedule_.TotalSeconds()) {
  for (int32_t id = 0; id < problem.num_touches(); ++id) {
    if (problem.storage(problem.touch(id).storage).tenant) touches_.push_back(id);
  }
}

void Search::Keep() {
  if (schedule_.TotalSeconds() >= best_seconds_) return;
  best_seconds_ = schedule_.TotalSeconds();
  Save();
}

std::vector<PlacedStay> Search::best() const {
  std::vector<PlacedStay> all;
  for (const std::vector<PlacedStay>& mine : best_) all.insert(all.end(), mine.begin(), mine.end());
  return all;
}

void Search::Save() {
  for (int32_t storage : schedule_.changed_storages()) {
    std::vector<PlacedStay>& mine = best_[static_cast<size_t>(storage)];
    mine.clear();
    for (int32_t id : schedule_.stays_of(storage)) mine.push_back(schedule_.placed(id));
  }
  schedule_.ForgetChanged();
  unsaved_ = false;
}

bool Search::Construct(size_t taste, int32_t tries) {
  if (!constructing_) {
    construction_ = Placement(&schedule_, Tastes()[taste % Tastes().size()]);
    for (const Run& run : Unplaced(schedule_)) construction_.Push(run);
    swept_seconds_ = schedule_.TotalSeconds();
    constructing_ = true;
  }
  construction_.Place(tries, {});
  schedule_.Commit();
  Keep();
  if (!construction_.done()) return false;
  constructing_ = false;
  return schedule_.TotalSeconds() >= swept_seconds_;
}

void Search::Clear() {
  constructing_ = false;
  while (!schedule_.active().empty()) schedule_.Remove(schedule_.active().back());
  schedule_.Commit();
}

int64_t Search::Adopt(const std::vector<PlacedStay>& stays) {
  Clear();
  int64_t taken = 0;
  for (const PlacedStay& placed : stays) taken += schedule_.Adopt(placed);
  schedule_.Commit();
  Keep();
  return taken;
}

int64_t Search::Anneal(const Slice& slice) {
  using Clock = std::chrono::steady_clock;
  if (touches_.empty()) return 0;
  const Clock::time_point begin = Clock::now();
  const bool timed = std::isfinite(slice.seconds);
  int64_t count = 0;
  double part = 0.0;
  for (; count < slice.iterations; ++count) {
    if (timed && count % 16 == 0) {
      part = std::chrono::duration<double>(Clock::now() - begin).count() / slice.seconds;
      if (part >= 1.0) break;
    } else if (!timed) {
      part = static_cast<double>(count) / static_cast<double>(slice.iterations);
    }
    const double progress = slice.progress_from + part * (slice.progress_until - slice.progress_from);
    Iterate(scale_ * annealing_.hot * std::pow(annealing_.cold / annealing_.hot, progress));
  }
  if (unsaved_) Save();
  return count;
}

void Search::Iterate(double temperature) {
  const double before = schedule_.TotalSeconds();
  const size_t mark = schedule_.Mark();
  taken_.clear();
  from_ = schedule_.problem().num_instructions();
  until_ = -1;
  const bool moved = Move(temperature);
  if (moved) {
    const double limit = before + temperature * random_.Exponential();
    const bool better = schedule_.TotalSeconds() < best_seconds_;
    if (schedule_.TotalSeconds() <= limit && (better || !unsaved_)) {
      schedule_.Commit();
      if (better) best_seconds_ = schedule_.TotalSeconds();
      unsaved_ = better;
      return;
    }
    // The first step away from an unsaved best is given up for saving it: once a row of improvements, not for each.
    if (schedule_.TotalSeconds() <= limit) {
      schedule_.UndoTo(mark);
      Save();
      return;
    }
  }
  schedule_.UndoTo(mark);
}

bool Search::Move(double temperature) {
  const double draw = random_.Uniform();
  if (draw < 0.45 || schedule_.active().empty()) return InsertMove(temperature);
  bool ruined = false;
  if (draw < 0.60) {
    ruined = RetimeMove();
  } else if (draw < 0.72) {
    return ResizeMove(temperature);
  } else if (draw < 0.80) {
    ruined = ThinMove();
  } else if (draw < 0.95) {
    ruined = WindowMove();
  } else {
    ruined = RepackMove();
  }
  if (ruined) Refill(temperature);
  return ruined;
}

}  // namespace memstow
