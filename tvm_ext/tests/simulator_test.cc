#include "memstow/simulator.h"

#include <cmath>
#include <random>

#include "expect.h"
#include "memstow/schedule_state.h"

namespace memstow {
namespace {

using testing::Throws;

bool Close(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(1.0, std::abs(b)); }

std::vector<Price> Idle(const std::vector<double>& seconds) {
  std::vector<Price> prices;
  for (double idle : seconds) prices.push_back({idle, idle});
  return prices;
}

// The example of simulator.h; instructions take their idle seconds.
void TheLineByHand() {
  Simulator simulator(3);
  const std::vector<TimedCopy> copies{{0, 2, 3.0}, {1, 3, 4.0}};
  EXPECT(simulator.Seconds(Idle({2, 0, 1}), copies) == 2 + 0 + (1 + 1) + 3);
  EXPECT(simulator.stalls() == (std::vector<double>{0, 0, 1, 3}));
}

void PlanOrderDecidesBetweenEqualStarts() {
  Simulator simulator(2);
  // Both start at 0. The one of 1 s is due at once, the one of 4 s at 1; i0 is idle for 4 s.
  const std::vector<TimedCopy> first{{0, 0, 1.0}, {0, 1, 4.0}}, second{{0, 1, 4.0}, {0, 0, 1.0}};
  EXPECT(simulator.Seconds(Idle({4, 0}), first) == 1 + 4);
  EXPECT(simulator.Seconds(Idle({4, 0}), second) == 5 + 4);  // it drags the 4 s in front of it along
}

void ADueCopyWaitsForThoseBeforeItOnly() {
  Simulator simulator(4);
  // Nothing is idle. i2 waits for A (4 s, due at 3 but in front) and B; i3 no more; the end for C.
  const std::vector<TimedCopy> copies{{0, 3, 4.0}, {1, 2, 2.0}, {2, 4, 5.0}};
  EXPECT(simulator.Seconds(Idle({0, 0, 0, 0}), copies) == 11);
  EXPECT(simulator.stalls() == (std::vector<double>{0, 0, 6, 0, 5}));
}

void CopiesBeforeTheProgramAreFree() {
  Simulator simulator(1);
  const std::vector<TimedCopy> copies{{-1, 0, 100.0}, {-1, -1, 7.0}, {0, 1, 3.0}};
  EXPECT(simulator.Seconds(Idle({1}), copies) == 1 + 2);
}

void ALengthThatDoesNotFit() {
  Simulator simulator(2);
  EXPECT(Throws([&] { simulator.Seconds(Idle({1}), {}); }, "expected prices of 2 instructions, found 1"));
}

// w (4 bytes) is read at 1 and 3, i0 and i2 compute for 8 s; slow memory 1 byte/s, fast memory 4 bytes/s.
ProblemRows Reader() {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 8;
  rows.hardware.fast_bandwidth = 4.0;
  rows.instructions.resize(4);
  rows.instructions[0].compute_seconds = rows.instructions[2].compute_seconds = 8.0;
  rows.storages.resize(1);
  rows.storages[0].size_bytes = 4;
  rows.storages[0].born_slow = true;
  rows.touches.resize(2);
  rows.touches[0].time = 1;
  rows.touches[1].time = 3;
  rows.touches[0].bytes = rows.touches[1].bytes = 4;
  return rows;
}

void AStayByHand() {
  const Problem problem(Reader());
  ScheduleState state(problem);
  EXPECT(state.TotalSeconds() == 24.0);
  // Each read takes 1 s instead of 4, the copy runs in i0.
  const int32_t id = state.Apply({0, 0, 1, {0, 1}, {}});
  EXPECT(state.TotalSeconds() == 18.0);
  EXPECT(state.ServedBy(0) == id && state.ServedBy(1) == id);
  EXPECT(state.At(0).unused == 4.0 && state.At(1).pending == 0.0);
  state.Undo();
  EXPECT(state.TotalSeconds() == 24.0 && state.ServedBy(0) == ScheduleState::kNobody);
  // From 1 on, at the last moment: i1 waits for 4 s.
  state.Apply({0, 0, 0, {1, 1}, {}});
  EXPECT(state.TotalSeconds() == 25.0 && state.At(1).stall == 4.0);
  // A stay that is there before the program costs nothing.
  state.UndoTo(0);
  state.Apply({0, 0, 1, {-1, 0}, {}});
  EXPECT(state.TotalSeconds() == 18.0 && state.At(0).unused == 8.0);
}

void HiddenCopies() {
  const Problem problem(Reader());
  ScheduleState state(problem);
  // i0 and i2 have 8 idle seconds each, i1 and i3 none.
  EXPECT(state.LatestHiddenStart(0, 3, 4.0) == 2 && state.LatestHiddenStart(0, 3, 9.0) == 0);
  EXPECT(state.LatestHiddenStart(0, 3, 17.0) == 0 && state.LatestHiddenStart(1, 3, 9.0) == 1);
  EXPECT(state.LatestHiddenStart(0, 3, 0.0) == 3);
  EXPECT(state.EarliestHiddenDone(0, 4, 8.0) == 1 && state.EarliestHiddenDone(0, 4, 9.0) == 3);
  EXPECT(state.EarliestHiddenDone(1, 4, 9.0) == 4 && state.EarliestHiddenDone(1, 4, 0.0) == 1);
  // A copy of 4 s from 2 on leaves 4 s there.
  state.Apply({0, 1, 1, {2, 3}, {}});
  EXPECT(state.LatestHiddenStart(0, 3, 4.0) == 2 && state.LatestHiddenStart(0, 3, 5.0) == 0);
}

void WhatAStateRefuses() {
  const Problem problem(Reader());
  ScheduleState state(problem);
  EXPECT(Throws([&] { state.Apply({1, 0, 0, {}, {}}); }, "expected a storage below 1, found 1"));
  EXPECT(Throws([&] { state.Apply({0, 0, 2, {}, {}}); }, "expected touches below 2, found [0, 2]"));
  EXPECT(Throws([&] { state.Apply({0, 0, 0, {2, 1}, {}}); }, "its prefetch to have -1 <= start <= done <= 4"));
  EXPECT(Throws([&] { state.Apply({0, 0, 0, {}, {4, 4}}); }, "its eviction to have"));
  EXPECT(Throws([&] { state.Apply({0, 0, 0, {}, {0, 5}}); }, "its eviction to have"));
  EXPECT(Throws([&] { state.Undo(); }, "nothing to undo"));
  EXPECT(Throws([&] { state.Remove(0); }, "expected the id of a placed stay, found 0"));
  const int32_t id = state.Apply({0, 1, 1, {}, {}});
  EXPECT(Throws([&] { state.Apply({0, 0, 1, {}, {}}); }, "touch 1 is served by stay 0 already"));
  EXPECT(state.Mark() == 1 && state.Stays().size() == 1);
  state.Commit();
  EXPECT(Throws([&] { state.Undo(); }, "nothing to undo") && state.IsPlaced(id));
}

void IdsComeBackWithUndo() {
  const Problem problem(Reader());
  ScheduleState state(problem);
  const int32_t first = state.Apply({0, 0, 0, {0, 1}, {}});
  const int32_t second = state.Apply({0, 1, 1, {2, 3}, {}});
  const double both = state.TotalSeconds();
  const size_t mark = state.Mark();
  state.Remove(first);
  state.Remove(second);
  EXPECT(state.TotalSeconds() == 24.0 && state.Stays().empty());
  state.Apply({0, 0, 1, {0, 1}, {}});
  state.UndoTo(mark);
  EXPECT(state.stay(first).last == 0 && state.stay(second).last == 1 && state.TotalSeconds() == both);
  const int32_t third = state.Apply({0, 0, -1, {0, 0}, {}});  // copies only
  EXPECT(third != first && third != second && state.Stays().size() == 3);
}

using Random = std::mt19937;

int32_t Below(Random* random, int32_t bound) {
  return static_cast<int32_t>((*random)() % static_cast<uint32_t>(bound));
}

// Whole numbers and eighths: ties are frequent. Half of the problems have a slow copy engine.
Problem RandomProblem(Random* random, int32_t count) {
  ProblemRows rows;
  rows.hardware.capacity_bytes = 1000;
  rows.hardware.fast_bandwidth = 4.0;
  rows.hardware.copy_bandwidth = Below(random, 2) ? 0.5 : 1.0;
  rows.hardware.dma_latency_seconds = Below(random, 2) * 0.125;
  for (int32_t t = 0; t < count; ++t) {
    Instruction row;
    row.compute_seconds = Below(random, 3) * 4.0;
    row.trip_count = 1 + Below(random, 2);
    rows.instructions.push_back(row);
  }
  const int32_t num_storages = count / 2 + 1;
  for (int32_t s = 0; s < num_storages; ++s) {
    Storage storage;
    storage.size_bytes = 1 + Below(random, 12);
    storage.born_slow = true;
    rows.storages.push_back(storage);
    for (int32_t t = Below(random, count); t < count; t += 1 + Below(random, count / 3 + 1)) {
      Touch touch;
      touch.storage = s;
      touch.time = t;
      touch.bytes = 1 + Below(random, 12);
      rows.touches.push_back(touch);
    }
  }
  return Problem(rows);
}

Stay RandomStay(Random* random, const Problem& problem) {
  Stay stay;
  stay.storage = Below(random, problem.num_storages());
  const int32_t num_touches = problem.storage(stay.storage).num_touches;
  const int32_t count = problem.num_instructions();
  if (num_touches > 0 && Below(random, 8) > 0) {
    stay.first = Below(random, num_touches);
    stay.last = std::min(num_touches - 1, stay.first + Below(random, 3));
  }
  for (Transfer* transfer : {&stay.prefetch, &stay.eviction}) {
    if (Below(random, 3) == 0) continue;
    transfer->start = Below(random, count + 1) - 1;
    // Some are open for the whole program, some for no time.
    const int32_t longest = Below(random, 8) == 0 ? count : std::min(count, 12);
    transfer->done = std::min(count, transfer->start + Below(random, longest + 1));
  }
  return stay;
}

bool IsFree(const ScheduleState& state, const Stay& stay) {
  const int32_t first = state.problem().storage(stay.storage).first_touch;
  for (int32_t k = stay.first; k <= stay.last; ++k) {
    if (state.ServedBy(first + k) != ScheduleState::kNobody) return false;
  }
  return true;
}

void ExpectAsFromScratch(const ScheduleState& state) {
  const int32_t count = state.problem().num_instructions();
  const std::vector<Stay> stays = state.Stays();
  Simulator simulator(count);
  const double expected = simulator.Seconds(state.problem(), stays);
  EXPECT(Close(state.TotalSeconds(), expected));
  for (int32_t t = 0; t <= count; ++t) {
    EXPECT(std::abs(state.At(t).stall - simulator.stalls()[static_cast<size_t>(t)]) <= 1e-12 * expected);
    if (t < count) EXPECT(state.price(t).elapsed == simulator.prices()[static_cast<size_t>(t)].elapsed);
  }
  // The history leaves no trace, not even in the last bit.
  ScheduleState fresh(state.problem());
  for (size_t k = stays.size(); k > 0; --k) fresh.Apply(stays[k - 1]);
  EXPECT(fresh.TotalSeconds() == state.TotalSeconds());
}

void Walk(uint32_t seed, int32_t count, int32_t steps, int32_t check_every) {
  Random random(seed);
  const Problem problem = RandomProblem(&random, count);
  ScheduleState state(problem);
  std::vector<double> before;  // total seconds at each mark
  for (int32_t step = 0; step < steps; ++step) {
    const int32_t dice = Below(&random, 10);
    if (dice < 3 && !before.empty()) {
      state.Undo();
      if (dice == 0) EXPECT(state.TotalSeconds() == before.back());
      before.pop_back();
    } else if (dice < 5) {
      const int32_t id = Below(&random, count);
      if (!state.IsPlaced(id)) continue;
      before.push_back(state.TotalSeconds());
      state.Remove(id);
    } else {
      const Stay stay = RandomStay(&random, problem);
      if (!IsFree(state, stay)) continue;
      before.push_back(state.TotalSeconds());
      state.Apply(stay);
    }
    if (step % check_every == 0) ExpectAsFromScratch(state);
  }
  ScheduleState clone = state;
  clone.UndoTo(0);
  EXPECT(clone.TotalSeconds() == ScheduleState(problem).TotalSeconds());
  ExpectAsFromScratch(state);
}

void RandomWalks() {
  for (uint32_t seed = 0; seed < 60; ++seed) Walk(seed, 1 + static_cast<int32_t>(seed) % 30, 200, 1);
  for (uint32_t seed = 0; seed < 6; ++seed) Walk(seed, 300, 3000, 100);
  Walk(1, 2000, 2000, 500);
}

// Nothing may pile up in a state of which nobody asks the time.
void ChangesWithoutQuestions() {
  Random random(5);
  const Problem problem = RandomProblem(&random, 20);
  ScheduleState state(problem);
  for (int32_t step = 0; step < 5000; ++step) {
    const Stay stay = RandomStay(&random, problem);
    if (IsFree(state, stay)) state.Apply(stay);
    if (state.Mark() > 5) state.UndoTo(2);
  }
  ExpectAsFromScratch(state);
}

// Unused seconds by definition: idle seconds that the queue does not run in.
void UnusedSecondsOfAQueue() {
  Random random(11);
  const Problem problem = RandomProblem(&random, 40);
  ScheduleState state(problem);
  for (int32_t k = 0; k < 30; ++k) {
    const Stay stay = RandomStay(&random, problem);
    if (IsFree(state, stay)) state.Apply(stay);
  }
  for (int32_t done = 0; done <= 40; ++done) {
    for (int32_t earliest = 0; earliest <= done; earliest += 7) {
      const double seconds = Below(&random, 60) * 0.5 + 0.25;
      const int32_t start = state.LatestHiddenStart(earliest, done, seconds);
      double unused = 0.0;
      for (int32_t t = start + 1; t < done; ++t) unused += state.At(t).unused;
      EXPECT(start == done || unused < seconds);
      EXPECT(start == earliest || unused + state.At(start).unused >= seconds);
      const int32_t end = state.EarliestHiddenDone(earliest, done, seconds);
      unused = 0.0;
      for (int32_t t = earliest; t + 1 < end; ++t) unused += state.At(t).unused;
      EXPECT(end == earliest || unused < seconds);
      EXPECT(end == done || unused + state.At(end - 1).unused >= seconds);
    }
  }
}

}  // namespace
}  // namespace memstow

int main() {
  using namespace memstow;
  return testing::Run({
      {"TheLineByHand", TheLineByHand},
      {"PlanOrderDecidesBetweenEqualStarts", PlanOrderDecidesBetweenEqualStarts},
      {"ADueCopyWaitsForThoseBeforeItOnly", ADueCopyWaitsForThoseBeforeItOnly},
      {"CopiesBeforeTheProgramAreFree", CopiesBeforeTheProgramAreFree},
      {"ALengthThatDoesNotFit", ALengthThatDoesNotFit},
      {"AStayByHand", AStayByHand},
      {"HiddenCopies", HiddenCopies},
      {"WhatAStateRefuses", WhatAStateRefuses},
      {"IdsComeBackWithUndo", IdsComeBackWithUndo},
      {"RandomWalks", RandomWalks},
      {"ChangesWithoutQuestions", ChangesWithoutQuestions},
      {"UnusedSecondsOfAQueue", UnusedSecondsOfAQueue},
  });
}
