/*!
 * \file memstow/problem_object.h
 * \brief Problems behind tvm_ffi, and how arrays come in.
 */
#ifndef MEMSTOW_PROBLEM_OBJECT_H_
#define MEMSTOW_PROBLEM_OBJECT_H_

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/dtype.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/object.h>

#include <type_traits>
#include <utility>

#include "memstow/problem.h"

namespace memstow {

/*! \brief A problem that Python and other objects hold. It never changes. */
class ProblemObj : public tvm::ffi::Object {
 public:
  explicit ProblemObj(Problem problem) : problem_(std::move(problem)) {}
  const Problem& problem() const { return problem_; }

  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.core.Problem", ProblemObj, tvm::ffi::Object);

 private:
  Problem problem_;
};

/*! \brief Reference to ProblemObj. */
class ProblemRef : public tvm::ffi::ObjectRef {
 public:
  explicit ProblemRef(Problem problem) : ObjectRef(tvm::ffi::make_object<ProblemObj>(std::move(problem))) {}
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NOTNULLABLE(ProblemRef, tvm::ffi::ObjectRef, ProblemObj);
};

/*! \brief The data type of array elements. */
template <typename T>
constexpr DLDataType TypeOf() {
  constexpr DLDataTypeCode code = std::is_floating_point_v<T> ? kDLFloat : (std::is_signed_v<T> ? kDLInt : kDLUInt);
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(8 * sizeof(T)), 1};
}

/*!
 * \brief The elements of a contiguous one-dimensional host array; good while the caller holds the array.
 * \throws ValueError when the array is of another form; the message calls it `name`.
 */
template <typename T>
Span<T> Elements(const tvm::ffi::TensorView& array, const char* name) {
  const DLDataType expected = TypeOf<T>();
  const DLDataType found = array.dtype();
  if (array.ndim() != 1 || !array.IsContiguous() || array.device().device_type != kDLCPU || found != expected) {
    TVM_FFI_THROW(ValueError) << name << ": expected a contiguous one-dimensional host array of "
                              << tvm::ffi::DLDataTypeToString(expected) << ", found " << array.ndim()
                              << " dimensions of " << tvm::ffi::DLDataTypeToString(found);
  }
  return {static_cast<const T*>(array.data_ptr()), static_cast<size_t>(array.size(0))};
}

/*! \brief Elements of an array of `size` elements. */
template <typename T>
Span<T> Elements(const tvm::ffi::TensorView& array, size_t size, const char* name) {
  const Span<T> elements = Elements<T>(array, name);
  if (elements.size() != size) {
    TVM_FFI_THROW(ValueError) << name << ": expected " << size << " elements, found " << elements.size();
  }
  return elements;
}

/*! \brief An array of `size` elements to be written. */
template <typename T>
T* Output(const tvm::ffi::TensorView& array, size_t size, const char* name) {
  return const_cast<T*>(Elements<T>(array, size, name).begin());
}

}  // namespace memstow
#endif  // MEMSTOW_PROBLEM_OBJECT_H_
