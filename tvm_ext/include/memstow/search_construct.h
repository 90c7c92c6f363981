/*!
 * \file memstow/search_construct.h
 * \brief Placing many runs one after another, the most valuable per byte and time of fast memory first.
 */
#ifndef MEMSTOW_SEARCH_CONSTRUCT_H_
#define MEMSTOW_SEARCH_CONSTRUCT_H_

#include <cstdint>
#include <vector>

#include "memstow/search_schedule.h"

namespace memstow {

/*!
 * \brief How runs are ranked: (saved + idle_weight * idle added) / (bytes^size_power * instructions^length_power).
 *
 *  Seconds saved by a run that needs copies count copy_weight times, for its copies use up idle bandwidth.
 */
struct Taste {
  double idle_weight = 0.1;
  double copy_weight = 0.5;
  double size_power = 1.0;
  double length_power = 1.0;
};

/*! \brief The tastes worth a whole construction, the best on average first. */
const std::vector<Taste>& Tastes();

/*! \brief Rank of a run under the present prices; not positive if it saves nothing. */
double Rank(const SearchSchedule& schedule, const Run& run, const Taste& taste);

/*! \brief The touch at which a run is cut in two: the one after its longest pause. */
int32_t CutOf(const Problem& problem, const Run& run);

/*! \brief A queue of runs that are placed in falling order of rank; what cannot be placed is halved and queued again.
 */
class Placement {
 public:
  Placement(SearchSchedule* schedule, const Taste& taste) : schedule_(schedule), taste_(taste) {}

  /*! \brief Queue a run unless it saves nothing. `factor` multiplies its rank. */
  void Push(const Run& run, double factor = 1.0);
  /*! \brief Take up to `tries` runs from the queue, the best first. */
  void Place(int32_t tries, const Tactics& tactics);
  bool done() const { return queue_.empty(); }
  void Clear() { queue_.clear(); }

 private:
  struct Entry {
    double rank;
    double factor;
    Run run;
  };
  static bool Less(const Entry& a, const Entry& b);

  SearchSchedule* schedule_;
  Taste taste_;
  std::vector<Entry> queue_;
};

/*! \brief All runs that no stay serves, as long as possible, by storage and time. */
std::vector<Run> Unplaced(const SearchSchedule& schedule);

}  // namespace memstow
#endif  // MEMSTOW_SEARCH_CONSTRUCT_H_
