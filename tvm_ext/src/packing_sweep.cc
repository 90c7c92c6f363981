#include "memstow/packing_sweep.h"

#include <algorithm>

namespace memstow::packing {

namespace {

struct Event {
  int64_t time;
  bool begins;
  int32_t buffer;
  /*! \brief Ends come before beginnings: the intervals are half-open. */
  bool operator<(const Event& other) const {
    if (time != other.time) return time < other.time;
    if (begins != other.begins) return !begins;
    return buffer < other.buffer;
  }
};

}  // namespace

Sweep SweepSections(const PackingProblem& problem) {
  std::vector<Event> events;
  events.reserve(2 * problem.buffers.size());
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    events.push_back({problem.buffers[i].lower, true, static_cast<int32_t>(i)});
    events.push_back({problem.buffers[i].upper, false, static_cast<int32_t>(i)});
  }
  std::sort(events.begin(), events.end());
  Sweep sweep;
  sweep.spans.resize(problem.buffers.size());
  // A set of living buffers is maximal when the event before this end was a beginning.
  bool grown = false;
  for (const Event& event : events) {
    if (event.begins) {
      grown = true;
      sweep.spans[event.buffer].first = sweep.section_count;
      continue;
    }
    if (grown) ++sweep.section_count;
    grown = false;
    sweep.spans[event.buffer].last = sweep.section_count;
  }
  return sweep;
}

}  // namespace memstow::packing
