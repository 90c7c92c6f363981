#include "memstow/poison.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "expect.h"

namespace {

template <typename T>
std::vector<T> Poisoned(uint8_t code) {
  std::vector<T> values(3);
  memstow::FillPoison(values.data(), values.size() * sizeof(T), DLDataType{code, 8 * sizeof(T), 1});
  return values;
}

void FloatsBecomeNaN() {
  for (float value : Poisoned<float>(kDLFloat)) EXPECT(std::isnan(value));
  for (double value : Poisoned<double>(kDLFloat)) EXPECT(std::isnan(value));
  // Half precision: all exponent bits set and a mantissa that is not 0.
  for (uint16_t bits : Poisoned<uint16_t>(kDLFloat)) EXPECT((bits & 0x7C00) == 0x7C00 && (bits & 0x03FF) != 0);
}

void IntegersBecome165() {
  for (uint8_t value : Poisoned<uint8_t>(kDLUInt)) EXPECT(value == 0xA5);
  for (int16_t value : Poisoned<int16_t>(kDLInt)) EXPECT(value == 165);
  for (int32_t value : Poisoned<int32_t>(kDLInt)) EXPECT(value == 165);
  for (int64_t value : Poisoned<int64_t>(kDLInt)) EXPECT(value == 165);
}

}  // namespace

int main() {
  return memstow::testing::Run({{"floats become NaN", FloatsBecomeNaN}, {"integers become 165", IntegersBecome165}});
}
