#include "memstow/fast_memory.h"

#include <map>
#include <random>
#include <vector>

#include "expect.h"

namespace memstow {
namespace {

// Two blocks of 3 in 8 bytes: one below during [0, 4], one on top of the hole [3, 5) during [0, 2].
FastMemory TwoBlocks() {
  FastMemory memory(8, 1, 6);
  memory.Place(0, {0, 3, 0, 4});
  memory.Place(1, {5, 3, 0, 2});
  return memory;
}

void FitsTakeTheSmallestAndTheLowestHole() {
  const FastMemory memory = TwoBlocks();
  EXPECT(memory.BestFit(2, 1, 3) == 3);
  EXPECT(memory.BestFit(3, 1, 3) == FastMemory::kNoRoom);
  EXPECT(memory.BestFit(5, 3, 4) == 3);
  EXPECT(memory.BestFit(8, 5, 5) == 0);
  FastMemory holes(20, 1, 3);  // holes [0, 5), [6, 9), [10, 13), [14, 20)
  holes.Place(0, {5, 1, 0, 3});
  holes.Place(1, {9, 1, 0, 3});
  holes.Place(2, {13, 1, 0, 3});
  EXPECT(holes.BestFit(3, 0, 0) == 6);
  EXPECT(holes.FirstFit(3, 0, 0) == 0);
  EXPECT(holes.BestFit(6, 0, 0) == 14);
  EXPECT(holes.BestFit(4, 1, 2, true) == 1);
}

void HolesAreBetweenWhatIsAround() {
  // Capacity 12, offsets even. A [0, 3) during 2..5 and B [6, 8) during 0..3: holes for 3..4 are [4, 6) and [8, 12).
  FastMemory memory(12, 2, 40);
  memory.Place(7, {0, 3, 2, 5});
  memory.Place(4, {6, 2, 0, 3});
  EXPECT((memory.Around(3, 4) == std::vector<int32_t>{7, 4}));
  EXPECT((memory.Around(4, 39) == std::vector<int32_t>{7}));
  EXPECT(memory.BestFit(2, 3, 4) == 4);
  EXPECT(memory.BestFit(3, 3, 4) == 8);
  EXPECT(memory.BestFit(1, 3, 4, true) == 4);  // [5, 6) is not aligned
  EXPECT(memory.BestFit(3, 3, 4, true) == 8);  // [9, 12) is not aligned
  EXPECT(memory.BestFit(5, 3, 4) == FastMemory::kNoRoom);
  EXPECT(memory.BestFit(5, 4, 30) == 4);  // B is gone
  EXPECT(memory.BestFit(12, 6, 30, true) == 0);
  memory.Remove(7);
  EXPECT(memory.BestFit(6, 0, 3) == 0);
}

void OffsetsAreAligned() {
  FastMemory memory(30, 8, 3);
  memory.Place(0, {0, 5, 0, 3});
  EXPECT(memory.BestFit(5, 0, 3) == 8);
  EXPECT(memory.BestFit(5, 0, 3, true) == 24);  // [25, 30) is not aligned
  EXPECT(memory.BestFit(22, 0, 3) == 8);        // [8, 30): the end of memory need not be a multiple
  EXPECT(memory.BestFit(23, 0, 3) == FastMemory::kNoRoom);
  EXPECT(memory.PeakLoad(0, 3) == 8);
  EXPECT(testing::Throws([&] { memory.Place(1, {12, 5, 0, 3}); }, "multiple of 8"));
}

void WrongCallsAreNamed() {
  FastMemory memory = TwoBlocks();
  EXPECT(testing::Throws([&] { memory.Place(1, {0, 1, 6, 6}); }, "block 1"));
  EXPECT(testing::Throws([&] { memory.Place(2, {0, 1, 3, 2}); }, "times in [-1, 6]"));
  EXPECT(testing::Throws([&] { memory.Place(2, {6, 3, 6, 6}); }, "within 8"));
  EXPECT(testing::Throws([&] { memory.Remove(7); }, "found 7"));
  EXPECT(testing::Throws([] { FastMemory(8, 0, 6); }, "alignment"));
}

void LoadsCountBytesAtATime() {
  FastMemory memory(9, 1, 6);
  memory.Place(0, {0, 3, 0, 4});
  memory.Place(1, {5, 3, 0, 2});
  EXPECT(memory.PeakLoad(1, 1) == 6 && memory.PeakLoad(3, 6) == 3 && memory.PeakLoad(5, 6) == 0);
  EXPECT(memory.IsOverfull(4, 2, 3) && !memory.IsOverfull(3, 2, 3) && !memory.IsOverfull(4, 3, 6));
  EXPECT(memory.EarliestRoom(4, 1, 4) == 3 && memory.EarliestRoom(4, 0, 2) == 3 && memory.EarliestRoom(3, 0, 4) == 0);
  memory.Lift(1);
  EXPECT(memory.IsLifted(1) && memory.BestFit(6, 0, 2) == 3 && memory.PeakLoad(1, 1) == 6);
  memory.Move(1, 3);
  EXPECT(!memory.IsLifted(1) && memory.BestFit(3, 0, 2) == 6);
}

// What a scan of all blocks and bytes says, with memory of unit alignment or of 4.
class Scan {
 public:
  Scan(int64_t capacity, int64_t alignment) : capacity_(capacity), alignment_(alignment) {}

  std::map<int32_t, Block> blocks;

