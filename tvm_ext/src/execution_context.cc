#include "memstow/execution_context.h"

#include <tvm/ffi/error.h>
#include <tvm/ffi/reflection/registry.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "memstow/poison.h"

namespace memstow {

namespace ffi = tvm::ffi;

namespace {

constexpr DLDevice kHost{kDLCPU, 0};
constexpr DLDataType kByte{kDLUInt, 8, 1};

struct ArenaAllocator {
  void AllocData(DLTensor* tensor) {
    constexpr size_t alignment = ExecutionContextObj::kAlignment;
    const size_t bytes = static_cast<size_t>(tensor->shape[0]);
    tensor->data = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (tensor->data == nullptr) throw std::bad_alloc();
  }
  void FreeData(DLTensor* tensor) { std::free(tensor->data); }
};

struct ViewAllocator {
  ffi::Tensor arena;
  int64_t offset;
  void AllocData(DLTensor* tensor) { tensor->data = static_cast<char*>(arena.data_ptr()) + offset; }
  void FreeData(DLTensor*) {}
};

ffi::Tensor MakeArena(int64_t bytes, bool checked) {
  if (bytes < 0) TVM_FFI_THROW(ValueError) << "arena size: expected at least 0 bytes, found " << bytes;
  const int64_t allocated = std::max(bytes, ExecutionContextObj::kAlignment);
  ffi::Tensor arena = ffi::Tensor::FromNDAlloc(ArenaAllocator{}, ffi::Shape({allocated}), kByte, kHost);
  if (checked) FillPoison(arena.data_ptr(), static_cast<size_t>(allocated), DLDataType{kDLFloat, 32, 1});
  return arena;
}

int64_t SizeBytes(const DLTensor& tensor) { return static_cast<int64_t>(ffi::GetDataSize(tensor)); }

char* DataPointer(const DLTensor& tensor) { return static_cast<char*>(tensor.data) + tensor.byte_offset; }

}  // namespace

ExecutionContextObj::ExecutionContextObj(int64_t fast_bytes, int64_t slow_bytes, bool checked)
    : fast_(MakeArena(fast_bytes, checked)), slow_(MakeArena(slow_bytes, checked)) {
  if (checked) {
    copies_ = std::make_unique<CheckedCopyQueue>();
  } else {
    copies_ = std::make_unique<DmaEngine>();
  }
}

ffi::Tensor ExecutionContextObj::View(Memory memory, int64_t offset, ffi::ShapeView shape, DLDataType dtype) const {
  const ffi::Tensor& arena = memory == Memory::kFast ? fast_ : slow_;
  const char* name = memory == Memory::kFast ? "fast" : "slow";
  const int64_t capacity = arena.shape().Product();
  const int64_t bytes = static_cast<int64_t>(ffi::GetDataSize(shape.Product(), dtype));
  if (offset < 0 || offset + bytes > capacity) {
    TVM_FFI_THROW(ValueError) << "view of " << bytes << " bytes at offset " << offset << " lies outside of the " << name
                              << " arena of " << capacity << " bytes; check the plan with `memstow check`";
  }
  if (offset % kAlignment != 0) {
    TVM_FFI_THROW(ValueError) << "view in the " << name << " arena: expected an offset that is a multiple of "
                              << kAlignment << " bytes, found " << offset;
  }
  return ffi::Tensor::FromNDAlloc(ViewAllocator{arena, offset}, shape, dtype, kHost);
}

void ExecutionContextObj::Start(int64_t id, ffi::Tensor source, ffi::Tensor destination) {
  const DLTensor& from = *source.GetDLTensorPtr();
  const DLTensor& to = *destination.GetDLTensorPtr();
  const int64_t bytes = SizeBytes(from);
  if (bytes != SizeBytes(to)) {
    TVM_FFI_THROW(ValueError) << "copy " << id << ": expected a destination of " << bytes << " bytes, found "
                              << SizeBytes(to);
  }
  if (!source.IsContiguous() || !destination.IsContiguous()) {
    TVM_FFI_THROW(ValueError) << "copy " << id << ": expected contiguous tensors; pass contiguous inputs";
  }
  auto holder = std::make_shared<std::pair<ffi::Tensor, ffi::Tensor>>(source, destination);
  copies_->Start(id, CopyRequest{DataPointer(to), DataPointer(from), static_cast<size_t>(bytes), to.dtype, holder});
}

void ExecutionContextObj::Wait(int64_t id) { copies_->Wait(id); }

ExecutionContext::ExecutionContext(int64_t fast_bytes, int64_t slow_bytes, bool checked) {
  data_ = ffi::make_object<ExecutionContextObj>(fast_bytes, slow_bytes, checked);
}

namespace {

ffi::Tensor MakeView(ExecutionContext context, int64_t memory, int64_t offset, ffi::Shape shape, DLDataType dtype) {
  return context->View(static_cast<Memory>(memory), offset, shape, dtype);
}

void StartCopy(ExecutionContext context, int64_t id, ffi::Tensor source, ffi::Tensor destination) {
  context->Start(id, std::move(source), std::move(destination));
}

void WaitCopy(ExecutionContext context, int64_t id) { context->Wait(id); }

void PoisonTensor(ffi::Tensor tensor) {
  const DLTensor& view = *tensor.GetDLTensorPtr();
  FillPoison(DataPointer(view), static_cast<size_t>(SizeBytes(view)), view.dtype);
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace refl = tvm::ffi::reflection;
  refl::ObjectDef<ExecutionContextObj>();
  refl::GlobalDef()
      .def(
          "memstow.runtime.context",
          [](int64_t fast_bytes, int64_t slow_bytes, bool checked) {
            return ExecutionContext(fast_bytes, slow_bytes, checked);
          },
          "Arenas and copy queue for one call of a planned program")
      .def("memstow.runtime.view", MakeView, "A tensor at an offset of an arena")
      .def("memstow.runtime.start", StartCopy, "Begin a background copy")
      .def("memstow.runtime.wait", WaitCopy, "Block until a copy is done")
      .def("memstow.runtime.poison", PoisonTensor, "Fill a tensor with NaN or 0xA5");
}

}  // namespace memstow
