/*!
 * \file memstow/packing.h
 * \brief Offsets for buffers with fixed lifetimes: none may overlap both in time and in space.
 *
 *  A buffer lives during the half-open interval [lower, upper). The problem is NP-complete (Garey & Johnson, SR2,
 *  "dynamic storage allocation").
 *
 *  \code
 *  PackingProblem problem{{{0, 3, 4}, {3, 9, 4}, {0, 9, 4}, {9, 21, 4}, {0, 21, 4}}, 12};
 *  Solution solution = Solve(problem);   // solution.offsets == {8, 8, 4, 4, 0}
 *
 *  offset 12 +-----+-----------+
 *            | b0  |    b1     |
 *          8 +-----+-----------+-----------------------+
 *            |       b2        |          b3           |
 *          4 +-----------------+-----------------------+
 *            |                   b4                    |
 *          0 +-----+-----------+-----------------------+--> time
 *            0     3           9                      21
 *  \endcode
 *
 *  `Solve` is complete: given time, it finds a packing or proves that there is none. `BestFit` and `FirstFit` are fast
 *  and may miss one. `MinimiseHeight` looks for the smallest capacity.
 *
 *  Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS 2023.
 */
#ifndef MEMSTOW_PACKING_H_
#define MEMSTOW_PACKING_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace memstow::packing {

/*! \brief A block of `size` bytes needed during [lower, upper) at a multiple of `alignment`. */
struct Buffer {
  int64_t lower = 0;
  int64_t upper = 1;
  int64_t size = 0;
  int64_t alignment = 1;
};

struct PackingProblem {
  std::vector<Buffer> buffers;
  /*! \brief Every buffer ends at or below this offset. */
  int64_t capacity = 0;
};

/*! \brief Throws std::invalid_argument for lower >= upper, size < 0, alignment < 1, capacity < 0 or sums beyond 2^61.
 */
void CheckProblem(const PackingProblem& problem);

enum class Outcome : int64_t {
  kSolved = 0,
  /*! \brief Proven: no packing within the capacity exists. */
  kInfeasible = 1,
  /*! \brief The method or its time ended without an answer. */
  kUnknown = 2,
};

struct Solution {
  Outcome outcome = Outcome::kUnknown;
  /*! \brief One offset per buffer; empty unless solved. */
  std::vector<int64_t> offsets;
  double seconds = 0;
  /*! \brief Placements tried. */
  int64_t nodes = 0;
};

/*!
 * \brief Rules that the search may use. Each only skips branches that cannot hold the one packing that matters (see
 *        packing_search.h), so the answer is the same under every combination; the time is not.
 */
struct Pruning {
  /*! \brief Place in the order of offsets, lowest first. */
  bool canonical = true;
  /*! \brief What is left to place in a section must fit above the section's floor. */
  bool section_inference = true;
  /*! \brief Try the lowest possible offsets first. */
  bool dynamic_ordering = true;
  /*! \brief Leave no gap in which a buffer that is still to come could lie. */
  bool dominance = true;
  /*! \brief A section's floor is at least the lowest offset open to any of its buffers. */
  bool unallocated_floor = true;
  /*! \brief Sort by a heuristic before the search; otherwise input order. */
  bool static_preordering = true;
  /*! \brief Solve parts that no buffer connects any more one by one. */
  bool decomposition = true;
  /*! \brief No floor anywhere is below the offset placed last. */
  bool monotonic_floor = true;
  /*! \brief A buffer that was passed over must rest on one that is still to come. */
  bool lifting = true;
  /*! \brief Of buffers equal in sections, size and alignment, those earlier in the input lie lower. */
  bool symmetry = true;
  /*! \brief In a section, buffers are jobs with release dates on one machine: their makespan must fit. */
  bool release_dates = true;
};

struct SolveOptions {
  double time_limit_seconds = std::numeric_limits<double>::infinity();
  Pruning pruning;
  /*! \brief Try the greedy methods before the search: seconds for 20,000 buffers, and often enough. */
  bool greedy_first = true;
  /*! \brief Called every few milliseconds; it may throw to end the search. */
  std::function<void()> poll;
};

/*! \brief A packing within the capacity, the proof that there is none, or kUnknown at the time limit. */
Solution Solve(const PackingProblem& problem, const SolveOptions& options = {});

/*! \brief The order in which `FirstFit` places, each largest first. */
enum class FitOrder : int64_t { kSize = 0, kArea = 1, kWidth = 2, kStart = 3 };

/*! \brief Every buffer, in that order, at the lowest offset that is free all its life. Never kInfeasible. */
Solution FirstFit(const PackingProblem& problem, FitOrder order = FitOrder::kSize);

/*! \brief Every buffer, largest first, in the smallest hole that takes it. Never kInfeasible. */
Solution BestFit(const PackingProblem& problem);

struct HeightSolution {
  /*! \brief Offsets of the lowest packing found; there always is one. */
  std::vector<int64_t> offsets;
  /*! \brief Its height, and a height below which no packing exists. */
  int64_t height = 0;
  int64_t lower_bound = 0;
  double seconds = 0;
  int64_t nodes = 0;
};

/*! \brief The lowest packing found within the time; the problem's capacity is ignored. */
HeightSolution MinimiseHeight(const PackingProblem& problem, const SolveOptions& options = {});

/*! \brief The most bytes alive at one time: no packing is lower. */
int64_t PeakLoad(const PackingProblem& problem);

/*! \brief The end of the highest buffer, 0 without buffers. */
int64_t Height(const PackingProblem& problem, const std::vector<int64_t>& offsets);

/*! \brief The least multiple of `alignment` that is at least `offset`. */
inline int64_t AlignUp(int64_t offset, int64_t alignment) {
  const int64_t excess = offset % alignment;
  return excess == 0 ? offset : offset + alignment - excess;
}

}  // namespace memstow::packing
#endif  // MEMSTOW_PACKING_H_
