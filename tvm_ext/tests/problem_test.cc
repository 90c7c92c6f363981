#include "memstow/problem.h"

#include <cmath>
#include <memory>

#include "expect.h"

namespace memstow {
namespace {

using testing::Throws;

Touch MakeTouch(int32_t storage, int32_t time, int64_t bytes, bool writes) {
  Touch touch;
  touch.storage = storage;
  touch.time = time;
  touch.bytes = bytes;
  touch.writes = writes;
  return touch;
}

Storage MakeStorage(int64_t size, bool born_slow, bool pinned_slow = false) {
  Storage storage;
  storage.size_bytes = size;
  storage.born_slow = born_slow;
  storage.pinned_slow = pinned_slow;
  return storage;
}

Instruction Compute(double seconds, int32_t trip_count = 1) {
  Instruction instruction;
  instruction.compute_seconds = seconds;
  instruction.trip_count = trip_count;
  return instruction;
}

// Slow memory and copies 1 byte/s, fast memory 4 bytes/s, 16 bytes. The example of problem.h: i0 writes a, i1 reads w
// (2 bytes of 4) and a and writes b, i2 reads w. i2 runs three times. The parameter p is pinned, q too large.
ProblemRows Example() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 16;
  rows.hardware.fast_bandwidth = 4.0;
  rows.hardware.dma_latency_seconds = 0.5;
  rows.instructions = {Compute(1.0), Compute(2.0), Compute(0.0, 3)};
  rows.storages = {MakeStorage(4, true), MakeStorage(8, false), MakeStorage(3, false), MakeStorage(5, true, true),
                   MakeStorage(17, true)};
  rows.touches = {MakeTouch(0, 1, 2, false), MakeTouch(0, 2, 4, false), MakeTouch(1, 0, 8, true),
                  MakeTouch(1, 1, 8, false), MakeTouch(2, 1, 3, true),  MakeTouch(3, 1, 5, false),
                  MakeTouch(4, 2, 1, false)};
  return rows;
}

void TouchesByStorageAndByInstruction() {
  const Problem problem(Example());
  EXPECT(problem.num_instructions() == 3 && problem.num_storages() == 5 && problem.num_touches() == 7);
  EXPECT(problem.touches(0).size() == 2 && problem.touches(0)[1].time == 2);
  EXPECT(problem.storage(1).first_touch == 2 && problem.storage(1).num_touches == 2);
  // i1: a (8 bytes), b (3), w (2), then the pinned p.
  const Span<int32_t> at = problem.touches_at(1);
  EXPECT(std::vector<int32_t>(at.begin(), at.end()) == (std::vector<int32_t>{3, 4, 0, 5}));
  EXPECT(problem.touch(3).slot == 0 && problem.touch(4).slot == 1 && problem.touch(0).slot == 2);
  EXPECT(problem.touch(5).slot == -1);
  EXPECT(problem.instruction(1).bytes == 18 && problem.instruction(1).num_slots == 3);
}

void WhatMayBePlaced() {
  ProblemRows rows = Example();
  // Nothing touches the last one; the one before it is read although nothing has written it.
  rows.storages.push_back(MakeStorage(1, false));
  rows.storages.push_back(MakeStorage(1, true));
  rows.touches.push_back(MakeTouch(5, 0, 1, false));
  const Problem problem(rows);
  const bool placeable[] = {true, true, true, false, false, true, false};
  const bool tenant[] = {true, true, true, false, false, false, false};
  for (int32_t s = 0; s < problem.num_storages(); ++s) {
    EXPECT(problem.storage(s).placeable == placeable[s]);
    EXPECT(problem.storage(s).tenant == tenant[s]);
  }
  EXPECT(problem.storage(1).copy_seconds == 8.5);  // 8 bytes at 1 byte/s after 0.5 s
}

bool Is(const Price& price, double elapsed, double idle) {
  return std::abs(price.elapsed - elapsed) < 1e-12 && std::abs(price.idle - idle) < 1e-12;
}

void RooflinePrices() {
  const Problem problem(Example());
  const CostTable& costs = problem.costs();
  EXPECT(costs.num_entries() == 2 + 8 + 2);
  // i1 computes for 2 s and moves 18 bytes. All slow: 18 s, busy all the time.
  EXPECT(Is(costs.At(1, {}), 18.0, 0.0));
  // a fast: 10 s for the other 10 bytes, 2 s for a, in which the slow memory is idle.
  EXPECT(Is(costs.At(1, {0, 1}), 12.0, 2.0));
  // a, b and w fast, p slow: 5 s + 13 / 4 s.
  EXPECT(Is(costs.At(1, {0, 7}), 8.25, 3.25));
  // i2, three times: 4 bytes of w and 1 of q, 5 s; with w fast 1 + 1 s.
  EXPECT(Is(costs.At(2, {}), 15.0, 0.0));
  EXPECT(Is(costs.At(2, {0, 1}), 6.0, 3.0));
}

void PricesOfAnotherModel() {
  const Problem problem(Example());
  // i0: 10 s slow, 1 s fast. Of the latter 0 bytes are slow: idle for 1 s; of the former 8 s are busy.
  const std::vector<double> seconds{10, 1, 30, 29, 28, 27, 26, 25, 24, 23, 40, 2};
  const Problem other = problem.WithSeconds(seconds);
  EXPECT(Is(other.costs().At(0, {}), 10.0, 2.0));
  EXPECT(Is(other.costs().At(0, {0, 1}), 1.0, 1.0));
  EXPECT(Is(other.costs().At(1, {0, 5}), 25.0, 17.0));  // a and w fast: b's 3 and p's 5 bytes are slow
  EXPECT(Is(other.costs().At(2, {0, 1}), 2.0, 0.0));    // less than q's 3 bytes take: not idle at all
  EXPECT(Is(problem.costs().At(0, {}), 8.0, 0.0));
  const std::vector<double> few(11, 1.0), many(13, 1.0);
  std::vector<double> negative = seconds;
  negative[3] = -1.0;
  EXPECT(Throws([&] { problem.WithSeconds(few); }, "instruction 2, slots 1 fast"));
  EXPECT(Throws([&] { problem.WithSeconds(many); }, "expected seconds of 12 placements, found 13"));
  EXPECT(Throws([&] { problem.WithSeconds(negative); }, "instruction 1, slots 1 fast"));
}

// One instruction reads ten parameters of 10, 9, ... 1 bytes.
ProblemRows Wide() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 64;
  rows.hardware.fast_bandwidth = 4.0;
  rows.instructions = {Compute(2.0, 2)};
  for (int32_t s = 0; s < 10; ++s) {
    rows.storages.push_back(MakeStorage(10 - s, true));
    rows.touches.push_back(MakeTouch(s, 0, 10 - s, false));
  }
  return rows;
}

