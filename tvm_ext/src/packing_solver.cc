#include <limits>
#include <numeric>

#include "memstow/packing.h"
#include "memstow/packing_search.h"
#include "memstow/packing_sweep.h"

namespace memstow::packing {

namespace {

/*! \brief Nodes between looks at the clock; a node takes microseconds. */
constexpr int64_t kNodesPerLook = 256;
/*! \brief A poll may wait for the interpreter's lock, so it is rare. */
constexpr double kSecondsPerPoll = 0.05;

/*!
 * \brief Tried in turn. The second is one of MiniMalloc's; the others count sections instead of time, which is all
 *        that the problem knows of time: stretching it changes neither the packings nor these orders.
 */
constexpr Heuristic kHeuristics[] = {
    {Trait::kTotal, Trait::kSections, Trait::kSize},
    {Trait::kTotal, Trait::kWidth, Trait::kArea},
    {Trait::kSections, Trait::kTotal, Trait::kSize},
    {Trait::kTotal, Trait::kSectionArea, Trait::kSections},
};

/*! \brief Random factors of the restarts: enough to change many neighbours' order, not the order at large. */
constexpr double kSpread = 0.3;

/*!
 * \brief Search one part under each heuristic in turn, as it is and perturbed, until one search ends.
 *
 *  The time of such a search is heavy-tailed, so many short ones with different orders come before long ones. The
 *  limit of nodes doubles every round: each round costs as much as all before it, and in the end any search ends.
 */
Verdict SolvePart(Search* search, const Part& part) {
  int64_t node_limit = static_cast<int64_t>(part.members.size());
  for (uint64_t round = 0;; ++round) {
    if (node_limit < std::numeric_limits<int64_t>::max() / 2) node_limit *= 2;
    for (const Heuristic& heuristic : kHeuristics) {
      for (double spread : {0.0, kSpread}) {
        const Verdict verdict = search->Run(part, {heuristic, spread, round}, node_limit);
        if (verdict != Verdict::kNodeLimit) return verdict;
      }
    }
  }
}

/*! \brief A problem without its buffers of size 0, which lie anywhere, and the indices of those that stay. */
struct Reduced {
  PackingProblem problem;
  std::vector<int32_t> indices;
};

Reduced WithoutEmptyBuffers(const PackingProblem& problem) {
  Reduced reduced{{{}, problem.capacity}, {}};
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    if (problem.buffers[i].size == 0) continue;
    reduced.problem.buffers.push_back(problem.buffers[i]);
    reduced.indices.push_back(static_cast<int32_t>(i));
  }
  return reduced;
}

/*! \brief Solve a problem whose buffers all have a size and fit one by one; `offsets` gets theirs on kSolved. */
Outcome SolveReduced(const Reduced& reduced, const Pruning& pruning, Budget* budget, std::vector<int64_t>* offsets) {
  const Sweep sweep = SweepSections(reduced.problem);
  Search search(reduced.problem, sweep, pruning, budget);
  std::vector<int32_t> everyone(reduced.indices.size());
  std::iota(everyone.begin(), everyone.end(), 0);
  const Range sections{0, sweep.section_count};
  std::vector<Part> parts;
  if (pruning.decomposition) {
    parts = SplitAtCuts(everyone, sweep.spans, sections, search.cuts());
  } else if (!everyone.empty()) {
    parts.push_back({everyone, sections});
  }
  for (const Part& part : parts) {
    const Verdict verdict = SolvePart(&search, part);
    if (verdict == Verdict::kInfeasible) return Outcome::kInfeasible;
    if (verdict != Verdict::kSolved) return Outcome::kUnknown;
    for (int32_t member : part.members) (*offsets)[reduced.indices[member]] = search.offset(member);
  }
  return Outcome::kSolved;
}

/*! \brief Offsets by the first greedy method that finds any; empty if none does. */
std::vector<int64_t> GreedyOffsets(const PackingProblem& problem, Budget* budget) {
  for (FitOrder order : {FitOrder::kSize, FitOrder::kArea, FitOrder::kWidth, FitOrder::kStart}) {
    const Solution solution = FirstFit(problem, order);
    if (solution.outcome == Outcome::kSolved) return solution.offsets;
    if (budget->Expired()) return {};
  }
  return BestFit(problem).offsets;
}

}  // namespace

Budget::Budget(const SolveOptions& options) : options_(options) {}

bool Budget::SpendNode() { return ++nodes_ % kNodesPerLook != 0 || !Expired(); }

bool Budget::Expired() {
  const double seconds = Seconds();
  if (options_.poll && seconds >= next_poll_) {
    options_.poll();
    next_poll_ = seconds + kSecondsPerPoll;
  }
  return seconds > options_.time_limit_seconds;
}

double Budget::Seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

Solution Solve(const PackingProblem& problem, const SolveOptions& options) {
  CheckProblem(problem);
  Budget budget(options);
  Solution solution;
  if (PeakLoad(problem) > problem.capacity) {
    solution.outcome = Outcome::kInfeasible;
  } else {
    if (options.greedy_first) solution.offsets = GreedyOffsets(problem, &budget);
    if (!solution.offsets.empty()) {
      solution.outcome = Outcome::kSolved;
    } else {
      solution.offsets.assign(problem.buffers.size(), 0);
      solution.outcome = SolveReduced(WithoutEmptyBuffers(problem), options.pruning, &budget, &solution.offsets);
    }
  }
  if (solution.outcome != Outcome::kSolved) solution.offsets.clear();
  solution.seconds = budget.Seconds();
  solution.nodes = budget.nodes();
  return solution;
}

}  // namespace memstow::packing
