#include "memstow/game.h"

#include <cmath>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "expect.h"

namespace memstow {
namespace {

constexpr uint32_t kDropOnly = 1, kDropOrNoCopy = 3, kDropOrCopy = 5;

// Slow memory and copies at 1 byte/s, fast memory at 4 bytes/s.
Hardware UnitHardware(int64_t capacity) {
  Hardware hardware;
  hardware.capacity_bytes = capacity;
  hardware.fast_bandwidth = 4.0;
  return hardware;
}

Storage StorageOf(int64_t size, bool born_slow, bool is_output = false) {
  Storage storage;
  storage.size_bytes = size;
  storage.born_slow = born_slow;
  storage.is_output = is_output;
  return storage;
}

Touch TouchOf(int32_t storage, int32_t time, int64_t bytes, bool writes = false) {
  Touch touch;
  touch.storage = storage;
  touch.time = time;
  touch.bytes = bytes;
  touch.writes = writes;
  return touch;
}

Instruction Step(double compute_seconds) {
  Instruction instruction;
  instruction.compute_seconds = compute_seconds;
  return instruction;
}

// i0 computes 8 s and writes x (4 bytes), i1 reads w and x (4 bytes each). Storage 0 is w, storage 1 is x.
// All slow: max(8, 4) + 8 = 16 s.
Problem TwoSteps() {
  return Problem({UnitHardware(8),
                  {Step(8), Step(0)},
                  {StorageOf(4, true), StorageOf(4, false)},
                  {TouchOf(0, 1, 4), TouchOf(1, 0, 4, true), TouchOf(1, 1, 4)}});
}

void ActionsDoWhatTheySay() {
  const Problem problem = TwoSteps();
  const Game game(problem);
  GameState state(game);
  EXPECT(game.slow_seconds() == 16 && game.decisions().size() == 3);
  EXPECT(state.LegalActions() == kDropOrNoCopy);  // x has no data to copy yet
  state.Apply(Action::kNoCopy);
  EXPECT(state.Return() == 0);                  // i0 is bound by compute
  EXPECT(state.LegalActions() == kDropOrCopy);  // w has never been in fast memory
  state.Apply(Action::kCopy);
  EXPECT(state.Return() == 3);  // hidden behind i0; 4 bytes in 1 s instead of 4 s
  const Residency w = state.Residencies()[1];
  EXPECT(w.prefetch.start == 0 && w.prefetch.done == 1 && w.start == 0 && w.end == 1);
  EXPECT(state.LegalActions() == kDropOrNoCopy);  // x leaves at 1 at the earliest and cannot be back at 1
  state.Apply(Action::kNoCopy);
  EXPECT(state.Return() == 6 && state.IsTerminal() && state.History() == "121");
  EXPECT(state.LegalActions() == 0);
  EXPECT(testing::Throws([&] { state.Apply(Action::kDrop); }, "the game is over"));
}

void DroppingWrittenDataEvictsIt() {
  // i0 writes x in 1 s from fast memory (4 s from slow), i1 computes 2 s, i2 reads x.
  const Problem problem({UnitHardware(4),
                         {Step(0), Step(2), Step(0)},
                         {StorageOf(4, false)},
                         {TouchOf(0, 0, 4, true), TouchOf(0, 2, 4)}});
  const Game game(problem);
  GameState state(game);
  state.Apply(Action::kNoCopy);
  state.Apply(Action::kDrop);
  // x gets out during i1, which hides half of it, before 4 s of slow reads.
  EXPECT(state.Seconds() == 1 + 2 + 2 + 4 && state.NumBackups() == 0);
  const Residency x = state.Residencies()[0];
  EXPECT(x.eviction.start == 1 && x.eviction.done == 2 && x.end == 1);
}

void DropBackupSavesACostlyEviction() {
  const Problem problem = TwoSteps();
  const Game game(problem);
  GameState state(game);
  state.Apply(Action::kNoCopy);
  state.Apply(Action::kDrop);
  // x would get out at 1, before it is read there: 4 s of stall, although having it in fast memory saves nothing.
  state.Apply(Action::kDrop);
  EXPECT(state.Seconds() == 16 && state.NumBackups() == 1 && state.Residencies().empty());
  state.Undo();
  EXPECT(state.NumBackups() == 0 && state.Residencies().size() == 1);
}

void OutputsGetOut() {
  // i0 writes x (4 bytes) in 1 s from fast memory, i1 computes 9 s: the eviction [1, 2) hides behind it.
  const Problem problem({UnitHardware(4), {Step(0), Step(9)}, {StorageOf(4, false, true)}, {TouchOf(0, 0, 4, true)}});
  const Game game(problem);
  GameState state(game);
  state.Apply(Action::kNoCopy);
  EXPECT(state.Return() == 3 && state.Residencies()[0].eviction.done == 2 && state.Residencies()[0].end == 1);
  // Written by the last instruction it would have to start after the end.
  const Problem late({UnitHardware(4), {Step(0)}, {StorageOf(4, false, true)}, {TouchOf(0, 0, 4, true)}});
  const Game late_game(late);
  EXPECT(GameState(late_game).LegalActions() == kDropOnly);
}

void WrongActionsAreNamed() {
  const Problem problem = TwoSteps();
  const Game game(problem);
  GameState state(game);
  EXPECT(testing::Throws([&] { state.Apply(Action::kCopy); }, "storage 1, time 0): copy is illegal"));
  EXPECT(testing::Throws([&] { state.Undo(); }, "nothing to undo"));
  EXPECT(testing::Throws([&] { Game(problem, {{}, {0}}); }, "at most 0 storages"));
  EXPECT(state.NumDecided() == 0 && state.Seconds() == 16);
}

void DropBackupFreesWhatBlocks() {
  // Room for one: x is written at 0 and read at 2, y is written at 1 and read at 3.
  const Problem problem({UnitHardware(4),
                         {Step(0), Step(0), Step(0), Step(0)},
                         {StorageOf(4, false), StorageOf(4, false)},
                         {TouchOf(0, 0, 4, true), TouchOf(0, 2, 4), TouchOf(1, 1, 4, true), TouchOf(1, 3, 4)}});
  const Game game(problem);
  GameState state(game);
  state.Apply(Action::kNoCopy);  // x during [0, 0]
  state.Apply(Action::kNoCopy);  // y during [1, 1]: now x can neither stay until 2 nor be read out at 1
  EXPECT(state.Return() == 6 && state.LegalActions() == kDropOnly);
  state.Apply(Action::kDrop);
  EXPECT(state.NumBackups() == 1 && state.Return() == 3 && state.Residencies().size() == 1);
  state.Undo();
  EXPECT(state.NumBackups() == 0 && state.Return() == 6 && state.Residencies().size() == 2);
  state.Apply(Action::kDrop);
  state.Apply(Action::kNoCopy);
  EXPECT(state.Return() == 6 && state.IsTerminal());
}

void CopiesBeforeTheProgramAreFree() {
  ProblemRows rows{UnitHardware(8), {Step(0)}, {StorageOf(4, true)}, {TouchOf(0, 0, 4)}};
  rows.hardware.max_cross_program_prefetches = 1;
  const Problem problem(rows);
  const Game game(problem, {{}, {0}});
  GameState state(game);
  state.Apply(Action::kCopy);
  EXPECT(state.Seconds() == 1 && state.Residencies()[0].prefetch.start == -1 && state.Residencies()[0].start == -1);
}

ProblemRows RandomRows(uint32_t seed) {
  std::mt19937 random(seed);
  const auto draw = [&random](int32_t low, int32_t high) {
    return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low + 1));
  };
  ProblemRows rows;
  rows.hardware = UnitHardware(draw(4, 40));
  rows.hardware.alignment_bytes = draw(0, 1) ? 1 : 4;
  rows.hardware.dma_latency_seconds = draw(0, 1);
  if (draw(0, 1)) rows.hardware.max_outstanding_prefetches = draw(0, 3);
  if (draw(0, 1)) rows.hardware.max_outstanding_evictions = draw(0, 3);
  const int32_t count = draw(1, 40);
  for (int32_t t = 0; t < count; ++t) rows.instructions.push_back(Step(draw(0, 12)));
  for (int32_t s = 0; s < count; ++s) {
    rows.storages.push_back(StorageOf(draw(1, 14), draw(0, 1) != 0, draw(0, 3) == 0));
    std::map<int32_t, Touch> touches;
    const int32_t center = draw(0, count - 1);
    for (int32_t k = draw(1, 5); k > 0; --k) {
      const int32_t t = std::min(count - 1, std::max(0, center + draw(-6, 6)));
      touches[t] = TouchOf(s, t, draw(1, 14), draw(0, 2) == 0);
    }
    touches.begin()->second.writes |= !rows.storages.back().born_slow;
    for (const auto& [t, touch] : touches) rows.touches.push_back(touch);
  }
  return rows;
}

