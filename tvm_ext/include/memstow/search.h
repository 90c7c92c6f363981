/*!
 * \file memstow/search.h
 * \brief Simulated annealing by ruin and recreate: take some stays out, fill the room again, keep it or go back.
 *
 *      Search search(problem, seed);
 *      search.Construct(0);                         // or Adopt(stays of a plan)
 *      while (time is left) search.Anneal(...);     // progress from 0 to 1 cools from hot to cold
 *      search.best();                               // the fastest set of stays seen
 *
 *  One iteration changes a handful of stays near one place of the program and costs the time of that, whatever the
 *  program's length. The moves:
 *
 *    insert   a run that is not placed, at the offset where the stays in the way are worth least; those go elsewhere
 *    retime   a stay's copies and offset anew
 *    resize   a stay grows or shrinks by touches at its ends, taking in neighbours of its storage
 *    thin     one stay goes, its neighbours may have the room
 *    window   the stays live in a short time go, all or some, and the room is filled in another order
 *    repack   the stays live at one time are put side by side anew, so that another may fit
 *
 *  A worse schedule is accepted with probability exp(-worse / temperature) (Kirkpatrick et al., Science 220, 1983);
 *  ruin and recreate is by Schrimpf et al., J. Comput. Phys. 159, 2000.
 */
#ifndef MEMSTOW_SEARCH_H_
#define MEMSTOW_SEARCH_H_

#include <cstdint>
#include <vector>

#include "memstow/search_construct.h"
#include "memstow/search_schedule.h"

namespace memstow {

/*! \brief Limits of one slice of a search and the part of the whole annealing that it is. */
struct Slice {
  int64_t iterations = 0;
  double seconds = 0.0;
  double progress_from = 0.0;
  double progress_until = 1.0;
};

/*! \brief Numbers of the annealing. */
struct Annealing {
  /*! \brief Temperatures, as parts of the program's mean seconds an instruction when the search began. */
  double hot = 0.1;
  double cold = 0.0005;
};

/*! \brief See the head of this file. The problem must outlive it; one thread at a time. */
class Search {
 public:
  Search(const Problem& problem, uint64_t seed, const Annealing& annealing);
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  /*!
   * \brief Fill the schedule by a taste, placing at most `tries` runs in this call.
   * \return Whether there was nothing left to place.
   */
  bool Construct(size_t taste, int32_t tries);
  /*! \brief Begin anew without stays. The best is kept. */
  void Clear();
  /*! \brief Begin anew from these stays, leaving out those that are not valid beside the others; how many were taken.
   */
  int64_t Adopt(const std::vector<PlacedStay>& stays);
  /*!
   * \brief Begin anew from stays of which some are only wished for.
   *
   *  \p kept as in Adopt. Then each of \p wished in turn, as it is where it is valid, else at another offset, else
   *  at the copy times that are best for its touches; the room that is left is filled, and all wished ones are looked
   * at again.
   * \return How many of the wished stays found a place at first.
   */
  int64_t Rebuild(const std::vector<PlacedStay>& kept, const std::vector<PlacedStay>& wished);
  /*! \brief Begin anew from the best. */
  void Return() { Adopt(best()); }

  /*! \brief Iterate until the slice's iterations or seconds are over; how many iterations were made. */
  int64_t Anneal(const Slice& slice);

  /*! \brief The fastest set of stays seen, by storage and time. */
  std::vector<PlacedStay> best() const;
  double best_seconds() const { return best_seconds_; }
  const SearchSchedule& schedule() const { return schedule_; }

 private:
  void Iterate(double temperature);
  bool Move(double temperature);
  bool InsertMove(double temperature);
  bool RetimeMove();
  bool ResizeMove(double temperature);
  bool ThinMove();
  bool WindowMove();
  bool RepackMove();

  /*! \brief A random touch of a storage that may be placed; of a long program one near those drawn before. */
  int32_t DrawTouch();
  /*! \brief The time of such a touch; of a short program any time. */
  int32_t DrawTime();
  /*! \brief A random stay, of a long program one that serves such a touch. There must be one. */
  int32_t DrawStay();
  /*! \brief A run that is not placed and holds a random touch. */
  bool DrawRun(Run* run);
  /*! \brief Place a run at the offset with the least in the way, which is removed. */
  bool Force(const Run& run, double temperature);
  int64_t CheapestOffset(const Block& block, double most, std::vector<int32_t>* displaced);
  void Take(int32_t id);
  void Refill(double temperature);
  /*! \brief Place anew, take out or leave a wished stay, whatever is fastest; whether that changed anything. */
  bool Reconsider(const PlacedStay& wish);
  /*! \brief Place runs between from_ and until_ while that pays; whether it did. */
  bool Fill();
  /*! \brief Save the present schedule if it is the best. */
  void Keep();
  void Save();

  SearchSchedule schedule_;
  Random random_;
  Annealing annealing_;
  double scale_;
  Placement construction_;
  bool constructing_ = false;
  double swept_seconds_ = 0.0;
  /*! \brief The stays of the best, by storage: what has changed since is saved anew, not all. */
  std::vector<std::vector<PlacedStay>> best_;
  double best_seconds_;
  /*! \brief The present schedule is the best and not yet in best_; only within Anneal. */
  bool unsaved_ = false;
  /*! \brief Touches of storages that may be placed. */
  std::vector<int32_t> touches_;
  /*! \brief Where in touches_ a long program is searched at present, and for how many draws more. */
  size_t focus_ = 0;
  int32_t focus_draws_ = 0;
  /*! \brief What the present iteration took out, and the times over which. */
  std::vector<PlacedStay> taken_;
  int32_t from_ = 0;
  int32_t until_ = -1;
  std::vector<int32_t> scratch_;
};

}  // namespace memstow
#endif  // MEMSTOW_SEARCH_H_
