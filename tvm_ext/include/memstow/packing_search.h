/*!
 * \file memstow/packing_search.h
 * \brief Depth-first search for one part of a packing problem: which buffer comes next, from the bottom up.
 *
 *  A node places one buffer at the lowest offset that the placed ones leave open, its *natural* offset. The search must
 *  not lose one packing, the *target*: the one with the least sum of offsets, equal buffers in input order. In it
 *   - every buffer rests on another or on the ground, else it could sink (dominance, lifting);
 *   - sorted by (offset, rank), every buffer lies at the natural offset that its predecessors leave (canonical).
 *  Each rule cuts only branches that do not lead to the target, so the search stays complete under any set of rules.
 *
 *  \code
 *  Lifting: x is passed over at its natural offset n, where nothing placed is in its way. In the target it lies higher,
 *  so one that is still to come blocks it at n, begins below n + size(x), and has x above it. The lowest top of
 *  such a y is the release of x, the least offset that is open to it from now on.
 *
 *      n + size(x) +    +-----+                      +-----+
 *                  |    |  x  |           release(x) |  x  |
 *                n +----+-----+------       +--------+--+--+
 *                  |  placed  |             |     y     |
 *                  +----------+             +-----------+
 *  \endcode
 */
#ifndef MEMSTOW_PACKING_SEARCH_H_
#define MEMSTOW_PACKING_SEARCH_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

#include "memstow/packing.h"
#include "memstow/packing_sweep.h"

namespace memstow::packing {

/*! \brief What a buffer has; `kTotal` is what is still to place in the fullest of its sections. */
enum class Trait { kArea, kSectionArea, kTotal, kWidth, kSections, kSize };
/*! \brief Ranks buffers by the first trait, the greatest first, equal ones by the next. */
using Heuristic = std::array<Trait, 3>;

/*! \brief A heuristic whose traits are first multiplied by random factors in [1 - spread, 1 + spread). */
struct Preorder {
  Heuristic heuristic;
  double spread = 0;
  uint64_t seed = 0;
};

enum class Verdict { kSolved, kInfeasible, kNodeLimit, kTimeLimit };

/*! \brief Time and nodes spent on one problem, over all its searches. */
class Budget {
 public:
  explicit Budget(const SolveOptions& options);
  /*! \brief Count a node; whether there is time for it. Reads the clock, and polls, once in a while. */
  bool SpendNode();
  bool Expired();
  double Seconds() const;
  int64_t nodes() const { return nodes_; }

 private:
  using Clock = std::chrono::steady_clock;
  const SolveOptions& options_;
  Clock::time_point begin_ = Clock::now();
  int64_t nodes_ = 0;
  double next_poll_ = 0;
};

/*! \brief Buffers of consecutive sections that no other buffer connects to the rest. */
struct Part {
  std::vector<int32_t> members;
  Range sections;
};

/*! \brief The parts of the whole problem, or of one part after a placement. */
std::vector<Part> SplitAtCuts(const std::vector<int32_t>& members, const std::vector<Range>& spans, Range sections,
                              const std::vector<int64_t>& cuts);

class Search {
 public:
  /*! \brief The problem has no buffers of size 0, each fits into the capacity, and all arguments outlive the search. */
  Search(const PackingProblem& problem, const Sweep& sweep, const Pruning& pruning, Budget* budget);

  /*! \brief Search one part from scratch; on kSolved `offset` tells where its buffers lie. */
  Verdict Run(const Part& part, const Preorder& preorder, int64_t node_limit);
  int64_t offset(int32_t buffer) const { return offsets_[buffer]; }
  /*! \brief Per boundary between sections, the buffers still to place that span it. */
  const std::vector<int64_t>& cuts() const { return cuts_; }

 private:
  static constexpr int64_t kPlaced = std::numeric_limits<int64_t>::max();

  /*! \brief Position in the order of placements: offset, then rank in the part's preorder. */
  struct Key {
    int64_t offset = 0;
    int32_t rank = -1;
    bool operator<(const Key& other) const {
      return offset != other.offset ? offset < other.offset : rank < other.rank;
    }
  };

  /*! \brief An open choice of the next buffer of `part`, or (where `parts` is not empty) parts to solve in turn. */
  struct Frame {
    const Part* part = nullptr;
    /*! \brief Canonical packings go on from here. */
    Key bound;
    /*! \brief The candidate tried last. */
    Key tried;
    /*! \brief Dominance: from this offset on a buffer still to come fits below. */
    int64_t limit = 0;
    size_t mark = 0;
    std::vector<Part> parts;
    size_t next_part = 0;
  };

  enum class Signal { kDescend, kSolved, kFailed };

  struct Change {
    int64_t* where;
    int64_t old;
  };

  /*! \brief Fill `section_buffers_`, unless there are too many pairs: then `section_begin_` stays empty. */
  void ListSections();
  void Reset();
  void Set(int64_t* where, int64_t value) {
    trail_.push_back({where, *where});
    *where = value;
  }
  void UndoTo(size_t mark);
  void DrawWeights(double spread, uint64_t seed);
  double TraitOf(int32_t member, Trait trait) const;
  void Sort(Part* part) const;

  Signal StepParts(Signal signal);
  Signal StepChoice(Signal signal);
  void PushChoice(const Part& part, Key bound);
  /*! \brief Go down below the placement just made. */
  void Descend(const Part& part, Key placed);

  bool NextCandidate(Frame* frame) const;
  /*! \brief Whether no equal buffer has to come first. */
  bool Allowed(int32_t buffer) const;
  bool Place(const Part& part, int32_t buffer, int64_t offset);
  /*! \brief Infer from the candidate tried last having failed; false if nothing is left then. */
  bool Lift(const Part& part, int32_t buffer, int64_t offset);
  bool SectionsFit(Range sections, int64_t offset);
  bool SectionFits(int32_t section, int64_t offset);
  bool RemainderFits(Range sections, int64_t offset) const;

  const PackingProblem& problem_;
  const Sweep& sweep_;
  const Pruning pruning_;
  Budget& budget_;

  Heuristic heuristic_{};
  std::vector<double> weights_;
  std::vector<int64_t> offsets_;
  /*! \brief Lowest offset above the placed buffers; and with what lifting adds, kPlaced for placed ones. */
  std::vector<int64_t> natural_;
  std::vector<int64_t> release_;
  /*! \brief Per section: top of the highest placed buffer, bytes still to place. */
  std::vector<int64_t> floors_;
  std::vector<int64_t> totals_;
  std::vector<int64_t> cuts_;
  /*! \brief The equal buffer that comes before in input order, or -1. */
  std::vector<int32_t> twin_before_;
  /*! \brief Buffers by section, each section's sorted by release when it is looked at. */
  std::vector<int32_t> section_buffers_;
  std::vector<size_t> section_begin_;

  std::vector<Change> trail_;
  std::vector<Frame> frames_;
};

}  // namespace memstow::packing
#endif  // MEMSTOW_PACKING_SEARCH_H_
