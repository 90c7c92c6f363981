/*!
 * \file memstow/execution_context.h
 * \brief What one call of a planned program runs in: a fast arena, a slow arena and a copy queue.
 */
#ifndef MEMSTOW_EXECUTION_CONTEXT_H_
#define MEMSTOW_EXECUTION_CONTEXT_H_

#include <tvm/ffi/container/shape.h>
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/object.h>

#include <memory>

#include "memstow/dma_engine.h"

namespace memstow {

/*! \brief The two memories. The values are part of the compiled program's calls. */
enum class Memory : int64_t { kSlow = 0, kFast = 1 };

/*!
 * \brief The state of one call. Concurrent calls of one program have a context each.
 *
 *  In checked mode both arenas begin as NaN bytes and copies go through CheckedCopyQueue.
 */
class ExecutionContextObj : public tvm::ffi::Object {
 public:
  ExecutionContextObj(int64_t fast_bytes, int64_t slow_bytes, bool checked);

  /*!
   * \brief A tensor at a byte offset of an arena; data is shifted, byte_offset stays 0, the arena stays alive.
   * \throws ValueError when the view does not fit the arena or the offset is not a multiple of kAlignment.
   */
  tvm::ffi::Tensor View(Memory memory, int64_t offset, tvm::ffi::ShapeView shape, DLDataType dtype) const;
  /*! \brief Begin to copy a contiguous tensor into another of the same size. */
  void Start(int64_t id, tvm::ffi::Tensor source, tvm::ffi::Tensor destination);
  /*! \brief Block until the copy is done. */
  void Wait(int64_t id);

  /*! \brief Kernels are compiled for tensors aligned to this many bytes. */
  static constexpr int64_t kAlignment = 64;
  static constexpr bool _type_mutable = true;
  TVM_FFI_DECLARE_OBJECT_INFO_FINAL("memstow.ExecutionContext", ExecutionContextObj, tvm::ffi::Object);

 private:
  tvm::ffi::Tensor fast_;
  tvm::ffi::Tensor slow_;
  // Declared last, so destroyed first: its thread is joined before the arenas go.
  std::unique_ptr<CopyQueue> copies_;
};

/*! \brief Reference to ExecutionContextObj. */
class ExecutionContext : public tvm::ffi::ObjectRef {
 public:
  ExecutionContext(int64_t fast_bytes, int64_t slow_bytes, bool checked);
  TVM_FFI_DEFINE_OBJECT_REF_METHODS_NULLABLE(ExecutionContext, tvm::ffi::ObjectRef, ExecutionContextObj);
};

}  // namespace memstow
#endif  // MEMSTOW_EXECUTION_CONTEXT_H_
