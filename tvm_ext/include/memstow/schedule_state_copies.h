/*!
 * \file memstow/schedule_state_copies.h
 * \brief The copies of a schedule, by start and by done time, and what they mean for each instruction time.
 *
 *  The queue's order is by start, then done, then storage. The last copy in the queue that is due at t decides what may
 *  be pending once t has waited: what stands behind it by then. Here A [0, 3) 4 s, B [1, 2) 2 s, C [2, 4) 5 s:
 *
 *    queue    | A | B | C |        t       0    1    2    3    4
 *                                  join    4    2    5    0    0
 *                                  limit   -    -    5    7    0     behind B: C; behind A: B and C; behind C: nothing
 *
 *  A copy that comes or goes changes the join at its start, the limit at its done time, and the limits of the copies
 *  in front of it that are open when it starts.
 */
#ifndef MEMSTOW_SCHEDULE_STATE_COPIES_H_
#define MEMSTOW_SCHEDULE_STATE_COPIES_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "memstow/schedule_state_fold.h"
#include "memstow/schedule_state_tree.h"

namespace memstow {

/*! \brief Seconds that join the queue in a stretch, and the earliest start of a last copy that is due in it. */
struct JoinedDue {
  static constexpr int32_t kNone = std::numeric_limits<int32_t>::max();

  double joined = 0.0;
  int32_t earliest_start = kNone;
};

inline JoinedDue Then(const JoinedDue& first, const JoinedDue& second) {
  return {first.joined + second.joined, std::min(first.earliest_start, second.earliest_start)};
}

/*! \brief See the head of this file. Ids are the caller's: small, not negative, each used by one copy at a time. */
class ScheduledCopies {
 public:
  explicit ScheduledCopies(size_t num_instructions);

  /*! \brief Add a copy with 0 <= start <= done <= num_instructions. */
  void Insert(int32_t id, int32_t storage, int32_t start, int32_t done, double seconds);
  /*! \brief Take a copy out. */
  void Erase(int32_t id);

  /*!
   * \brief Write the joins and limits that changed since the last call.
   * \param steps One per time, num_instructions + 1.
   * \param changed_blocks Blocks of the changed times are appended, in any order, possibly more than once.
   */
  void Settle(std::vector<Step>* steps, std::vector<size_t>* changed_blocks);

 private:
  static constexpr int32_t kEnd = -1;

  struct Copy {
    double seconds;
    int32_t storage;
    int32_t start;
    int32_t done;
    int32_t next_at_start;
    int32_t next_at_done;
  };
  /*! \brief Heads of the lists of copies that start here (in queue order) and that are due here (last start first). */
  struct Time {
    double join = 0.0;
    int32_t starting = kEnd;
    int32_t due = kEnd;
    /*! \brief Start of the last copy in the queue that is due here; kept beside the list, whose copies lie far apart.
     */
    int32_t due_start = JoinedDue::kNone;
  };

  Copy& copy(int32_t id) { return copies_[static_cast<size_t>(id)]; }
  const Copy& copy(int32_t id) const { return copies_[static_cast<size_t>(id)]; }
  Time& at(int32_t t) { return times_[static_cast<size_t>(t)]; }
  const Time& at(int32_t t) const { return times_[static_cast<size_t>(t)]; }

  bool Before(int32_t id, int32_t other) const;
  void Changed(int32_t id);
  void SetLeaf(size_t block);
  double Joined(int32_t from, int32_t until) const;
  double Limit(int32_t t) const;
  int32_t NextDue(int32_t from, int32_t start) const;

  std::vector<Copy> copies_;
  std::vector<Time> times_;
  BlockTree<JoinedDue> tree_;
  /*! \brief Times at which copies came or went since the last Settle. */
  std::vector<int32_t> starts_;
  std::vector<int32_t> dues_;
  std::vector<size_t> scratch_;
};

}  // namespace memstow
#endif  // MEMSTOW_SCHEDULE_STATE_COPIES_H_
