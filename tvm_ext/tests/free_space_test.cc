#include "memstow/free_space.h"

#include <random>
#include <vector>

#include "expect.h"

namespace memstow {
namespace {

using Key = int32_t;

// Two blocks of 3 in 8 bytes: one below during [0, 4], one on top of the hole [3, 5) during [0, 2].
FreeSpace TwoBlocks() {
  FreeSpace space(8, 1, 6);
  space.Place({0, 0, 3, 0, 4});
  space.Place({1, 5, 3, 0, 2});
  return space;
}

void FitsTakeTheSmallestAndTheLowestHole() {
  const FreeSpace space = TwoBlocks();
  EXPECT(space.BestFit(2, 1, 3) == 3);
  EXPECT(space.BestFit(3, 1, 3) == FreeSpace::kNoRoom);
  EXPECT(space.BestFit(5, 3, 4) == 3);
  EXPECT(space.BestFit(8, 5, 5) == 0);
  FreeSpace holes(20, 1, 3);  // holes [0, 5), [6, 9), [10, 13), [14, 20)
  holes.Place({0, 5, 1, 0, 3});
  holes.Place({1, 9, 1, 0, 3});
  holes.Place({2, 13, 1, 0, 3});
  EXPECT(holes.BestFit(3, 0, 0) == 6);
  EXPECT(holes.FirstFit(3, 0, 0) == 0);
  EXPECT(holes.BestFit(6, 0, 0) == 14);
  EXPECT(holes.Holes(1, 2).size() == 4);
  EXPECT(holes.Holes(1, 2)[1].offset == 6 && holes.Holes(1, 2)[1].size == 3);
}

void OffsetsAreAligned() {
  FreeSpace space(30, 8, 3);
  space.Place({0, 0, 5, 0, 3});
  EXPECT(space.BestFit(5, 0, 3) == 8);
  EXPECT(space.BestFit(22, 0, 3) == 8);  // [8, 30): the end of memory need not be a multiple
  EXPECT(space.BestFit(23, 0, 3) == FreeSpace::kNoRoom);
  EXPECT(space.PeakLoad(0, 3) == 8);
  EXPECT(testing::Throws([&] { space.Place({1, 12, 5, 0, 3}); }, "multiple of 8"));
}

void WrongCallsAreNamed() {
  FreeSpace space = TwoBlocks();
  EXPECT(testing::Throws([&] { space.Place({1, 0, 1, 6, 6}); }, "block 1"));
  EXPECT(testing::Throws([&] { space.Place({2, 0, 1, 3, 2}); }, "times in [-1, 6]"));
  EXPECT(testing::Throws([&] { space.Place({2, 6, 3, 6, 6}); }, "within 8"));
  EXPECT(testing::Throws([&] { space.Remove(7); }, "found 7"));
  EXPECT(testing::Throws([] { FreeSpace(8, 0, 6); }, "alignment"));
}

void InsertMovesOthersAndSaysWhenThatCannotHelp() {
  FreeSpace space(9, 1, 6);  // holes [3, 5) and [8, 9) at time 1
  space.Place({0, 0, 3, 0, 4});
  space.Place({1, 5, 3, 0, 2});
  EXPECT(space.Insert({2, 0, 3, 1, 3}, {false, 0, 0}) == InsertOutcome::kNotFound);
  EXPECT(space.num_blocks() == 2);
  EXPECT(space.Insert({2, 0, 3, 1, 3}) == InsertOutcome::kPlaced);
  EXPECT(space.num_blocks() == 3);
  EXPECT(space.Insert({3, 0, 1, 1, 3}) == InsertOutcome::kOverfull);  // 3 + 3 + 3 of 9 bytes at time 1
  EXPECT(space.EarliestRoom(1, 0, 6) == 3);                           // 9 bytes until 2, then 6
  EXPECT(space.EarliestRoom(1, 0, 2) == 3 && space.EarliestRoom(3, 3, 3) == 3);
  EXPECT(space.PeakLoad(1, 1) == 9 && space.PeakLoad(3, 6) == 6 && space.PeakLoad(5, 6) == 0);
  FreeSpace split(6, 1, 4);  // holes [0, 2) and [4, 6) around a block that can move
  split.Place({0, 2, 2, 0, 4});
  EXPECT(split.BestFit(4, 2, 2) == FreeSpace::kNoRoom);
  EXPECT(split.Insert({1, 0, 4, 2, 2}) == InsertOutcome::kPlaced);
  EXPECT(split.block(0).offset != 2 && split.block(0).start == 0 && split.block(0).end == 4);
}

// Buffers of the worked example of packing.h: 12 bytes suffice, and the ground is taken first by the wrong ones.
void InsertFindsAPackingWhereFitsDoNot() {
  FreeSpace space(12, 1, 20);
  space.Place({0, 0, 4, 0, 2});
  space.Place({1, 4, 4, 3, 8});
  space.Place({2, 8, 4, 0, 8});
  space.Place({3, 4, 4, 9, 20});
  EXPECT(space.BestFit(4, 0, 20) == FreeSpace::kNoRoom);
  EXPECT(space.Insert({4, 0, 4, 0, 20}) == InsertOutcome::kPlaced);
  EXPECT(space.num_blocks() == 5);
}

void ResizeKeepsThePlaceIfItCan() {
  FreeSpace space = TwoBlocks();
  EXPECT(space.Resize(1, 0, 6) == InsertOutcome::kPlaced);
  EXPECT(space.block(1).offset == 5 && space.block(1).end == 6);
  space.Place({2, 0, 6, 5, 6});
  const size_t mark = space.Mark();
  EXPECT(space.Resize(0, 0, 5) == InsertOutcome::kOverfull);
  EXPECT(space.Mark() == mark && space.block(0).end == 4);
}

bool Same(const std::vector<Block>& a, const std::vector<Block>& b) {
  if (a.size() != b.size()) return false;
  for (size_t k = 0; k < a.size(); ++k) {
    if (a[k].key != b[k].key || a[k].offset != b[k].offset || a[k].start != b[k].start || a[k].end != b[k].end) {
      return false;
    }
  }
  return true;
}

bool Disjoint(const std::vector<Block>& blocks, int64_t capacity, int64_t alignment) {
  for (const Block& a : blocks) {
    if (a.offset % alignment != 0 || a.offset < 0 || a.offset + a.size > capacity) return false;
    for (const Block& b : blocks) {
      if (a.key < b.key && a.start <= b.end && b.start <= a.end && a.offset < b.offset + b.size &&
          b.offset < a.offset + a.size) {
        return false;
      }
    }
  }
  return true;
}

// What a scan of all bytes says: the free bytes of [start, end], unit alignment.
std::vector<bool> FreeBytes(const FreeSpace& space, int32_t start, int32_t end) {
  std::vector<bool> free(static_cast<size_t>(space.capacity()), true);
  for (const Block& block : space.Blocks()) {
    if (block.start > end || block.end < start) continue;
    for (int64_t byte = block.offset; byte < block.offset + block.size; ++byte) free[static_cast<size_t>(byte)] = false;
  }
  return free;
}

int64_t FirstFitByScan(const FreeSpace& space, int64_t size, int32_t start, int32_t end) {
  const std::vector<bool> free = FreeBytes(space, start, end);
  int64_t run = 0;
  for (size_t byte = 0; byte < free.size(); ++byte) {
    run = free[byte] ? run + 1 : 0;
    if (run == size) return static_cast<int64_t>(byte) + 1 - size;
  }
  return FreeSpace::kNoRoom;
}

void RandomChangesKeepEveryPromise() {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&random](int32_t low, int32_t high) {
      return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low + 1));
    };
    const int32_t times = draw(3, 200);
    const int64_t alignment = seed % 2 == 0 ? 1 : 4;
    FreeSpace space(draw(8, 60), alignment, times);
    const FreeSpace empty = space;
    for (Key key = 0; key < 60; ++key) {
      const int32_t start = draw(-1, times), end = std::min(times, start + draw(0, times / 2));
      const int64_t size = draw(1, 12);
      if (alignment == 1) EXPECT(space.FirstFit(size, start, end) == FirstFitByScan(space, size, start, end));
      const std::vector<Block> before = space.Blocks();
      const size_t mark = space.Mark();
      const bool placed = space.Insert({key, 0, size, start, end}, {true, 50, 100}) == InsertOutcome::kPlaced;
      EXPECT(Disjoint(space.Blocks(), space.capacity(), alignment));
      EXPECT(placed == space.Contains(key));
      if (!placed) EXPECT(Same(space.Blocks(), before));
      if (placed && draw(0, 3) == 0) {
        space.UndoTo(mark);
        EXPECT(Same(space.Blocks(), before));
      } else if (placed && draw(0, 3) == 0) {
        space.Remove(key);
      }
    }
    space.UndoTo(0);
    EXPECT(Same(space.Blocks(), empty.Blocks()) && space.num_blocks() == 0);
    EXPECT(space.BestFit(space.capacity(), 0, times) == 0);
  }
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"fits take the smallest and the lowest hole", memstow::FitsTakeTheSmallestAndTheLowestHole},
      {"offsets are aligned", memstow::OffsetsAreAligned},
      {"wrong calls are named", memstow::WrongCallsAreNamed},
      {"insert moves others", memstow::InsertMovesOthersAndSaysWhenThatCannotHelp},
      {"insert finds a packing where fits do not", memstow::InsertFindsAPackingWhereFitsDoNot},
      {"resize keeps the place if it can", memstow::ResizeKeepsThePlaceIfItCan},
      {"random changes keep every promise", memstow::RandomChangesKeepEveryPromise},
  });
}
