/*!
 * \file memstow/simulator_object.h
 * \brief How stays cross the border of tvm_ffi: seven int32 a stay, the fields of Stay in order.
 */
#ifndef MEMSTOW_SIMULATOR_OBJECT_H_
#define MEMSTOW_SIMULATOR_OBJECT_H_

#include <vector>

#include "memstow/problem_object.h"
#include "memstow/simulator.h"

namespace memstow {

/*! \brief Numbers of one stay. */
constexpr size_t kStayFields = 7;

/*! \brief The stays in a flat array. \throws ValueError when the array has another form. */
inline std::vector<Stay> StaysOf(const tvm::ffi::TensorView& rows) {
  const Span<int32_t> numbers = Elements<int32_t>(rows, "stays");
  if (numbers.size() % kStayFields != 0) {
    TVM_FFI_THROW(ValueError) << "stays: expected seven numbers each, found " << numbers.size();
  }
  std::vector<Stay> stays;
  for (const int32_t* row = numbers.begin(); row != numbers.end(); row += kStayFields) {
    stays.push_back({row[0], row[1], row[2], {row[3], row[4]}, {row[5], row[6]}});
  }
  return stays;
}

}  // namespace memstow
#endif  // MEMSTOW_SIMULATOR_OBJECT_H_