  std::vector<int32_t> Around(int32_t start, int32_t end) const {
    std::map<std::pair<int64_t, int32_t>, int32_t> found;
    for (const auto& [key, block] : blocks) {
      if (block.start <= end && start <= block.end) found[{block.offset, key}] = key;
    }
    std::vector<int32_t> keys;
    for (const auto& [rank, key] : found) keys.push_back(key);
    return keys;
  }
  bool IsFree(int64_t offset, int64_t size, int32_t start, int32_t end) const {
    if (offset < 0 || offset + size > capacity_) return false;
    for (int32_t key : Around(start, end)) {
      const Block& other = blocks.at(key);
      if (other.offset < offset + size && offset < other.offset + other.size) return false;
    }
    return true;
  }
  int64_t FirstFit(int64_t size, int32_t start, int32_t end) const {
    for (int64_t offset = 0; offset + size <= capacity_; offset += alignment_) {
      if (IsFree(offset, size, start, end)) return offset;
    }
    return FastMemory::kNoRoom;
  }
  // Holes of every offset that is free, told apart by the used bytes below them.
  int64_t BestFit(int64_t size, int32_t start, int32_t end) const {
    int64_t best = FastMemory::kNoRoom, least = capacity_ + 1;
    for (int64_t offset = 0; offset < capacity_;) {
      int64_t top = offset;
      while (top < capacity_ && IsFree(top, 1, start, end)) ++top;
      if (top - offset >= size && top - offset < least) {
        best = offset;
        least = top - offset;
      }
      offset = (std::max(top, offset + 1) + alignment_ - 1) / alignment_ * alignment_;
    }
    return best;
  }
  int64_t Load(int32_t t) const {
    int64_t load = 0;
    for (int32_t key : Around(t, t)) load += (blocks.at(key).size + alignment_ - 1) / alignment_ * alignment_;
    return load;
  }

 private:
  int64_t capacity_;
  int64_t alignment_;
};

void Compare(const FastMemory& memory, const Scan& scan, int64_t size, int32_t start, int32_t end) {
  const int64_t alignment = memory.alignment();
  EXPECT(memory.Around(start, end) == scan.Around(start, end));
  EXPECT(memory.FirstFit(size, start, end) == scan.FirstFit(size, start, end));
  EXPECT(memory.BestFit(size, start, end) == scan.BestFit(size, start, end));
  const int64_t high = memory.BestFit(size, start, end, true);
  EXPECT((high == FastMemory::kNoRoom) == (scan.FirstFit(size, start, end) == FastMemory::kNoRoom));
  EXPECT(high == FastMemory::kNoRoom || scan.IsFree(high, size, start, end));
  for (int64_t offset = -alignment; offset < memory.capacity(); offset += alignment) {
    EXPECT(memory.IsFree(offset, size, start, end) == scan.IsFree(offset, size, start, end));
  }
  int64_t peak = 0;
  for (int32_t t = start; t <= end; ++t) peak = std::max(peak, scan.Load(t));
  EXPECT(memory.PeakLoad(start, end) == peak);
  const int32_t room = memory.EarliestRoom(size, start, end);
  EXPECT(room == end + 1 || !memory.IsOverfull(size, room, end));
  EXPECT(room == start || memory.IsOverfull(size, room - 1, end));
}

// Programs shorter and longer than the buckets that keep runs; blocks short and long.
void RandomChangesAgreeWithAScan() {
  for (uint32_t seed = 0; seed < 24; ++seed) {
    std::mt19937 random(seed);
    const auto draw = [&random](int32_t low, int32_t high) {
      return low + static_cast<int32_t>(random() % static_cast<uint32_t>(high - low + 1));
    };
    const int32_t times = draw(1, seed % 3 == 0 ? 20 : 400);
    const int64_t capacity = draw(8, 60), alignment = seed % 2 == 0 ? 1 : 4;
    FastMemory memory(capacity, alignment, times);
    Scan scan(capacity, alignment);
    for (int32_t k = 0; k < 120; ++k) {
      const int32_t reach = k % 4 == 0 ? times : 8;
      const int32_t start = draw(-1, times), end = std::min(times, start + draw(0, reach));
      const int64_t size = draw(1, 12);
      Compare(memory, scan, size, start, end);
      const int64_t offset = memory.BestFit(size, start, end, draw(0, 1) == 1);
      const int32_t key = draw(0, 40);
      if (memory.Contains(key)) {
        const Block old = memory.block(key);
        const int32_t later = std::min(times, old.end + reach);
        const int64_t other = memory.FirstFit(old.size, old.start, old.end);
        if (k % 3 == 0 && later > old.end && memory.IsFree(old.offset, old.size, old.end + 1, later)) {
          memory.SetEnd(key, later);
          scan.blocks[key].end = later;
        } else if (k % 3 == 1 && other != FastMemory::kNoRoom) {
          memory.Move(key, other);
          scan.blocks[key].offset = other;
        } else {
          memory.Remove(key);
          scan.blocks.erase(key);
        }
      } else if (offset != FastMemory::kNoRoom) {
        memory.Place(key, {offset, size, start, end});
        scan.blocks[key] = {offset, size, start, end};
      }
      EXPECT(memory.num_blocks() == scan.blocks.size());
    }
  }
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"fits take the smallest and the lowest hole", memstow::FitsTakeTheSmallestAndTheLowestHole},
      {"holes are between what is around", memstow::HolesAreBetweenWhatIsAround},
      {"offsets are aligned", memstow::OffsetsAreAligned},
      {"wrong calls are named", memstow::WrongCallsAreNamed},
      {"loads count bytes at a time", memstow::LoadsCountBytesAtATime},
      {"random changes agree with a scan", memstow::RandomChangesAgreeWithAScan},
  });
}
