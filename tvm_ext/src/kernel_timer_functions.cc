#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/extra/c_env_api.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/reflection/registry.h>
#include <tvm/ffi/string.h>

#include <algorithm>

#include "memstow/kernel_timer.h"

namespace memstow {

namespace {

namespace ffi = tvm::ffi;

void CheckSignals() {
  if (TVMFFIEnvCheckSignals() != 0) throw ffi::EnvErrorAlreadySet();
}

Span SpanOf(const ffi::TensorView& tensor) {
  int64_t elements = 1;
  for (int64_t i = 0; i < tensor.ndim(); ++i) elements *= tensor.shape()[i];
  const DLDataType type = tensor.dtype();
  const size_t item = (static_cast<size_t>(type.bits) * type.lanes + 7) / 8;
  return {tensor.data_ptr(), static_cast<size_t>(elements) * item};
}

std::vector<std::string> Split(const std::string& text, size_t width) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    if (parts.back().size() != width || parts.back().find_first_not_of("01") != std::string::npos) {
      TVM_FFI_THROW(ValueError) << "placements: expected " << width << " digits 0 or 1 each, found '" << parts.back()
                                << "'";
    }
    begin = end + 1;
  }
  return parts;
}

constexpr int32_t kFixedArguments = 6;

/*!
 * \brief (module, function, placements, min_runs, max_runs, seconds, tensors...) -> doubles as bytes, by run and
 *  placement. `placements` are strings of digits joined by commas.
 *
 *  Packed, so that a session of TVM's RPC can call it: that passes modules and tensors, but no functions and no arrays.
 */
void TimeKernelFunction(ffi::PackedArgs args, ffi::Any* result) {
  if (args.size() <= kFixedArguments) TVM_FFI_THROW(ValueError) << "expected a kernel with tensors to call it on";
  if (!CanFlush()) TVM_FFI_THROW(RuntimeError) << "no instruction is known that flushes this processor's cache";
  const auto module = args[0].cast<ffi::Module>();
  const std::string name = args[1].cast<ffi::String>();
  const ffi::Optional<ffi::Function> kernel = module->GetFunction(name, true);
  if (!kernel.has_value()) TVM_FFI_THROW(ValueError) << "the module has no function '" << name << "'";
  const ffi::PackedArgs tensors = args.Slice(kFixedArguments);
  std::vector<Span> spans;
  for (int32_t i = 0; i < tensors.size(); ++i) spans.push_back(SpanOf(tensors[i].cast<ffi::TensorView>()));
  const auto placements = Split(args[2].cast<ffi::String>(), spans.size());
  const TimingEffort effort{args[3].cast<int64_t>(), args[4].cast<int64_t>(), args[5].cast<double>()};
  const auto call = [&] {
    ffi::Any returned;
    kernel.value().CallPacked(tensors, &returned);
  };
  const std::vector<double> seconds = TimeKernel(call, spans, placements, effort, CheckSignals);
  *result = ffi::Bytes(reinterpret_cast<const char*>(seconds.data()), seconds.size() * sizeof(double));
}

}  // namespace

TVM_FFI_STATIC_INIT_BLOCK() {
  tvm::ffi::reflection::GlobalDef().def_packed("memstow.measure.time_kernel", TimeKernelFunction);
}

}  // namespace memstow
