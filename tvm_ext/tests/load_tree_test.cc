#include "memstow/load_tree.h"

#include <algorithm>
#include <random>
#include <vector>

#include "expect.h"

namespace memstow {
namespace {

void RangesAddUp() {
  LoadTree load(100);
  load.Add(3, 50, 7);
  load.Add(50, 60, 2);
  EXPECT(load.Max(0, 99) == 9 && load.Max(0, 49) == 7 && load.Max(51, 99) == 2 && load.Max(61, 99) == 0);
  EXPECT(load.At(50) == 9 && load.At(2) == 0);
  EXPECT(load.LastAbove(0, 99, 8) == 50 && load.LastAbove(0, 99, 1) == 60 && load.LastAbove(0, 20, 1) == 20);
  EXPECT(load.LastAbove(0, 2, 0) == LoadTree::kNever);
  load.Add(3, 50, -7);
  EXPECT(load.Max(0, 99) == 2);
}

// An array of times says the same, for lengths around the tree's widths.
void RandomChangesAgreeWithAnArray() {
  for (const int32_t count : {1, 15, 16, 17, 255, 256, 257, 5000}) {
    std::mt19937 random(static_cast<uint32_t>(count));
    const auto draw = [&random](int32_t below) {
      return static_cast<int32_t>(random() % static_cast<uint32_t>(below));
    };
    LoadTree load(count);
    std::vector<int64_t> array(static_cast<size_t>(count), 0);
    for (int32_t k = 0; k < 300; ++k) {
      const int32_t start = draw(count), end = std::min(count - 1, start + draw(k % 2 == 0 ? 40 : count));
      const int64_t amount = draw(9) - 4;
      load.Add(start, end, amount);
      for (int32_t t = start; t <= end; ++t) array[static_cast<size_t>(t)] += amount;
      const int32_t from = draw(count), until = std::min(count - 1, from + draw(k % 3 == 0 ? 40 : count));
      EXPECT(load.Max(from, until) == *std::max_element(array.begin() + from, array.begin() + until + 1));
      EXPECT(load.At(from) == array[static_cast<size_t>(from)]);
      const int64_t limit = draw(9) - 4;
      int32_t last = until;
      while (last >= from && array[static_cast<size_t>(last)] <= limit) --last;
      EXPECT(load.LastAbove(from, until, limit) == (last < from ? LoadTree::kNever : last));
    }
  }
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"ranges add up", memstow::RangesAddUp},
      {"random changes agree with an array", memstow::RandomChangesAgreeWithAnArray},
  });
}
