#include "memstow/dma_engine.h"

#include <tvm/ffi/error.h>

#include <cstring>
#include <utility>

#include "memstow/poison.h"

namespace memstow {

DmaEngine::~DmaEngine() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void DmaEngine::Start(int64_t id, CopyRequest request) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!sequence_of_.emplace(id, started_ + 1).second) {
      TVM_FFI_THROW(ValueError) << "copy " << id << " was already started; ids are used once";
    }
    ++started_;
    queue_.push_back(std::move(request));
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  }
  work_.notify_one();
}

void DmaEngine::Wait(int64_t id) {
  std::unique_lock<std::mutex> lock(mutex_);
  auto it = sequence_of_.find(id);
  if (it == sequence_of_.end()) {
    TVM_FFI_THROW(ValueError) << "copy " << id << " was never started; start it before the wait";
  }
  const uint64_t sequence = it->second;
  progress_.wait(lock, [&] { return finished_ >= sequence; });
}

void DmaEngine::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    {
      CopyRequest request = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      std::memcpy(request.destination, request.source, request.bytes);
    }
    lock.lock();
    ++finished_;
    progress_.notify_all();
  }
}

void CheckedCopyQueue::Start(int64_t id, CopyRequest request) {
  const auto* source = static_cast<const unsigned char*>(request.source);
  Pending pending{request, std::vector<unsigned char>(source, source + request.bytes)};
  FillPoison(request.destination, request.bytes, request.dtype);
  if (!pending_.emplace(id, std::move(pending)).second) {
    TVM_FFI_THROW(ValueError) << "copy " << id << " was already started; ids are used once";
  }
}

void CheckedCopyQueue::Wait(int64_t id) {
  auto it = pending_.find(id);
  if (it == pending_.end()) {
    TVM_FFI_THROW(ValueError) << "copy " << id << " was never started; start it before the wait";
  }
  Pending& pending = it->second;
  if (pending.done) return;
  const CopyRequest& request = pending.request;
  if (std::memcmp(request.source, pending.snapshot.data(), request.bytes) == 0) {
    std::memcpy(request.destination, pending.snapshot.data(), request.bytes);
  } else {
    FillPoison(request.destination, request.bytes, request.dtype);
  }
  pending.done = true;
  pending.snapshot = {};
  pending.request.holder.reset();
}

}  // namespace memstow
