/*!
 * \file memstow/poison.h
 * \brief Values that make a read of undefined memory visible in the program's results.
 */
#ifndef MEMSTOW_POISON_H_
#define MEMSTOW_POISON_H_

#include <dlpack/dlpack.h>

#include <cstddef>

namespace memstow {

/*!
 * \brief Fill memory with poison: NaN for floating-point types, 0xA5 (165) for integers.
 *
 *  Wider integers hold the value 165, not the byte pattern: an index read from poison is wrong, yet does not crash.
 */
void FillPoison(void* data, size_t bytes, DLDataType dtype);

}  // namespace memstow
#endif  // MEMSTOW_POISON_H_
