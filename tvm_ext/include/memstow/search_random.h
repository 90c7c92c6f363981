/*!
 * \file memstow/search_random.h
 * \brief Random numbers that are the same on every platform (the standard's distributions are not).
 */
#ifndef MEMSTOW_SEARCH_RANDOM_H_
#define MEMSTOW_SEARCH_RANDOM_H_

#include <cmath>
#include <cstdint>
#include <random>

namespace memstow {

/*! \brief A seeded stream of numbers. */
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  /*! \brief Uniform in [0, 1). */
  double Uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  /*! \brief Uniform in [0, count); count above 0. */
  int32_t Below(int32_t count) { return static_cast<int32_t>(Uniform() * count); }
  /*! \brief Uniform in [low, high], both inclusive. */
  int32_t Between(int32_t low, int32_t high) { return low + Below(high - low + 1); }
  bool Chance(double probability) { return Uniform() < probability; }
  /*! \brief Exponential with mean 1. */
  double Exponential() { return -std::log(1.0 - Uniform()); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace memstow
#endif  // MEMSTOW_SEARCH_RANDOM_H_
