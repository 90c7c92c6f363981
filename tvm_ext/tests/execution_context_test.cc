#include "memstow/execution_context.h"

#include <cmath>
#include <cstdint>

#include "expect.h"

namespace {

using memstow::ExecutionContext;
using memstow::Memory;
using memstow::testing::Throws;
using tvm::ffi::Shape;
using tvm::ffi::Tensor;

constexpr DLDataType kFloat{kDLFloat, 32, 1};

float* Data(const Tensor& tensor) { return static_cast<float*>(tensor.data_ptr()); }

void ViewsShiftDataAndKeepByteOffsetZero() {
  ExecutionContext context(256, 64, false);
  Tensor whole = context->View(Memory::kFast, 0, Shape({64}), kFloat);
  Tensor part = context->View(Memory::kFast, 128, Shape({2, 8}), kFloat);
  EXPECT(part.GetDLTensorPtr()->byte_offset == 0);
  Data(whole)[32] = 5.0f;
  EXPECT(Data(part)[0] == 5.0f);
  EXPECT(reinterpret_cast<uintptr_t>(part.data_ptr()) % memstow::ExecutionContextObj::kAlignment == 0);
}

void ViewsKeepTheArenaAlive() {
  Tensor view;
  {
    ExecutionContext context(64, 64, false);
    view = context->View(Memory::kSlow, 0, Shape({16}), kFloat);
  }
  Data(view)[15] = 1.0f;
  EXPECT(Data(view)[15] == 1.0f);
}

void ViewsOutsideTheArenaAreRefused() {
  ExecutionContext context(128, 64, false);
  EXPECT(
      Throws([&] { context->View(Memory::kFast, 64, Shape({17}), kFloat); }, "outside of the fast arena of 128 bytes"));
  EXPECT(Throws([&] { context->View(Memory::kSlow, -64, Shape({1}), kFloat); }, "outside of the slow arena"));
  EXPECT(Throws([&] { context->View(Memory::kFast, 4, Shape({1}), kFloat); }, "multiple of 64 bytes, found 4"));
  EXPECT(Throws([] { ExecutionContext(-1, 0, false); }, "expected at least 0 bytes, found -1"));
}

void CopiesMoveBetweenTheArenas() {
  for (bool checked : {false, true}) {
    ExecutionContext context(64, 64, checked);
    Tensor slow = context->View(Memory::kSlow, 0, Shape({16}), kFloat);
    Tensor fast = context->View(Memory::kFast, 0, Shape({16}), kFloat);
    for (int i = 0; i < 16; ++i) Data(slow)[i] = static_cast<float>(i);
    context->Start(0, slow, fast);
    context->Wait(0);
    EXPECT(Data(fast)[15] == 15.0f);
  }
}

void CopiesOfDifferentSizesAreRefused() {
  ExecutionContext context(64, 64, false);
  Tensor slow = context->View(Memory::kSlow, 0, Shape({16}), kFloat);
  Tensor fast = context->View(Memory::kFast, 0, Shape({8}), kFloat);
  EXPECT(Throws([&] { context->Start(0, slow, fast); }, "expected a destination of 64 bytes, found 32"));
}

void CheckedArenasBeginAsPoison() {
  ExecutionContext context(64, 64, true);
  for (Memory memory : {Memory::kFast, Memory::kSlow}) {
    EXPECT(std::isnan(Data(context->View(memory, 0, Shape({16}), kFloat))[15]));
  }
}

}  // namespace

int main() {
  return memstow::testing::Run({
      {"views shift data and keep byte_offset 0", ViewsShiftDataAndKeepByteOffsetZero},
      {"views keep the arena alive", ViewsKeepTheArenaAlive},
      {"views outside the arena are refused", ViewsOutsideTheArenaAreRefused},
      {"copies move between the arenas", CopiesMoveBetweenTheArenas},
      {"copies of different sizes are refused", CopiesOfDifferentSizesAreRefused},
      {"checked arenas begin as poison", CheckedArenasBeginAsPoison},
  });
}
