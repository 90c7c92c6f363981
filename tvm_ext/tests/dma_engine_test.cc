#include "memstow/dma_engine.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "expect.h"

namespace {

using memstow::CheckedCopyQueue;
using memstow::CopyQueue;
using memstow::CopyRequest;
using memstow::DmaEngine;
using memstow::testing::Throws;
using Floats = std::vector<float>;

constexpr DLDataType kFloat{kDLFloat, 32, 1};

CopyRequest Request(Floats* to, const Floats& from, std::shared_ptr<void> holder = nullptr) {
  return CopyRequest{to->data(), from.data(), from.size() * sizeof(float), kFloat, std::move(holder)};
}

Floats Ramp(size_t size) {
  Floats values(size);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

template <typename Queue>
void CopiesArriveByTheirWait() {
  Queue queue;
  const Floats source = Ramp(1 << 16);
  std::vector<Floats> destinations(8, Floats(source.size()));
  for (size_t i = 0; i < destinations.size(); ++i)
    queue.Start(static_cast<int64_t>(i), Request(&destinations[i], source));
  for (size_t i = destinations.size(); i-- > 0;) {
    queue.Wait(static_cast<int64_t>(i));
    EXPECT(destinations[i] == source);
  }
}

template <typename Queue>
void WaitingTwiceIsHarmless() {
  Queue queue;
  const Floats source = Ramp(4);
  Floats destination(4);
  queue.Start(7, Request(&destination, source));
  queue.Wait(7);
  queue.Wait(7);
  EXPECT(destination == source);
}

template <typename Queue>
void MisuseIsAnError() {
  // The memory is declared before the queue, so it outlives what the queue's thread still copies.
  const Floats source = Ramp(4);
  Floats destination(4);
  Queue queue;
  EXPECT(Throws([&] { queue.Wait(0); }, "copy 0 was never started"));
  queue.Start(0, Request(&destination, source));
  EXPECT(Throws([&] { queue.Start(0, Request(&destination, source)); }, "copy 0 was already started"));
}

// The later copy reads what the earlier one wrote, so any other order delivers zeros.
void CopiesRunInOrder() {
  DmaEngine engine;
  const Floats source = Ramp(1 << 18);
  Floats middle(source.size()), last(source.size());
  engine.Start(0, Request(&middle, source));
  engine.Start(1, Request(&last, middle));
  engine.Wait(1);
  EXPECT(last == source);
}

void DestructionReleasesEveryHolder() {
  const Floats source = Ramp(1 << 20);
  Floats destination(source.size());
  auto holder = std::make_shared<int>(0);
  {
    DmaEngine engine;
    for (int64_t id = 0; id < 16; ++id) engine.Start(id, Request(&destination, source, holder));
  }
  EXPECT(holder.use_count() == 1);
}

// The engine holds the last reference to the holder, so the thread that ran the copy is the one that deletes it.
void CopiesRunOnAThreadOfTheirOwn() {
  const Floats source = Ramp(16);
  Floats destination(16);
  std::thread::id copier = std::this_thread::get_id();
  {
    DmaEngine engine;
    std::shared_ptr<void> holder(nullptr, [&copier](void*) { copier = std::this_thread::get_id(); });
    engine.Start(0, Request(&destination, source, std::move(holder)));
    engine.Wait(0);
  }
  EXPECT(copier != std::this_thread::get_id());
}

void EnginesOfSeveralCallersAreIndependent() {
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int k = 0; k < 4; ++k) {
    callers.emplace_back([&right] {
      DmaEngine engine;
      const Floats source = Ramp(1 << 12);
      for (int64_t id = 0; id < 50; ++id) {
        Floats destination(source.size());
        engine.Start(id, Request(&destination, source));
        engine.Wait(id);
        right += destination == source;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT(right == 4 * 50);
}

void CheckedCopyIsPoisonUntilItsWait() {
  CheckedCopyQueue queue;
  const Floats source = Ramp(4);
  Floats destination(4);
  queue.Start(0, Request(&destination, source));
  EXPECT(std::isnan(destination[0]));
  queue.Wait(0);
  EXPECT(destination == source);
}

void CheckedCopyThatRacedWithAWriteDeliversPoison() {
  CheckedCopyQueue queue;
  Floats source = Ramp(4);
  Floats destination(4);
  queue.Start(0, Request(&destination, source));
  source[2] = -1.0f;
  queue.Wait(0);
  EXPECT(std::isnan(destination[0]));
}

}  // namespace

int main() {
  return memstow::testing::Run({
      {"copies arrive by their wait", CopiesArriveByTheirWait<DmaEngine>},
      {"checked copies arrive by their wait", CopiesArriveByTheirWait<CheckedCopyQueue>},
      {"waiting twice is harmless", WaitingTwiceIsHarmless<DmaEngine>},
      {"waiting twice for a checked copy is harmless", WaitingTwiceIsHarmless<CheckedCopyQueue>},
      {"misuse is an error", MisuseIsAnError<DmaEngine>},
      {"misuse of the checked queue is an error", MisuseIsAnError<CheckedCopyQueue>},
      {"copies run in order", CopiesRunInOrder},
      {"copies run on a thread of their own", CopiesRunOnAThreadOfTheirOwn},
      {"destruction releases every holder", DestructionReleasesEveryHolder},
      {"engines of several callers are independent", EnginesOfSeveralCallersAreIndependent},
      {"a checked copy is poison until its wait", CheckedCopyIsPoisonUntilItsWait},
      {"a checked copy that raced with a write delivers poison", CheckedCopyThatRacedWithAWriteDeliversPoison},
  });
}
