#include "memstow/repacking_memory.h"

#include <random>
#include <vector>

#include "expect.h"

namespace memstow {
namespace {

void InsertMovesOthersAndSaysWhenThatCannotHelp() {
  RepackingMemory space(9, 1, 6);  // holes [3, 5) and [8, 9) at time 1
  space.Place(0, {0, 3, 0, 4});
  space.Place(1, {5, 3, 0, 2});
  const size_t mark = space.Mark();
  EXPECT(space.Insert(2, 3, 1, 3, {false, 0, 0}) == InsertOutcome::kNotFound);
  EXPECT(space.Mark() == mark && !space.Contains(2));
  EXPECT(space.Insert(2, 3, 1, 3) == InsertOutcome::kPlaced);
  EXPECT(space.Contains(2) && space.memory().num_blocks() == 3);
  EXPECT(space.Insert(3, 1, 1, 3) == InsertOutcome::kOverfull);  // 3 + 3 + 3 of 9 bytes at time 1
  space.UndoTo(mark);
  EXPECT(!space.Contains(2) && space.block(0).offset == 0 && space.block(1).offset == 5);
  RepackingMemory split(6, 1, 4);  // holes [0, 2) and [4, 6) around a block that can move
  split.Place(0, {2, 2, 0, 4});
  EXPECT(split.memory().BestFit(4, 2, 2) == FastMemory::kNoRoom);
  EXPECT(split.Insert(1, 4, 2, 2) == InsertOutcome::kPlaced);
  EXPECT(split.block(0).offset != 2 && split.block(0).start == 0 && split.block(0).end == 4);
}

// Buffers of the worked example of packing.h: 12 bytes suffice, and the ground is taken first by the wrong ones.
void InsertFindsAPackingWhereFitsDoNot() {
  RepackingMemory space(12, 1, 20);
  space.Place(0, {0, 4, 0, 2});
  space.Place(1, {4, 4, 3, 8});
  space.Place(2, {8, 4, 0, 8});
  space.Place(3, {4, 4, 9, 20});
  EXPECT(space.memory().BestFit(4, 0, 20) == FastMemory::kNoRoom);
  EXPECT(space.Insert(4, 4, 0, 20) == InsertOutcome::kPlaced);
  EXPECT(space.memory().num_blocks() == 5);
}

void ExtendKeepsThePlaceIfItCan() {
  RepackingMemory space(8, 1, 6);
  space.Place(0, {0, 3, 0, 4});
  space.Place(1, {5, 3, 0, 2});
  EXPECT(space.Extend(1, 6) == InsertOutcome::kPlaced);
  EXPECT(space.block(1).offset == 5 && space.block(1).end == 6);
  space.Place(2, {0, 5, 5, 6});
  const size_t mark = space.Mark();
  EXPECT(space.Extend(0, 5) == InsertOutcome::kOverfull);
  EXPECT(space.Mark() == mark && space.block(0).end == 4);
  space.UndoTo(0);
  EXPECT(space.memory().num_blocks() == 0);
}

struct Row {
  int32_t key;
  Block block;
};

std::vector<Row> Rows(const RepackingMemory& space) {
  std::vector<Row> rows;
  for (int32_t key = 0; key < 60; ++key) {
    if (space.Contains(key)) rows.push_back({key, space.block(key)});
  }
  return rows;
}

bool Same(const std::vector<Row>& a, const std::vector<Row>& b) {
  if (a.size() != b.size()) return false;
  for (size_t k = 0; k < a.size(); ++k) {
    const Block &one = a[k].block, &other = b[k].block;
    if (a[k].key != b[k].key || one.offset != other.offset || one.size != other.size || one.start != other.start ||
        one.end != other.end) {
      return false;
    }
  }
  return true;
}

bool Disjoint(const std::vector<Row>& rows, int64_t capacity, int64_t alignment) {
  for (const auto& [key, a] : rows) {
    if (a.offset % alignment != 0 || a.offset < 0 || a.offset + a.size > capacity) return false;
    for (const auto& [other, b] : rows) {
      if (key < other && a.start <= b.end && b.start <= a.end && a.offset < b.offset + b.size &&
          b.offset < a.offset + a.size) {
        return false;
      }
    }
  }
  return true;
}

void RandomChangesKeepEveryPromise() {
  int32_t moved = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&random](int32_t low, int32_t high) {
      return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low + 1));
    };
    const int32_t times = draw(3, 200);
    const int64_t capacity = draw(8, 60), alignment = seed % 2 == 0 ? 1 : 4;
    RepackingMemory space(capacity, alignment, times);
    for (int32_t key = 0; key < 60; ++key) {
      const int32_t start = draw(-1, times), end = std::min(times, start + draw(0, times / 2));
      const int64_t size = draw(1, 12);
      const std::vector<Row> before = Rows(space);
      const size_t mark = space.Mark();
      const bool fits = space.memory().BestFit(size, start, end) != FastMemory::kNoRoom;
      const bool placed = space.Insert(key, size, start, end, {true, 50, 100}) == InsertOutcome::kPlaced;
      moved += placed && !fits;
      EXPECT(placed || !fits);
      EXPECT(Disjoint(Rows(space), capacity, alignment));
      EXPECT(placed == space.Contains(key));
      if (!placed) EXPECT(Same(Rows(space), before));
      const int32_t other = draw(0, key);
      if (space.Contains(other)) {
        const std::vector<Row> mine = Rows(space);
        const int32_t until = std::min(times, space.block(other).end + draw(0, times / 4));
        const bool extended = space.Extend(other, until, {true, 50, 100}) == InsertOutcome::kPlaced;
        EXPECT(Disjoint(Rows(space), capacity, alignment));
        if (extended) EXPECT(space.block(other).end == until);
        if (!extended) EXPECT(Same(Rows(space), mine));
      }
      if (draw(0, 3) == 0) {
        space.UndoTo(mark);
        EXPECT(Same(Rows(space), before));
      } else if (placed && draw(0, 3) == 0) {
        space.Remove(key);
      }
    }
    space.UndoTo(0);
    EXPECT(Rows(space).empty() && space.memory().num_blocks() == 0);
    EXPECT(space.memory().BestFit(capacity, 0, times) == 0 && space.memory().PeakLoad(-1, times) == 0);
  }
  EXPECT(moved > 100);
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"insert moves others", memstow::InsertMovesOthersAndSaysWhenThatCannotHelp},
      {"insert finds a packing where fits do not", memstow::InsertFindsAPackingWhereFitsDoNot},
      {"extend keeps the place if it can", memstow::ExtendKeepsThePlaceIfItCan},
      {"random changes keep every promise", memstow::RandomChangesKeepEveryPromise},
  });
}
