#include "memstow/kernel_timer.h"

#include <stdexcept>
#include <vector>

#include "expect.h"

namespace {

using memstow::Span;
using memstow::TimeKernel;
using memstow::TimingEffort;

void Nothing() {}

// One warm-up, then a call for each placement in each run.
void CallsAreCounted() {
  std::vector<float> data(100, 1.0f);
  int calls = 0;
  const std::vector<Span> spans{{data.data(), data.size() * sizeof(float)}, {data.data(), 1}};
  const auto seconds = TimeKernel([&] { ++calls; }, spans, {"00", "01", "11"}, TimingEffort{2, 5, 100.0}, Nothing);
  EXPECT(calls == 1 + 3 * 5);
  EXPECT(seconds.size() == 3 * 5);
  for (double value : seconds) EXPECT(value >= 0.0);
}

void TimeEndsTheRunsButNotTheFirst() {
  int calls = 0;
  const auto seconds = TimeKernel([&] { ++calls; }, {}, {""}, TimingEffort{3, 1000000, 0.0}, Nothing);
  EXPECT(calls == 1 + 3);
  EXPECT(seconds.size() == 3);
}

// Neither flushing nor loading changes the memory, at any alignment; the bytes beside it are not read.
void MemoryKeepsItsContent() {
  std::vector<unsigned char> data(1000);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(i);
  for (size_t begin : {0, 1, 63, 64, 65}) {
    memstow::FlushFromCache({data.data() + begin, data.size() - begin});
    memstow::LoadIntoCache({data.data() + begin, data.size() - begin});
    memstow::FlushFromCache({data.data() + begin, 0});
    memstow::LoadIntoCache({data.data() + begin, 0});
  }
  for (size_t i = 0; i < data.size(); ++i) EXPECT(data[i] == static_cast<unsigned char>(i));
}

void PollStops() {
  int calls = 0;
  bool stopped = false;
  try {
    TimeKernel([&] { ++calls; }, {}, {""}, TimingEffort{9, 9, 1.0}, [] { throw std::runtime_error("stop"); });
  } catch (const std::runtime_error&) {
    stopped = true;
  }
  EXPECT(stopped && calls == 2);
}

}  // namespace

int main() {
  return memstow::testing::Run({{"calls are counted", CallsAreCounted},
                                {"time ends the runs but not the first", TimeEndsTheRunsButNotTheFirst},
                                {"memory keeps its content", MemoryKeepsItsContent},
                                {"poll stops", PollStops}});
}
