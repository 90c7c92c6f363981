#include "memstow/memory_prices.h"

#include <cmath>

#include "expect.h"
#include "toy_game.h"

namespace memstow {
namespace {

bool Near(double a, double b) { return std::abs(a - b) <= 1e-9 * (1.0 + std::abs(b)); }

// i0 computes 8 s and writes x (4 bytes), i1 reads w (touch 0) and x (touches 1 and 2), 4 bytes each. Slow memory and
// copies at 1 byte/s, fast memory at 4 bytes/s: 8 + 8 s slow, 8 + 2 s fast.
Problem TwoSteps(int64_t capacity) {
  ProblemRows rows;
  rows.hardware.capacity_bytes = capacity;
  rows.hardware.fast_bandwidth = 4.0;
  rows.instructions.resize(2);
  rows.instructions[0].compute_seconds = 8;
  rows.storages.resize(2);
  for (Storage& storage : rows.storages) storage.size_bytes = 4;
  rows.storages[0].born_slow = true;
  rows.touches = {{4, 1, 0, -1, false}, {4, 0, 1, -1, true}, {4, 1, 1, -1, false}};
  return Problem(rows);
}

void EnoughMemoryCostsNothing() {
  const Problem problem = TwoSteps(8);
  const MemoryPrices prices(problem);
  EXPECT(prices.potential() == 6 && prices.seconds_before(1) == 8 && prices.seconds_before(2) == 10);
  EXPECT(prices.idle_before(1) == 8 && prices.idle_before(2) == 10);
  EXPECT(prices.MemoryCost(0, 1) == 0 && prices.engine_price(0) == 0 && prices.engine_price(1) == 0);
  EXPECT(Near(prices.load(0), 8) && Near(prices.load(1), 8));
  // w: 4 bytes in 1 s instead of 4 s whatever x does; its copy of 4 s hides in i0.
  const TouchPrices& w = prices.touch(0);
  EXPECT(w.alone == 3 && w.last == 3 && w.benefit == 3 && w.window == 0);
  EXPECT(w.copy_memory_cost == 0 && w.copy_engine_cost == 0 && w.fast_share == 1 && w.copy_share == 1);
  // i0 is bound by compute, but what x writes there saves 3 s at i1; a copy could not be back by then.
  const TouchPrices &written = prices.touch(1), &read = prices.touch(2);
  EXPECT(written.benefit == 0 && written.continuation == 3 && written.fast_share == 1 && written.copy_share == 0);
  EXPECT(read.benefit == 3 && read.window == 1 && read.copy_engine_cost == 4 && read.fast_share == 1);
}

// Room for one: at the price at which w and x are worth 3 s for 4 bytes, both are as good as neither.
void ScarceMemoryCostsWhatItIsWorth() {
  const MemoryPrices prices(TwoSteps(4));
  EXPECT(std::abs(4 * prices.MemoryCost(0, 1) - 3) < 0.3);
  const double shares = prices.touch(0).fast_share + prices.touch(2).fast_share;
  EXPECT(shares > 0.5 && shares < 1.5);
}

// Only time 1 is contested: a is used at 0 and 1, b at 1 and 2.
void PricesAreWhereMemoryIsContested() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 4;
  rows.hardware.fast_bandwidth = 4.0;
  rows.instructions.resize(3);
  rows.storages.resize(2);
  for (Storage& storage : rows.storages) storage.size_bytes = 4;
  rows.touches = {{4, 0, 0, -1, true}, {4, 1, 0, -1, false}, {4, 1, 1, -1, true}, {4, 2, 1, -1, false}};
  const MemoryPrices prices{Problem(rows)};
  EXPECT(prices.memory_price(1) > 0.1);
  EXPECT(prices.memory_price(0) < 0.5 * prices.memory_price(1) &&
         prices.memory_price(2) < 0.5 * prices.memory_price(1));
  EXPECT(prices.load(1) <= 8 && prices.load(1) > 0);
}

void MoreMemoryIsCheaper() {
  int32_t dearer = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    double before = -1.0;
    for (const int64_t capacity : {12, 24, 1000}) {
      const Problem problem = testing::RandomProblem(seed, 20, capacity);
      const MemoryPrices prices(problem);
      const double all = prices.MemoryCost(0, problem.num_instructions() - 1);
      dearer += before >= 0.0 && all > before * (1 + 1e-9);
      before = all;
      if (capacity < 1000) continue;
      EXPECT(all == 0.0);
      // What begins in fast memory and is never saved by a copy stays there for nothing.
      for (int32_t id = 0; id < problem.num_touches(); ++id) {
        const Storage& storage = problem.storage(problem.touch(id).storage);
        const TouchPrices& touch = prices.touch(id);
        EXPECT(touch.stay_cost == 0 && touch.copy_memory_cost == 0);
        if (storage.tenant && !storage.born_slow) EXPECT(touch.fast_share == 1);
      }
    }
  }
  EXPECT(dearer <= 3);  // rounds end before the prices have settled
}

void SharesSumUpToWhatInstructionsSave() {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const Problem problem = testing::RandomProblem(seed, 20);
    const MemoryPrices prices(problem);
    double sum = 0.0;
    for (int32_t id = 0; id < problem.num_touches(); ++id) {
      const TouchPrices& touch = prices.touch(id);
      const Storage& storage = problem.storage(problem.touch(id).storage);
      sum += touch.benefit;
      EXPECT(touch.benefit >= 0 && touch.stay_cost >= 0 && touch.copy_memory_cost >= 0 && touch.copy_engine_cost >= 0);
      EXPECT(touch.fast_share >= touch.copy_share && touch.copy_share >= 0 && touch.fast_share <= 1);
      EXPECT(touch.window >= 0 && touch.window <= problem.touch(id).time);
      EXPECT(storage.tenant || (touch.fast_share == 0 && touch.benefit == 0));
    }
    EXPECT(Near(sum, prices.potential()));
    for (int32_t t = 0; t < problem.num_instructions(); ++t) {
      EXPECT(prices.memory_price(t) >= 0 && prices.engine_price(t) >= 0 && prices.engine_price(t) <= 1);
    }
    EXPECT(prices.MemoryCost(3, 2) == 0);
  }
}

void NothingToPlace() {
  ProblemRows rows;
  rows.instructions.resize(1);
  rows.instructions[0].compute_seconds = 2;
  rows.storages.resize(1);
  rows.storages[0].size_bytes = 4;  // more than the capacity of 0
  rows.storages[0].born_slow = true;
  rows.touches = {{4, 0, 0, -1, false}};
  const MemoryPrices prices{Problem(rows)};
  EXPECT(prices.potential() == 0 && prices.memory_price(0) == 0 && prices.touch(0).fast_share == 0);
  EXPECT(MemoryPrices{Problem(ProblemRows{})}.potential() == 0);
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"enough memory costs nothing", memstow::EnoughMemoryCostsNothing},
      {"scarce memory costs what it is worth", memstow::ScarceMemoryCostsWhatItIsWorth},
      {"prices are where memory is contested", memstow::PricesAreWhereMemoryIsContested},
      {"more memory is cheaper", memstow::MoreMemoryIsCheaper},
      {"shares sum up to what instructions save", memstow::SharesSumUpToWhatInstructionsSave},
      {"nothing to place", memstow::NothingToPlace},
  });
}