bool Near(double a, double b) { return std::abs(a - b) <= 1e-9 * (1.0 + std::abs(b)); }

std::vector<Stay> StaysOf(const GameState& state) {
  std::vector<Stay> stays;
  for (const Residency& r : state.Residencies()) stays.push_back({r.storage, r.first, r.last, r.prefetch, r.eviction});
  return stays;
}

void CheckBlocks(const GameState& state) {
  const Hardware& hardware = state.game().problem().hardware();
  const std::vector<Residency> all = state.Residencies();
  for (const Residency& a : all) {
    const int64_t a_size = state.game().problem().storage(a.storage).size_bytes;
    EXPECT(a.offset >= 0 && a.offset + a_size <= hardware.capacity_bytes && a.offset % hardware.alignment_bytes == 0);
    for (const Residency& b : all) {
      if (&a == &b || a.start > b.end || b.start > a.end) continue;
      const int64_t b_size = state.game().problem().storage(b.storage).size_bytes;
      EXPECT(a.offset + a_size <= b.offset || b.offset + b_size <= a.offset);
    }
  }
}

// 1,000 games: blocks apart, seconds as the simulator says, no trace left by what was undone, equal when played again.
void RandomGamesKeepEveryPromise() {
  int32_t backups = 0;
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    const Problem problem(RandomRows(seed));
    GameOptions options;
    options.repack.node_limit = seed % 3 == 0 ? 0 : 100;
    const Game game(problem, options);
    GameState state(game);
    std::mt19937_64 random(seed);
    std::vector<double> seconds;
    while (!state.IsTerminal()) {
      seconds.push_back(state.Seconds());
      const uint32_t legal = state.LegalActions();
      EXPECT(legal != 0 && state.Seconds() == seconds.back());
      GameState clone = state;
      const uint32_t action = static_cast<uint32_t>(random() % kNumActions);
      EXPECT(clone.TryApply(static_cast<Action>(action)) == ((legal >> action & 1U) != 0));
      if (!state.TryApply(static_cast<Action>(action))) {
        EXPECT(state.Seconds() == seconds.back());
        state.Apply(static_cast<Action>(legal & 1U ? 0 : (legal & 2U ? 1 : 2)));
      }
      if (legal >> action & 1U) EXPECT(clone.Seconds() == state.Seconds());
    }
    backups += state.NumBackups();
    CheckBlocks(state);
    EXPECT(Near(state.Seconds(), Simulator(problem.num_instructions()).Seconds(problem, StaysOf(state))));
    GameState again(game);
    for (const char digit : state.History()) again.Apply(static_cast<Action>(digit - '0'));
    EXPECT(again.Seconds() == state.Seconds() && again.Residencies().size() == state.Residencies().size());
    while (state.NumDecided() > 0) {
      state.Undo();
      EXPECT(state.Seconds() == seconds[state.NumDecided()]);
    }
    EXPECT(state.memory().num_blocks() == 0 && state.NumBackups() == 0 && state.Residencies().empty());
    state.PlayRandomly(&random);
    CheckBlocks(state);
  }
  EXPECT(backups > 0);
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"actions do what they say", memstow::ActionsDoWhatTheySay},
      {"dropping written data evicts it", memstow::DroppingWrittenDataEvictsIt},
      {"outputs get out", memstow::OutputsGetOut},
      {"wrong actions are named", memstow::WrongActionsAreNamed},
      {"Drop-backup saves a costly eviction", memstow::DropBackupSavesACostlyEviction},
      {"Drop-backup frees what blocks", memstow::DropBackupFreesWhatBlocks},
      {"copies before the program are free", memstow::CopiesBeforeTheProgramAreFree},
      {"random games keep every promise", memstow::RandomGamesKeepEveryPromise},
  });
}
