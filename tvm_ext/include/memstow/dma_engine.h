/*!
 * \file memstow/dma_engine.h
 * \brief A background copy engine: one thread, one FIFO queue.
 *
 *   caller   start(0) start(1)   kernel ...   wait(0)   kernel ...   wait(1)
 *   engine          [==== copy 0 ====][======= copy 1 =======]
 *
 * Copies run in the order in which they were started; wait(id) returns once copy id and all before it are done.
 */
#ifndef MEMSTOW_DMA_ENGINE_H_
#define MEMSTOW_DMA_ENGINE_H_

#include <dlpack/dlpack.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace memstow {

/*! \brief One copy of elements of one type. The holder keeps both memories alive until the copy is done. */
struct CopyRequest {
  void* destination;
  const void* source;
  size_t bytes;
  DLDataType dtype;
  std::shared_ptr<void> holder;
};

/*! \brief The interface of a copy queue; ids are the caller's and are used once. */
class CopyQueue {
 public:
  virtual ~CopyQueue() = default;
  /*! \brief Queue a copy; throws when the id is already taken. */
  virtual void Start(int64_t id, CopyRequest request) = 0;
  /*! \brief Block until copy id is done; throws when it was never started. */
  virtual void Wait(int64_t id) = 0;
};

/*! \brief Copies on a thread of its own. Destruction drops what has not begun and joins the thread. */
class DmaEngine final : public CopyQueue {
 public:
  DmaEngine() = default;
  ~DmaEngine() override;
  DmaEngine(const DmaEngine&) = delete;
  DmaEngine& operator=(const DmaEngine&) = delete;

  void Start(int64_t id, CopyRequest request) final;
  void Wait(int64_t id) final;

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable progress_;
  std::deque<CopyRequest> queue_;
  std::unordered_map<int64_t, uint64_t> sequence_of_;
  uint64_t started_ = 0;
  uint64_t finished_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

/*!
 * \brief The adversary of a wrong plan: the destination is poisoned at the start, and the copy happens at its own wait,
 *  only if the source still holds what it held at the start. A copy that raced with a write delivers poison; one that
 *  is never waited for never happens.
 */
class CheckedCopyQueue final : public CopyQueue {
 public:
  void Start(int64_t id, CopyRequest request) final;
  void Wait(int64_t id) final;

 private:
  struct Pending {
    CopyRequest request;
    std::vector<unsigned char> snapshot;
    bool done = false;
  };
  std::unordered_map<int64_t, Pending> pending_;
};

}  // namespace memstow
#endif  // MEMSTOW_DMA_ENGINE_H_
