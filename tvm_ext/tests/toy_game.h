/*!
 * \file toy_game.h
 * \brief Small problems on unit hardware and a made-up model, for the tests of the search.
 */
#ifndef MEMSTOW_TESTS_TOY_GAME_H_
#define MEMSTOW_TESTS_TOY_GAME_H_

#include <algorithm>
#include <map>
#include <random>

#include "memstow/tree_model.h"

namespace memstow::testing {

/*!
 * \brief A random problem with at most `longest` instructions and storages; bytes and seconds are small integers.
 *  The capacity is random where it is left out.
 */
inline Problem RandomProblem(uint32_t seed, int32_t longest, int64_t capacity = 0) {
  std::mt19937 random(seed);
  const auto draw = [&random](int32_t low, int32_t high) {
    return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low + 1));
  };
  ProblemRows rows;
  rows.hardware.capacity_bytes = draw(6, 16);
  if (capacity > 0) rows.hardware.capacity_bytes = capacity;
  rows.hardware.fast_bandwidth = 4.0;
  const int32_t count = draw(2, longest);
  for (int32_t t = 0; t < count; ++t) {
    rows.instructions.emplace_back();
    rows.instructions.back().compute_seconds = draw(0, 8);
  }
  for (int32_t s = 0; s < count; ++s) {
    Storage storage;
    storage.size_bytes = draw(2, 10);
    storage.born_slow = draw(0, 1) != 0;
    rows.storages.push_back(storage);
    std::map<int32_t, Touch> touches;
    for (int32_t k = draw(1, 2); k > 0; --k) {
      Touch touch;
      touch.storage = s;
      touch.time = draw(0, count - 1);
      touch.bytes = storage.size_bytes;
      touches[touch.time] = touch;
    }
    touches.begin()->second.writes = !storage.born_slow;
    for (const auto& [t, touch] : touches) rows.touches.push_back(touch);
  }
  return Problem(rows);
}

/*! \brief What can still be saved from a state on: the exact optimum, by trying everything. */
inline double BestReturn(GameState* state, double discount) {
  if (state->IsTerminal()) return 0.0;
  double best = -std::numeric_limits<double>::infinity();
  for (const Action action : {Action::kDrop, Action::kNoCopy, Action::kCopy}) {
    const double before = state->Seconds();
    if (!state->TryApply(action)) continue;
    best = std::max(best, before - state->Seconds() + discount * BestReturn(state, discount));
    state->Undo();
  }
  return best;
}

/*! \brief Knows what a state is worth, and nothing of how to play. */
class PerfectEvaluator : public Evaluator {
 public:
  PerfectEvaluator(double discount, double unit_seconds) : discount_(discount), unit_seconds_(unit_seconds) {}
  Evaluation Evaluate(GameState* state) override {
    Evaluation found;
    found.legal = state->LegalActions();
    found.value = BestReturn(state, discount_) / unit_seconds_;
    return found;
  }

 private:
  double discount_;
  double unit_seconds_;
};

/*! \brief An endless made-up game: states are numbers below 1009, everything about them comes by remainders. */
class ToyModel : public TreeModel {
 public:
  explicit ToyModel(int32_t root, uint32_t root_legal = 7) : root_(root), root_legal_(root_legal), state_(root) {}

  Evaluation Root() override {
    Evaluation found = Evaluate(0);
    found.legal = root_legal_;
    return found;
  }
  double Step(int32_t /*parent*/, Action action, int32_t /*child*/) override {
    state_ = (3 * state_ + static_cast<int32_t>(action) + 1) % 1009;
    return (3 * state_ % 7) / 10.0;
  }
  Evaluation Evaluate(int32_t /*node*/) override {
    Evaluation found;
    found.legal = 7;
    for (int32_t a = 0; a < kNumActions; ++a) {
      found.logits[a] = static_cast<float>((7 * state_ + 13 * a) % 11) / 5.0F - 1.0F;
    }
    found.value = (5 * state_ % 17) / 10.0;
    return found;
  }
  void ReturnToRoot() override { state_ = root_; }

 private:
  int32_t root_;
  uint32_t root_legal_;
  int32_t state_;
};

}  // namespace memstow::testing

#endif  // MEMSTOW_TESTS_TOY_GAME_H_
