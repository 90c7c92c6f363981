#include <algorithm>
#include <cmath>
#include <limits>

#include "memstow/search.h"

namespace memstow {

namespace {

// Stays that one move takes out at most, and runs that it tries to place in their stead.
constexpr int32_t kMostTaken = 24;
constexpr int32_t kTries = 32;
// Stays around a forced one beyond which no offset is sought: the search for it is quadratic.
constexpr size_t kMostAround = 256;
// Instruction times in which a move looks for runs to place in the room that it made.
constexpr int32_t kLookAround = 48;
// Touches that a run drawn at random reaches to either side of where it was drawn.
constexpr int32_t kRunReach = 16;
// Neighbouring touches that are drawn from for a while, and for how many draws: what they need stays in the cache.
constexpr size_t kFocus = 2048;
constexpr int32_t kFocusDraws = 8192;

}  // namespace

void Search::Take(int32_t id) {
  const PlacedStay& gone = schedule_.placed(id);
  from_ = std::min(from_, gone.block.start);
  until_ = std::max(until_, gone.block.end);
  taken_.push_back(gone);
  schedule_.Remove(id);
}

int32_t Search::DrawTouch() {
  const int32_t count = static_cast<int32_t>(touches_.size());
  if (touches_.size() <= kFocus) return touches_[static_cast<size_t>(random_.Below(count))];
  if (focus_draws_-- <= 0) {
    focus_ = static_cast<size_t>(random_.Below(count));
    focus_draws_ = kFocusDraws;
  }
  const size_t beside = static_cast<size_t>(random_.Below(static_cast<int32_t>(kFocus)));
  return touches_[(focus_ + beside) % touches_.size()];
}

int32_t Search::DrawTime() {
  if (touches_.size() <= kFocus) return random_.Below(schedule_.problem().num_instructions());
  return schedule_.problem().touch(DrawTouch()).time;
}

int32_t Search::DrawStay() {
  for (int32_t tries = 0; tries < 8 && touches_.size() > kFocus; ++tries) {
    const int32_t id = schedule_.state().ServedBy(DrawTouch());
    if (id != ScheduleState::kNobody) return id;
  }
  const std::vector<int32_t>& active = schedule_.active();
  return active[static_cast<size_t>(random_.Below(static_cast<int32_t>(active.size())))];
}

bool Search::DrawRun(Run* run) {
  for (int32_t tries = 0; tries < 8; ++tries) {
    const int32_t id = DrawTouch();
    const int32_t storage = schedule_.problem().touch(id).storage;
    const int32_t touch = id - schedule_.problem().storage(storage).first_touch;
    if (schedule_.IsServed(storage, touch)) continue;
    *run = schedule_.Gap(storage, touch, kRunReach);
    if (random_.Chance(0.5)) {
      run->first = random_.Between(run->first, touch);
      run->last = random_.Between(touch, run->last);
    }
    return true;
  }
  return false;
}

bool Search::InsertMove(double temperature) {
  Run run;
  if (!DrawRun(&run)) return false;
  const Outcome outcome = schedule_.TryPlace(run, {&random_, temperature * random_.Exponential()});
  if (outcome == Outcome::kPlaced) return true;
  return outcome == Outcome::kNoRoom && Force(run, temperature);
}

bool Search::Force(const Run& run, double temperature) {
  Window window;
  if (!schedule_.FindWindow(run, &window)) return false;
  const Transfers in = schedule_.PrefetchTimes(run, window, &random_);
  const Transfers out = schedule_.EvictionTimes(run, window, &random_);
  if (in.count == 0 || out.count == 0) return false;
  const auto pick = [this](const Transfers& times) {
    return times.items[static_cast<size_t>(random_.Chance(0.6) ? 0 : random_.Below(times.count))];
  };
  PlacedStay placed = schedule_.Assemble(run, window, pick(in), pick(out));
  const double most = 3.0 * schedule_.SavingOf(run).seconds + 5.0 * temperature;
  placed.block.offset = CheapestOffset(placed.block, most, &scratch_);
  if (placed.block.offset == FastMemory::kNoRoom) return false;
  for (int32_t id : scratch_) Take(id);
  from_ = std::min(from_, placed.block.start);
  until_ = std::max(until_, placed.block.end);
  schedule_.Apply(placed);
  Refill(temperature);
  return true;
}

// Offsets at which something ends or begins, weighed with some noise by the worth of the stays in the way.
int64_t Search::CheapestOffset(const Block& block, double most, std::vector<int32_t>* displaced) {
  const FastMemory& memory = schedule_.memory();
  if (memory.Alive(block.start, block.end, kMostAround).size() > kMostAround) return FastMemory::kNoRoom;
  const std::vector<int32_t>& around = memory.Around(block.start, block.end);
  std::vector<double> worth;
  std::vector<int64_t> offsets{0, memory.AlignDown(memory.capacity() - block.size)};
  for (int32_t id : around) {
    const Block& other = memory.block(id);
    worth.push_back((std::max(0.0, schedule_.Worth(id)) + 1e-3 * scale_) * (0.5 + random_.Uniform()));
    offsets.push_back(memory.AlignUp(other.offset + other.size));
    if (other.offset >= block.size) offsets.push_back(memory.AlignDown(other.offset - block.size));
  }
  int64_t best = FastMemory::kNoRoom;
  for (int64_t offset : offsets) {
    if (offset + block.size > memory.capacity()) continue;
    double cost = 0.0;
    for (size_t k = 0; k < around.size() && cost < most; ++k) {
      const Block& other = memory.block(around[k]);
      if (other.offset >= offset + block.size) break;
      if (other.offset + other.size > offset) cost += worth[k];
    }
    if (cost < most) {
      most = cost;
      best = offset;
    }
  }
  displaced->clear();
  if (best == FastMemory::kNoRoom) return best;
  for (int32_t id : around) {
    const Block& other = memory.block(id);
    if (other.offset < best + block.size && other.offset + other.size > best) displaced->push_back(id);
  }
  return best;
}

bool Search::RetimeMove() {
  const int32_t id = DrawStay();
  const Run run = schedule_.run(id);
  Take(id);
  if (schedule_.TryPlace(run, {&random_, 0.0}) == Outcome::kPlaced) taken_.clear();
  return true;
}

bool Search::ResizeMove(double temperature) {
  const int32_t id = DrawStay();
  Run run = schedule_.run(id);
  const int32_t touches = schedule_.problem().storage(run.storage).num_touches;
  const int32_t step = 1 + static_cast<int32_t>(random_.Exponential());
  const bool grow = random_.Chance(0.6), at_end = random_.Chance(0.5);
  const int32_t first = run.first, last = run.last;
  if (at_end) {
    run.last = grow ? std::min(touches - 1, run.last + step) : std::max(run.first, run.last - step);
  } else {
    run.first = grow ? std::max(0, run.first - step) : std::min(run.last, run.first + step);
  }
  if (run.first == first && run.last == last) return false;
  Take(id);
  scratch_.clear();
  const std::vector<int32_t>& mine = schedule_.stays_of(run.storage);
  for (size_t k = schedule_.StayFrom(run.storage, run.first); k < mine.size(); ++k) {
    const Run its = schedule_.run(mine[k]);
    if (its.first > run.last) break;
    run.first = std::min(run.first, its.first);
    run.last = std::max(run.last, its.last);
    scratch_.push_back(mine[k]);
  }
  for (int32_t other : scratch_) Take(other);
  if (schedule_.TryPlace(run, {&random_, temperature * random_.Exponential()}) == Outcome::kPlaced) {
    if (!grow) Refill(temperature);
    return true;
  }
  if (!Force(run, temperature)) Refill(temperature);
  return true;
}

bool Search::ThinMove() {
  Take(DrawStay());
  if (random_.Chance(0.5)) taken_.clear();
  return true;
}

bool Search::WindowMove() {
  const int32_t length = schedule_.problem().num_instructions();
  const int32_t t = DrawTime();
  const int32_t end = std::min(length - 1, t + static_cast<int32_t>(random_.Exponential() * 4.0));
  const double part = 0.2 + 0.8 * random_.Uniform();
  scratch_.clear();
  for (int32_t id : schedule_.memory().Around(t, end)) {
    if (random_.Chance(part)) scratch_.push_back(id);
  }
  while (scratch_.size() > kMostTaken) {
    std::swap(scratch_[static_cast<size_t>(random_.Below(static_cast<int32_t>(scratch_.size())))], scratch_.back());
    scratch_.pop_back();
  }
  for (int32_t id : scratch_) Take(id);
  return !scratch_.empty();
}

bool Search::RepackMove() {
  const int32_t t = DrawTime();
  scratch_ = schedule_.memory().Around(t, t);
  if (scratch_.size() > kMostTaken) scratch_.resize(kMostTaken);
  if (scratch_.size() < 2) return false;
  std::vector<std::pair<double, PlacedStay>> order;
  const double power = random_.Uniform();
  for (int32_t id : scratch_) {
    const PlacedStay& placed = schedule_.placed(id);
    const double length = placed.block.end - placed.block.start + 1;
    const double key =
        static_cast<double>(placed.block.size) * std::pow(length, power) * (0.7 + 0.6 * random_.Uniform());
    order.emplace_back(-key, placed);
    Take(id);
  }
  taken_.clear();
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [key, placed] : order) {
    Block& block = placed.block;
    block.offset = schedule_.memory().BestFit(block.size, block.start, block.end, random_.Chance(0.2));
    if (block.offset == FastMemory::kNoRoom) {
      taken_.push_back(placed);
    } else {
      schedule_.Apply(placed);
    }
  }
  return true;
}