void ManyStoragesAtOneInstruction() {
  const Problem problem(Wide());
  EXPECT(problem.costs().num_entries() == 256);
  FastSet fast;
  fast.Insert(problem.touch(9));  // 1 byte, slot 9
  // 54 bytes slow, 1 fast, twice.
  EXPECT(Is(problem.costs().At(0, fast), 2 * 54.25, 0.5));
  fast.Insert(problem.touch(8));  // 2 bytes
  fast.Insert(problem.touch(0));  // 10 bytes: 42 slow, 13 fast
  EXPECT(Is(problem.costs().At(0, fast), 2 * 45.25, 6.5));
  fast.Erase(problem.touch(9));
  fast.Erase(problem.touch(8));
  EXPECT(Is(problem.costs().At(0, fast), 2 * 47.5, 5.0));  // 45 slow, 10 fast
}

void AnotherModelScalesTheRest() {
  // 100 s whatever the dense eight; the rest takes it down as it takes the roofline's 110 s (all slow) to 108.5 s.
  const Problem problem = Problem(Wide()).WithSeconds(std::vector<double>(256, 100.0));
  FastSet fast;
  EXPECT(Is(problem.costs().At(0, fast), 100.0, 0.0));
  fast.Insert(problem.touch(9));
  EXPECT(Is(problem.costs().At(0, fast), 100.0 * 108.5 / 110.0, 0.0));
}

void BadRowsAreNamed() {
  const auto build = [](void (*spoil)(ProblemRows*)) {
    ProblemRows rows = Example();
    spoil(&rows);
    Problem problem(rows);
  };
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->touches[2].storage = 9; }); }, "touch 2: expected a storage"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->touches[1].time = 3; }); }, "touch 1: expected a storage"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->touches[1].time = 1; }); }, "touch 1 (storage 0, time 1)"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->touches[4].bytes = 0; }); }, "touch 4: expected more than 0"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->storages[3].size_bytes = -1; }); }, "storage 3: expected"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->instructions[1].trip_count = 0; }); }, "instruction 1: expected"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->hardware.copy_bandwidth = 0.0; }); }, "bandwidths above 0"));
  EXPECT(Throws([&] { build([](ProblemRows* r) { r->hardware.capacity_bytes = -1; }); }, "a capacity of at least 0"));
}

}  // namespace
}  // namespace memstow

int main() {
  using namespace memstow;
  return testing::Run({
      {"TouchesByStorageAndByInstruction", TouchesByStorageAndByInstruction},
      {"WhatMayBePlaced", WhatMayBePlaced},
      {"RooflinePrices", RooflinePrices},
      {"PricesOfAnotherModel", PricesOfAnotherModel},
      {"ManyStoragesAtOneInstruction", ManyStoragesAtOneInstruction},
      {"AnotherModelScalesTheRest", AnotherModelScalesTheRest},
      {"BadRowsAreNamed", BadRowsAreNamed},
  });
}
