/*!
 * \file memstow/kernel_timer.h
 * \brief Seconds of a kernel's runs with chosen arguments in the cache and all others flushed from it.
 *
 *  \verbatim
 *  for each run, for each placement:     flush its slow arguments | read its fast ones | time one call
 *  \endverbatim
 *
 *  The placements take turns, so that a drift of the machine's speed meets all of them alike.
 */
#ifndef MEMSTOW_KERNEL_TIMER_H_
#define MEMSTOW_KERNEL_TIMER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace memstow {

/*! \brief Memory that a kernel is called with. */
struct Span {
  void* data;
  size_t bytes;
};

/*! \brief How often to run: at least `min_runs`, then until `max_runs` or `seconds` are reached, whichever is first. */
struct TimingEffort {
  int64_t min_runs;
  int64_t max_runs;
  double seconds;
};

/*! \brief Write back and drop every cache line of the memory. */
void FlushFromCache(Span span);

/*! \brief Read every cache line of the memory. */
void LoadIntoCache(Span span);

/*! \brief Whether FlushFromCache is there for this processor. */
bool CanFlush();

/*!
 * \brief Time calls of a kernel.
 * \param call Runs the kernel once on the arguments.
 * \param arguments The memory of every argument.
 * \param placements For each placement a string with a digit per argument: 1 in the cache, 0 flushed.
 * \param poll Called between runs; throws to stop.
 * \return Seconds by run, then placement.
 */
std::vector<double> TimeKernel(const std::function<void()>& call, const std::vector<Span>& arguments,
                               const std::vector<std::string>& placements, const TimingEffort& effort,
                               const std::function<void()>& poll);

}  // namespace memstow
#endif  // MEMSTOW_KERNEL_TIMER_H_