void Search::Refill(double temperature) {
  Taste taste = Tastes()[static_cast<size_t>(random_.Below(static_cast<int32_t>(Tastes().size())))];
  Placement queue(&schedule_, taste);
  const auto noise = [this] { return std::exp(random_.Uniform() - 0.5); };
  for (const PlacedStay& placed : taken_) {
    queue.Push({placed.stay.storage, placed.stay.first, placed.stay.last}, noise());
  }
  const Problem& problem = schedule_.problem();
  const int32_t length = std::min(until_ - from_ + 1, kLookAround);
  const int32_t from = length > 0 ? random_.Between(from_, until_ - length + 1) : 0;
  for (int32_t t = from; t < from + length; ++t) {
    for (int32_t id : problem.touches_at(t)) {
      const Touch& touch = problem.touch(id);
      const Storage& storage = problem.storage(touch.storage);
      if (!storage.tenant || schedule_.state().ServedBy(id) != ScheduleState::kNobody) continue;
      const Run gap = schedule_.Gap(touch.storage, id - storage.first_touch, kRunReach);
      // Each gap once: at its first touch in the looked at times.
      const bool seen = gap.first + storage.first_touch < id && problem.touch(id - 1).time >= from &&
                        gap.first <= id - 1 - storage.first_touch;
      if (!seen && random_.Chance(0.5)) queue.Push(gap, noise());
    }
  }
  queue.Place(kTries, {&random_, random_.Chance(0.2) ? temperature * random_.Exponential() : 0.0});
}

}  // namespace memstow
