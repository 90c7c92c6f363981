#include "memstow/observer.h"

#include <algorithm>
#include <cmath>

namespace memstow {

namespace {

constexpr double kMost = 4.0;
constexpr double kLeastUnit = 1e-15;
/*! \brief Instructions before a decision in which idle seconds for its copy are looked for. */
constexpr int32_t kLookBack = 256;
/*! \brief Rewards are cut there: a unit may be all but 0 where nothing can be saved. */
constexpr double kMostReward = 1e30;

// Times beyond all bounds may differ by what is no number.
float Cut(double x) { return std::isnan(x) ? 0.0F : static_cast<float>(std::clamp(x, -kMost, kMost)); }
float Reward(double x) { return static_cast<float>(std::clamp(x, -kMostReward, kMostReward)); }
float Squash(double x) { return Cut(std::copysign(std::log1p(std::abs(x)), x)); }
/*! \brief Squash of a ratio whose denominator may be 0. */
float Part(double x, double of) { return Squash(x / std::max(of, kLeastUnit)); }

/*! \brief Writes one feature after the other. */
class Row {
 public:
  explicit Row(float* out) : out_(out) {}
  Row& operator<<(float value) {
    *out_++ = value;
    return *this;
  }
  Row& operator<<(bool value) { return *this << (value ? 1.0F : 0.0F); }

