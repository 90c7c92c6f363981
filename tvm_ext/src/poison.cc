#include "memstow/poison.h"

#include <cstdint>
#include <cstring>

namespace memstow {

namespace {

constexpr int kPoisonByte = 0xA5;
constexpr int kNaNByte = 0xFF;  // all bits set is a NaN in every IEEE and bfloat format

template <typename T>
void FillValue(void* data, size_t bytes) {
  T* out = static_cast<T*>(data);
  for (size_t i = 0; i < bytes / sizeof(T); ++i) out[i] = static_cast<T>(kPoisonByte);
}

bool IsInteger(DLDataType dtype) { return dtype.code == kDLInt || dtype.code == kDLUInt || dtype.code == kDLBool; }

}  // namespace

void FillPoison(void* data, size_t bytes, DLDataType dtype) {
  if (!IsInteger(dtype)) {
    std::memset(data, kNaNByte, bytes);
    return;
  }
  switch (dtype.bits) {
    case 16:
      return FillValue<uint16_t>(data, bytes);
    case 32:
      return FillValue<uint32_t>(data, bytes);
    case 64:
      return FillValue<uint64_t>(data, bytes);
    default:
      std::memset(data, kPoisonByte, bytes);
  }
}

}  // namespace memstow
