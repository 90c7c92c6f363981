/*!
 * \file memstow/search_schedule.h
 * \brief A schedule under search: stays with copies and offsets, always valid, every change priced exactly and undone
 *  exactly.
 *
 *  A *run* is what a planner decides: touches [first, last] of a storage served from fast memory without a break. What
 *  follows from it is worked out here. Touches of storage s at 2 (writes), 5, 6 and 9, the run being touches 1..2:
 *
 *    t           0   1   2   3   4   5   6   7   8   9
 *    touch               W           r   r           r
 *    prefetch                [==========             earliest start 3, after the write; due at 5, the first touch
 *    block                           [=========      from the copy's start to the last touch or the eviction's end
 *
 *  Validity is local to a storage: a run brings its data in whenever it is not the birth of the storage, and writes it
 *  back whenever it changed data that is wanted later. So any subset of a valid set of stays is valid, and stays may be
 *  removed in any order.
 */
#ifndef MEMSTOW_SEARCH_SCHEDULE_H_
#define MEMSTOW_SEARCH_SCHEDULE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "memstow/fast_memory.h"
#include "memstow/schedule_state.h"
#include "memstow/search_random.h"

namespace memstow {

/*! \brief Touches [first, last] of a storage, counted within the storage. */
struct Run {
  int32_t storage = 0;
  int32_t first = 0;
  int32_t last = -1;
};

/*! \brief A stay with its block of fast memory. */
struct PlacedStay {
  Stay stay;
  Block block;
};

/*! \brief What a run would change, its copies left out: seconds saved, idle seconds of slow memory added. */
struct Saving {
  double seconds = 0.0;
  double idle = 0.0;
};

/*! \brief What became of a run that was tried. */
enum class Outcome {
  kPlaced,
  kForbidden,  // no valid copy times exist, or too many copies are open
  kNoRoom,     // no free block
  kNoGain,     // the program would become slower than allowed
};

/*! \brief Times that validity leaves to the copies of a run. */
struct Window {
  bool needs_prefetch = false;
  bool needs_eviction = false;
  int32_t prefetch_from = 0;
  int32_t served_from = 0;
  int32_t served_until = 0;
  int32_t eviction_from = 0;
  int32_t eviction_until = 0;
};

/*! \brief Up to four copy times to try, the most promising first; one absent transfer where no copy is needed. */
struct Transfers {
  std::array<Transfer, 4> items;
  int32_t count = 0;

  void Add(Transfer transfer);
  const Transfer* begin() const { return items.data(); }
  const Transfer* end() const { return items.data() + count; }
};

/*! \brief How TryPlace decides. */
struct Tactics {
  /*! \brief Draws copy times and ends of holes; none: always the first choice. */
  Random* random = nullptr;
  /*! \brief Seconds by which the program may become slower. */
  double tolerance = 0.0;
};

/*! \brief See the head of this file. A value: copy it to clone it. The problem must outlive it; one thread at a time.
 */
class SearchSchedule {
 public:
  explicit SearchSchedule(const Problem& problem);

  const Problem& problem() const { return state_.problem(); }
  double TotalSeconds() const { return state_.TotalSeconds(); }
  const ScheduleState& state() const { return state_; }
  const FastMemory& memory() const { return memory_; }

  /*! \brief Ids of all placed stays, in no particular order. */
  const std::vector<int32_t>& active() const { return active_; }
  /*! \brief Ids of the placed stays of a storage, in the order of touches. */
  const std::vector<int32_t>& stays_of(int32_t storage) const { return stays_of_[static_cast<size_t>(storage)]; }
  /*! \brief Where in stays_of(storage) the first stay is that serves `touch` or a later one. */
  size_t StayFrom(int32_t storage, int32_t touch) const;
  const PlacedStay& placed(int32_t id) const { return placed_[static_cast<size_t>(id)]; }
  Run run(int32_t id) const { return {placed(id).stay.storage, placed(id).stay.first, placed(id).stay.last}; }
  /*! \brief All placed stays by storage and time. */
  std::vector<PlacedStay> Snapshot() const;
  /*! \brief Storages with stays that came or went since ForgetChanged, those undone included; in no particular order.
   */
  const std::vector<int32_t>& changed_storages() const { return changed_storages_; }
  void ForgetChanged();

  /*! \brief What placing a run would save under the present prices. */
  Saving SavingOf(const Run& run) const;
  /*! \brief What a placed stay saves under the present prices. */
  double Worth(int32_t id) const;
  /*! \brief Copy times that are left; false if there are none, or if the run overlaps a placed one of its storage. */
  bool FindWindow(const Run& run, Window* window) const;
  /*! \brief Copy times to try under the present schedule; empty if too many copies are open. */
  Transfers PrefetchTimes(const Run& run, const Window& window, Random* random) const;
  Transfers EvictionTimes(const Run& run, const Window& window, Random* random) const;
  /*! \brief The stay of a run with these copies, its block's offset still 0. */
  PlacedStay Assemble(const Run& run, const Window& window, Transfer prefetch, Transfer eviction) const;

  /*! \brief Place a run if there is room and it pays. */
  Outcome TryPlace(const Run& run, const Tactics& tactics);
  /*! \brief Place a stay of another plan as it is, if it is valid beside those placed. */
  bool Adopt(const PlacedStay& placed);
  /*! \brief Place a stay at its copy times, if they are valid, wherever it fits. */
  bool AdoptAnywhere(const PlacedStay& wish);
  /*! \brief Place the run of a stay, gain or not, at the fastest of its copy times and the usual ones, where it fits.
   */
  bool Realise(const PlacedStay& wish);
  /*! \brief Place a stay whose block is free and whose copies are valid. */
  int32_t Apply(const PlacedStay& placed);
  void Remove(int32_t id);
  /*! \brief The longest run of touches around `touch` (of this storage) that no stay serves, at most `reach` away. */
  Run Gap(int32_t storage, int32_t touch, int32_t reach) const;
  bool IsServed(int32_t storage, int32_t touch) const {
    return state_.ServedBy(problem().storage(storage).first_touch + touch) != ScheduleState::kNobody;
  }

  size_t Mark() const { return state_.Mark(); }
  void UndoTo(size_t mark);
  void Commit();

 private:
  struct Change {
    PlacedStay placed;
    int32_t id;
    bool applied;
  };

  void Insert(int32_t id, const PlacedStay& placed);
  void Erase(int32_t id);
  void NoteChanged(int32_t storage);
  void CountOpen(const Stay& stay, int32_t by);
  bool MayOpen(size_t direction, const Transfer& transfer) const;
  bool MayCrossProgram(const Run& run, const Window& window) const;

  ScheduleState state_;
  FastMemory memory_;
  std::vector<PlacedStay> placed_;
  std::vector<std::vector<int32_t>> stays_of_;
  std::vector<int32_t> active_;
  std::vector<size_t> position_;
  std::vector<Change> changes_;
  std::vector<int32_t> changed_storages_;
  std::vector<uint8_t> is_changed_;
  /*! \brief For every touch the time of its storage's last write up to it; -1: none. */
  std::vector<int32_t> last_write_;
  /*! \brief Open prefetches and evictions by time; not kept without limits. */
  std::array<std::vector<int32_t>, 2> open_;
  std::array<int32_t, 2> limits_;
  int32_t cross_program_ = 0;
};

}  // namespace memstow
#endif  // MEMSTOW_SEARCH_SCHEDULE_H_