 private:
  float* out_;
};

}  // namespace

const std::vector<const char*>& ProgramFeatureNames() {
  static const std::vector<const char*> names{"size_of_capacity",
                                              "log_size_of_capacity",
                                              "bytes_of_size",
                                              "writes",
                                              "is_first_touch",
                                              "is_last_touch",
                                              "is_born_slow",
                                              "is_output",
                                              "touch_number",
                                              "log_touches",
                                              "benefit_alone",
                                              "benefit_last",
                                              "benefit",
                                              "benefit_of_copy",
                                              "copy_seconds",
                                              "log_gap_before",
                                              "log_gap_after",
                                              "gap_seconds_of_copy",
                                              "idle_before_of_copy",
                                              "idle_after_of_copy",
                                              "stay_gain",
                                              "stay_cost",
                                              "copy_gain",
                                              "copy_memory_cost",
                                              "copy_engine_cost",
                                              "continuation",
                                              "slow_gain",
                                              "fast_gain",
                                              "relaxed_fast",
                                              "relaxed_copy",
                                              "relaxed_fast_before",
                                              "relaxed_fast_after",
                                              "memory_price",
                                              "memory_price_before",
                                              "memory_price_after",
                                              "engine_price",
                                              "relaxed_load",
                                              "instruction_seconds",
                                              "instruction_saving",
                                              "log_slots",
                                              "slot",
                                              "position",
                                              "pressure",
                                              "bandwidth_ratio",
                                              "latency",
                                              "log_instructions",
                                              "saving_of_program"};
  return names;
}

const std::vector<const char*>& StateFeatureNames() {
  static const std::vector<const char*> names{
      "drop_is_legal",    "no_copy_is_legal",   "copy_is_legal",    "drop_reward",       "no_copy_reward",
      "copy_reward",      "no_copy_less_price", "copy_less_price",  "drop_outlook",      "no_copy_outlook",
      "copy_outlook",     "is_resident",        "is_saved",         "log_since_block",   "free_now",
      "free_since_block", "free_in_gap",        "size_of_free",     "load_less_relaxed", "pending_of_copy",
      "is_hidden",        "window_of_gap",      "instruction_left", "stay_bytes_price",  "copy_bytes_price",
      "progress"};
  return names;
}

float Observation::OutlookFeature(int32_t action) const { return Squash(rewards[action] + outlooks[action]); }

Observer::Observer(const Game& game) : game_(&game), prices_(game.problem()) {
  const Problem& problem = game.problem();
  const size_t count = game.decisions().size();
  unit_ = std::max(kLeastUnit, prices_.potential() / static_cast<double>(std::max<size_t>(1, count)));
  potential_.assign(count + 1, 1e-3);
  for (size_t i = count; i-- > 0;) {
    const double benefit = prices_.touch(game.decisions()[i]).benefit / unit_;
    potential_[i] = std::max(1e-3, benefit + kDiscount * potential_[i + 1]);
  }
  // Bytes alive at the fullest time, everything being in fast memory from its first touch to its last.
  std::vector<double> change(static_cast<size_t>(problem.num_instructions()) + 1, 0.0);
  for (int32_t s = 0; s < problem.num_storages(); ++s) {
    const Storage& storage = problem.storage(s);
    if (!storage.tenant) continue;
    const Span<Touch> touches = problem.touches(s);
    change[static_cast<size_t>(touches[0].time)] += static_cast<double>(storage.size_bytes);
    change[static_cast<size_t>(touches[touches.size() - 1].time) + 1] -= static_cast<double>(storage.size_bytes);
  }
  double alive = 0.0;
  for (const double step : change) {
    alive += step;
    pressure_ = std::max(pressure_, alive);
  }
}

std::vector<float> Observer::ProgramFeatures() const {
  const size_t width = ProgramFeatureNames().size();
  std::vector<float> features(game_->decisions().size() * width);
  for (size_t i = 0; i < game_->decisions().size(); ++i) ProgramRow(i, &features[i * width]);
  return features;
}

void Observer::ProgramRow(size_t decision, float* row) const {
  const Problem& problem = game_->problem();
  const Hardware& hardware = problem.hardware();
  const int32_t id = game_->decisions()[decision];
  const Touch& touch = problem.touch(id);
  const Storage& storage = problem.storage(touch.storage);
  const TouchPrices& here = prices_.touch(id);
  const int32_t t = touch.time, index = id - storage.first_touch;
  const bool first = index == 0, last = index + 1 == storage.num_touches;
  const int32_t before = first ? (storage.born_slow ? -1 : t) : problem.touch(id - 1).time;
  const int32_t after = last ? t : problem.touch(id + 1).time;
  const double size = static_cast<double>(storage.size_bytes), capacity = static_cast<double>(hardware.capacity_bytes);
  const double copy = storage.copy_seconds, count = static_cast<double>(problem.num_instructions());
  const auto idle = [this](int32_t from, int32_t until) {
    return until > from ? prices_.idle_before(until) - prices_.idle_before(from) : 0.0;
  };
  const double price_scale = capacity / unit_;
  const auto mean_price = [&](int32_t from, int32_t until) {
    return until >= from ? prices_.MemoryCost(from, until) / (until - from + 1) * price_scale : 0.0;
  };
  const double slow_seconds = problem.costs().At(t, {}).elapsed;
  const double fast_seconds = problem.costs().At(t, problem.AllTenants(t)).elapsed;
  const double gap_seconds = prices_.seconds_before(t) - prices_.seconds_before(std::max(0, before));
  Row out(row);
  out << Cut(size / capacity) << Cut(1.0 + std::log(std::max(1e-9, size / capacity)) / 4.0)
      << Part(static_cast<double>(touch.bytes), size) << touch.writes << first << last << storage.born_slow
      << storage.is_output << Cut(static_cast<double>(index + 1) / storage.num_touches)
      << Cut(std::log(static_cast<double>(storage.num_touches)) / 2.0) << Part(here.alone, unit_)
      << Part(here.last, unit_) << Part(here.benefit, unit_) << Part(here.benefit, copy) << Part(copy, unit_)
      << Cut(std::log1p(t - before) / 2.0) << Cut(std::log1p(after - t) / 2.0) << Part(gap_seconds, copy)
      << Part(idle(std::max(0, before), t), copy) << Part(idle(t, after), copy)
      << Part(here.benefit - here.stay_cost, unit_) << Part(here.stay_cost, unit_)
      << Part(here.benefit - here.copy_memory_cost - here.copy_engine_cost, unit_) << Part(here.copy_memory_cost, unit_)
      << Part(here.copy_engine_cost, copy) << Part(here.continuation, unit_) << Part(here.slow_gain, unit_)
      << Part(here.slow_gain + here.continuation, unit_) << Cut(here.fast_share) << Cut(here.copy_share)
      << Cut(first ? 0.0 : prices_.touch(id - 1).fast_share) << Cut(last ? 0.0 : prices_.touch(id + 1).fast_share)
      << Squash(mean_price(t, t)) << Squash(mean_price(before + 1, t)) << Squash(mean_price(t + 1, after))
      << Cut(prices_.engine_price(t)) << Cut(prices_.load(t) / capacity) << Part(slow_seconds, unit_)
      << Cut((slow_seconds - fast_seconds) / std::max(slow_seconds, kLeastUnit))
      << Cut(std::log1p(problem.instruction(t).num_slots) / 2.0) << Cut(touch.slot / 4.0) << Cut(t / count)
      << Part(pressure_, capacity) << Cut(std::log(hardware.fast_bandwidth / hardware.slow_bandwidth) / 2.0)
      << Part(hardware.dma_latency_seconds, unit_) << Cut(std::log1p(count) / 4.0)
      << Cut(prices_.potential() / std::max(game_->slow_seconds(), kLeastUnit));
}

Observation Observer::Observe(GameState* state, float* features) const {
  const Problem& problem = game_->problem();
  const int32_t id = state->CurrentTouch();
  const Touch& touch = problem.touch(id);
  const Storage& storage = problem.storage(touch.storage);
  const int32_t t = touch.time, index = id - storage.first_touch;
  const FastMemory& memory = state->memory();
  const double size = static_cast<double>(storage.size_bytes), capacity = static_cast<double>(memory.capacity());
  const int32_t resident = state->ResidencyOf(touch.storage);
  const bool is_resident = resident >= 0;
  const int32_t before = index == 0 ? (storage.born_slow ? -1 : t - 1) : problem.touch(id - 1).time;
  const int32_t block_end = is_resident ? memory.block(resident).end : before;
  const int32_t slow_from = state->SlowFrom(touch.storage);
  const auto free = [&](int32_t from) {
    return 1.0 - static_cast<double>(memory.PeakLoad(std::min(from, t), t)) / capacity;
  };
  const double free_now = free(t), free_since = free(block_end + 1), free_gap = free(before + 1);
  const ScheduleState& schedule = state->schedule();
  const ScheduleState::Moment moment = schedule.At(t);
  const int32_t earliest = std::max({t - kLookBack, before + 1, std::min(slow_from, t)});
  const int32_t hidden = schedule.LatestHiddenStart(earliest, t, storage.copy_seconds);
  const bool is_hidden = hidden > earliest;
  const double stay_price = size * prices_.MemoryCost(block_end + 1, t);
  const double copy_price = size * prices_.MemoryCost(hidden, t);
  FastSet everything = schedule.fast(t);
  for (const int32_t other : problem.touches_at(t)) {
    const Touch& its = problem.touch(other);
    const bool open = schedule.ServedBy(other) == ScheduleState::kNobody;
    if (open && problem.storage(its.storage).tenant) everything.Insert(its);
  }
  const double left = schedule.price(t).elapsed - problem.costs().At(t, everything).elapsed;

  Observation found;
  const double seconds = state->Seconds();
  for (int32_t a = 0; a < kNumActions; ++a) {
    if (!state->TryApply(static_cast<Action>(a))) continue;
    found.legal |= 1U << a;
    found.rewards[a] = Reward((seconds - state->Seconds()) / unit_);
    state->Undo();
  }
  const double later = prices_.touch(id).continuation;
  if ((found.legal & 2U) != 0) found.outlooks[1] = Reward((later - stay_price) / unit_);
  if ((found.legal & 4U) != 0) found.outlooks[2] = Reward((later - copy_price) / unit_);
  Row out(features);
  out << ((found.legal & 1U) != 0) << ((found.legal & 2U) != 0) << ((found.legal & 4U) != 0) << Squash(found.rewards[0])
      << Squash(found.rewards[1]) << Squash(found.rewards[2])
      << ((found.legal & 2U) != 0 ? Squash(found.rewards[1] - stay_price / unit_) : 0.0F)
      << ((found.legal & 4U) != 0 ? Squash(found.rewards[2] - copy_price / unit_) : 0.0F) << found.OutlookFeature(0)
      << found.OutlookFeature(1) << found.OutlookFeature(2) << is_resident << (slow_from <= t)
      << Cut(std::log1p(std::max(0, t - block_end)) / 2.0) << Cut(free_now) << Cut(free_since) << Cut(free_gap)
      << Part(size, capacity * std::max(1e-3, free_since)) << Cut(1.0 - free_now - prices_.load(t) / capacity)
      << Part(moment.pending, storage.copy_seconds) << is_hidden
      << Cut(static_cast<double>(t - hidden) / std::max(1, t - before)) << Part(left, unit_) << Part(stay_price, unit_)
      << Part(copy_price, unit_)
      << Cut(static_cast<double>(state->NumDecided()) / static_cast<double>(game_->decisions().size()));
  return found;
}

}  // namespace memstow
