#include "memstow/kernel_timer.h"

#include <chrono>

#if defined(__x86_64__) || defined(__i386__)
#include <emmintrin.h>
#endif

namespace memstow {

namespace {

constexpr size_t kLine = 64;

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/*! \brief Apply `visit` to the address of every cache line that the memory touches. */
template <typename Visit>
void ForEachLine(Span span, Visit visit) {
  const auto begin = reinterpret_cast<uintptr_t>(span.data) & ~(kLine - 1);
  const auto end = reinterpret_cast<uintptr_t>(span.data) + span.bytes;
  for (uintptr_t line = begin; line < end; line += kLine) visit(line);
}

/*! \brief No load, store or flush passes this point. */
void Fence() {
#if defined(__x86_64__) || defined(__i386__)
  _mm_mfence();
#elif defined(__aarch64__)
  asm volatile("dsb sy" ::: "memory");
#endif
}

void Prepare(const std::vector<Span>& arguments, const std::string& placement) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (placement[i] == '0') FlushFromCache(arguments[i]);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (placement[i] == '1') LoadIntoCache(arguments[i]);
  }
  Fence();
}

}  // namespace

bool CanFlush() {
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

void FlushFromCache(Span span) {
  ForEachLine(span, [](uintptr_t line) {
#if defined(__x86_64__) || defined(__i386__)
    _mm_clflush(reinterpret_cast<const void*>(line));
#elif defined(__aarch64__)
    asm volatile("dc civac, %0" ::"r"(line) : "memory");
#else
    (void)line;
#endif
  });
}

void LoadIntoCache(Span span) {
  const auto* bytes = static_cast<const volatile unsigned char*>(span.data);
  for (size_t i = 0; i < span.bytes; i += kLine) (void)bytes[i];
  if (span.bytes) (void)bytes[span.bytes - 1];
}

std::vector<double> TimeKernel(const std::function<void()>& call, const std::vector<Span>& arguments,
                               const std::vector<std::string>& placements, const TimingEffort& effort,
                               const std::function<void()>& poll) {
  std::vector<double> seconds;
  const Clock::time_point start = Clock::now();
  call();  // code, workspaces and page tables
  for (int64_t run = 0; run < effort.max_runs; ++run) {
    if (run >= effort.min_runs && Seconds(Clock::now() - start) > effort.seconds) break;
    for (const std::string& placement : placements) {
      Prepare(arguments, placement);
      const Clock::time_point began = Clock::now();
      call();
      seconds.push_back(Seconds(Clock::now() - began));
      poll();
    }
  }
  return seconds;
}

}  // namespace memstow
