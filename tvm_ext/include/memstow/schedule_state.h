/*!
 * \file memstow/schedule_state.h
 * \brief A set of stays and the exact seconds of the program under it, after any change at the price of that change.
 *
 *      Problem problem = ...;
 *      ScheduleState state(problem);                       // everything in slow memory
 *      const double before = state.TotalSeconds();
 *      state.Apply({storage, 0, 2, {3, 7}, {}});           // touches 0..2 in fast memory, prefetched during [3, 7)
 *      if (state.TotalSeconds() >= before) state.Undo();
 *
 *  A change costs the time of: its touches; the copies that start or are due at the same times; the copies that are
 *  open when one of its copies starts; and the logarithm of the program's length for each of these. How long the queue
 *  feels the change does not matter.
 *
 *  The seconds depend on the set of stays alone, to the last bit: no drift over any number of changes. Where a storage
 *  lies, whether memory suffices, and whether copies are valid is the caller's business.
 *
 *  Copies that start at one time run in the order of their done times, then storages.
 */
#ifndef MEMSTOW_SCHEDULE_STATE_H_
#define MEMSTOW_SCHEDULE_STATE_H_

#include <cstdint>
#include <vector>

#include "memstow/problem.h"
#include "memstow/schedule_state_copies.h"
#include "memstow/schedule_state_fold.h"
#include "memstow/schedule_state_tree.h"
#include "memstow/simulator.h"

namespace memstow {

/*!
 * \brief See the head of this file. A state is a value: copy it to clone it.
 *
 *  The problem must outlive it. A state is used by one thread at a time, const methods included: they compute what
 *  changes have left open.
 */
class ScheduleState {
 public:
  static constexpr int32_t kNobody = -1;

  /*! \brief The copy queue at one instruction time. */
  struct Moment {
    /*! \brief Copy seconds pending before time t, without the copies that start at t. */
    double pending;
    /*! \brief Seconds that the program waits at t. */
    double stall;
    /*! \brief Idle seconds of slow memory in instruction t that no copy uses; 0 at the program's end. */
    double unused;
  };

  explicit ScheduleState(const Problem& problem);
  explicit ScheduleState(Problem&& problem) = delete;

  const Problem& problem() const { return *problem_; }

  /*!
   * \brief Add a stay; its id, good until it is removed.
   * \throws ValueError like CheckStay, or when another stay serves one of the touches. The state is then as before.
   */
  int32_t Apply(const Stay& stay);
  /*! \brief Take a stay out. \throws ValueError when no stay has this id. */
  void Remove(int32_t id);

  /*! \brief The number of changes that can be undone. */
  size_t Mark() const { return changes_.size(); }
  /*! \brief Undo the last change that is not undone; ids are what they were before it. \throws ValueError if none. */
  void Undo();
  /*! \brief Undo down to a mark. */
  void UndoTo(size_t mark);
  /*! \brief Forget how to undo: Mark() is 0 again. Without it every change takes memory. */
  void Commit() { changes_.clear(); }

  /*! \brief Seconds of the program with these stays. */
  double TotalSeconds() const;

  bool IsPlaced(int32_t id) const;
  /*! \brief The stay with this id, which must be placed. */
  const Stay& stay(int32_t id) const { return stays_[static_cast<size_t>(id)]; }
  /*! \brief All placed stays, by id. */
  std::vector<Stay> Stays() const;
  /*! \brief Id of the stay that serves a touch from fast memory, or kNobody. */
  int32_t ServedBy(int32_t touch) const { return served_by_[static_cast<size_t>(touch)]; }
  /*! \brief What is in fast memory at instruction t. */
  const FastSet& fast(int32_t t) const { return fast_[static_cast<size_t>(t)]; }
  /*! \brief Seconds of instruction t, stalls left out. */
  Price price(int32_t t) const;

  /*! \brief The copy queue at time 0 <= t <= num_instructions. */
  Moment At(int32_t t) const;
  /*! \brief The latest start in [earliest, done] with so many unused seconds in [start, done); earliest if there is
   * none. */
  int32_t LatestHiddenStart(int32_t earliest, int32_t done, double seconds) const;
  /*! \brief The earliest done time in [start, latest] with so many unused seconds in [start, done); latest if there is
   * none. */
  int32_t EarliestHiddenDone(int32_t start, int32_t latest, double seconds) const;

 private:
  struct Change {
    Stay stay;
    int32_t id;
    bool applied;
  };

  void Place(int32_t id, const Stay& stay);
  void Displace(int32_t id);
  void SetTouches(const Stay& stay, bool fast, int32_t server);
  void Settle() const;
  void SetLeaf(size_t block) const;
  double PendingBefore(size_t block) const;
  Moment Pass(int32_t t, double* pending) const;

  const Problem* problem_;
  size_t count_;
  std::vector<Stay> stays_;
  std::vector<uint8_t> placed_;
  std::vector<int32_t> free_ids_;
  std::vector<Change> changes_;
  std::vector<int32_t> served_by_;
  std::vector<FastSet> fast_;
  // Derived from the above; brought up to date by Settle.
  mutable ScheduledCopies copies_;
  mutable std::vector<Step> steps_;
  mutable BlockTree<Fold> tree_;
  mutable std::vector<size_t> changed_blocks_;
};

}  // namespace memstow
#endif  // MEMSTOW_SCHEDULE_STATE_H_
