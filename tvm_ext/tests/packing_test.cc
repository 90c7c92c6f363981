#include "memstow/packing.h"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "expect.h"
#include "memstow/packing_search.h"
#include "memstow/packing_sweep.h"

namespace {

using namespace memstow::packing;  // NOLINT: the tests are about nothing else

constexpr unsigned kSwitches = 11;

Pruning PruningOf(unsigned mask) {
  Pruning pruning;
  bool* const switches[kSwitches] = {&pruning.canonical,     &pruning.section_inference, &pruning.dynamic_ordering,
                                     &pruning.dominance,     &pruning.unallocated_floor, &pruning.static_preordering,
                                     &pruning.decomposition, &pruning.monotonic_floor,   &pruning.lifting,
                                     &pruning.symmetry,      &pruning.release_dates};
  for (unsigned i = 0; i < kSwitches; ++i) *switches[i] = (mask >> i & 1) != 0;
  return pruning;
}

bool Collide(const Buffer& a, int64_t a_offset, const Buffer& b, int64_t b_offset) {
  return a.lower < b.upper && b.lower < a.upper && a_offset < b_offset + b.size && b_offset < a_offset + a.size;
}

/*! \brief Pair by pair, without a sweep. */
bool IsPacking(const PackingProblem& problem, const std::vector<int64_t>& offsets, int64_t capacity) {
  if (offsets.size() != problem.buffers.size()) return false;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const Buffer& buffer = problem.buffers[i];
    if (offsets[i] < 0 || offsets[i] + buffer.size > capacity || offsets[i] % buffer.alignment != 0) return false;
    for (size_t j = 0; j < i; ++j) {
      const bool empty = buffer.size == 0 || problem.buffers[j].size == 0;
      if (!empty && Collide(buffer, offsets[i], problem.buffers[j], offsets[j])) return false;
    }
  }
  return true;
}

/*! \brief Every offset of every buffer, in input order. */
bool BruteForce(const PackingProblem& problem, std::vector<int64_t>* offsets) {
  const size_t i = offsets->size();
  if (i == problem.buffers.size()) return true;
  const Buffer& buffer = problem.buffers[i];
  for (int64_t offset = 0; offset + buffer.size <= problem.capacity; offset += buffer.alignment) {
    bool free = true;
    for (size_t j = 0; j < i; ++j) free &= !Collide(buffer, offset, problem.buffers[j], (*offsets)[j]);
    if (!free) continue;
    offsets->push_back(offset);
    if (BruteForce(problem, offsets)) return true;
    offsets->pop_back();
  }
  return false;
}

/*! \brief Up to 9 buffers whose peak load is the capacity, so that many problems have no packing. */
PackingProblem TightProblem(std::mt19937* random) {
  const auto draw = [&](int64_t low, int64_t high) {
    return low + static_cast<int64_t>((*random)() % static_cast<uint64_t>(high - low + 1));
  };
  PackingProblem problem;
  do {
    problem.buffers.clear();
    for (int64_t i = draw(3, 9); i > 0; --i) {
      const int64_t lower = draw(0, 5);
      problem.buffers.push_back({lower, lower + draw(1, 4), draw(1, 4), draw(0, 3) == 0 ? draw(2, 3) : 1});
    }
    problem.capacity = PeakLoad(problem);
  } while (problem.capacity > 11);
  return problem;
}

struct Case {
  const char* name;
  PackingProblem problem;
  Outcome outcome;
};

const Case kCases[] = {
    {"nothing", {{}, 0}, Outcome::kSolved},
    {"no room at all", {{{0, 1, 1}}, 0}, Outcome::kInfeasible},
    {"one that fills it", {{{0, 1, 4}}, 4}, Outcome::kSolved},
    {"one too large", {{{0, 1, 5}}, 4}, Outcome::kInfeasible},
    {"half-open intervals share the space", {{{0, 1, 4}, {1, 2, 4}}, 4}, Outcome::kSolved},
    {"two at a time too many", {{{0, 2, 3}, {1, 3, 2}}, 4}, Outcome::kInfeasible},
    {"empty ones lie anywhere", {{{0, 2, 4}, {0, 2, 0}, {1, 3, 0}}, 4}, Outcome::kSolved},
    {"negative times", {{{-5, -1, 2}, {-2, 3, 2}, {-1, 0, 2}}, 4}, Outcome::kSolved},
    {"the example of the header", {{{0, 3, 4}, {3, 9, 4}, {0, 9, 4}, {9, 21, 4}, {0, 21, 4}}, 12}, Outcome::kSolved},
    {"the same, one byte less", {{{0, 3, 4}, {3, 9, 4}, {0, 9, 4}, {9, 21, 4}, {0, 21, 4}}, 11}, Outcome::kInfeasible},
    // Offsets 0 and 4 are the only multiples of 4 below 7, so of two buffers with 3 bytes one ends at 7.
    {"alignment fits", {{{0, 2, 3, 4}, {0, 2, 3, 4}}, 7}, Outcome::kSolved},
    {"alignment does not fit", {{{0, 2, 3, 4}, {0, 2, 3, 4}}, 6}, Outcome::kInfeasible},
    // The two aligned ones lie at 0 and 4 and leave [3, 4) and [7, 8): the load fits, the 2 bytes do not.
    {"alignment leaves no hole", {{{0, 2, 3, 4}, {0, 2, 3, 4}, {0, 2, 2}}, 8}, Outcome::kInfeasible},
    {"a wall with a step", {{{0, 2, 3}, {0, 3, 1}, {2, 4, 3}, {3, 4, 1}}, 4}, Outcome::kSolved},
    {"equal buffers", {{{0, 9, 2}, {0, 9, 2}, {0, 9, 2}, {0, 9, 2}, {3, 5, 1}}, 9}, Outcome::kSolved},
    {"equal buffers, one too many", {{{0, 9, 2}, {0, 9, 2}, {0, 9, 2}, {0, 9, 2}, {3, 5, 2}}, 9}, Outcome::kInfeasible},
    {"two parts", {{{0, 3, 2}, {1, 4, 2}, {4, 7, 3}, {5, 8, 1}}, 4}, Outcome::kSolved},
};

void TheAnswerDoesNotDependOnSwitches() {
  for (const Case& one : kCases) {
    for (unsigned mask = 0; mask < (1U << kSwitches); ++mask) {
      SolveOptions options;
      options.greedy_first = false;
      options.pruning = PruningOf(mask);
      const Solution solution = Solve(one.problem, options);
      const bool right = solution.outcome == one.outcome;
      if (!right) std::fprintf(stderr, "case '%s', switches %x\n", one.name, mask);
      EXPECT(right);
      if (!right) break;
      if (solution.outcome == Outcome::kSolved) {
        EXPECT(IsPacking(one.problem, solution.offsets, one.problem.capacity));
      } else {
        EXPECT(solution.offsets.empty());
      }
    }
  }
}

void RandomProblemsAgreeWithBruteForce() {
  std::mt19937 random(1);
  int infeasible = 0;
  for (int round = 0; round < 600; ++round) {
    const PackingProblem problem = TightProblem(&random);
    std::vector<int64_t> offsets;
    const bool feasible = BruteForce(problem, &offsets);
    infeasible += feasible ? 0 : 1;
    // All rules, all but one, one alone, and some random sets.
    std::vector<unsigned> masks{(1U << kSwitches) - 1};
    for (unsigned i = 0; i < kSwitches; ++i) {
      masks.push_back(((1U << kSwitches) - 1) & ~(1U << i));
      masks.push_back(1U << i);
      masks.push_back(static_cast<unsigned>(random()) & ((1U << kSwitches) - 1));
    }
    for (unsigned mask : masks) {
      SolveOptions options;
      options.greedy_first = false;
      options.pruning = PruningOf(mask);
      const Solution solution = Solve(problem, options);
      EXPECT(solution.outcome == (feasible ? Outcome::kSolved : Outcome::kInfeasible));
      if (feasible) EXPECT(IsPacking(problem, solution.offsets, problem.capacity));
    }
  }
  EXPECT(infeasible >= 10);  // else the proofs of infeasibility are hardly tested
}

/*! \brief A wall of 1000 x 1000 cut into pieces, each the largest of two drawn: a packing without a gap exists. */
PackingProblem CutWall(size_t pieces, std::mt19937* random) {
  struct Piece {
    int64_t lower, upper, bottom, top;
    int64_t Area() const { return (upper - lower) * (top - bottom); }
  };
  const auto between = [&](int64_t low, int64_t high) {
    return low + 1 + static_cast<int64_t>((*random)() % static_cast<uint64_t>(high - low - 1));
  };
  std::vector<Piece> wall{{0, 1000, 0, 1000}};
  while (wall.size() < pieces) {
    size_t chosen = (*random)() % wall.size();
    const size_t other = (*random)() % wall.size();
    if (wall[other].Area() > wall[chosen].Area()) chosen = other;
    Piece rest = wall[chosen];
    if ((*random)() % 2 == 0 && rest.upper - rest.lower > 1) {
      rest.lower = wall[chosen].upper = between(rest.lower, rest.upper);
    } else if (rest.top - rest.bottom > 1) {
      rest.bottom = wall[chosen].top = between(rest.bottom, rest.top);
    } else {
      continue;
    }
    wall.push_back(rest);
  }
  PackingProblem problem{{}, 1000};
  for (const Piece& piece : wall) problem.buffers.push_back({piece.lower, piece.upper, piece.top - piece.bottom});
  return problem;
}

void CutWallsArePutTogether() {
  std::mt19937 random(6);
  for (size_t pieces : {10, 20, 40, 80}) {
    for (int round = 0; round < 10; ++round) {
      const PackingProblem problem = CutWall(pieces, &random);
      SolveOptions options;
      options.greedy_first = false;
      const Solution solution = Solve(problem, options);
      EXPECT(solution.outcome == Outcome::kSolved && IsPacking(problem, solution.offsets, 1000));
    }
  }
}

void GreedyMethodsPackOrGiveUp() {
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    const PackingProblem problem = TightProblem(&random);
    std::vector<Solution> solutions{BestFit(problem)};
    for (FitOrder order : {FitOrder::kSize, FitOrder::kArea, FitOrder::kWidth, FitOrder::kStart}) {
      solutions.push_back(FirstFit(problem, order));
    }
    for (const Solution& solution : solutions) {
      EXPECT(solution.outcome != Outcome::kInfeasible);
      if (solution.outcome == Outcome::kSolved) EXPECT(IsPacking(problem, solution.offsets, problem.capacity));
      if (solution.outcome != Outcome::kSolved) EXPECT(solution.offsets.empty());
    }
  }
}

void GreedyMethodsChooseTheirHoles() {
  // The largest first: 5 bytes of [0,1) at 0, 4 of [0,2) at 5, which leaves [0, 5) and [9, 12) at time 1. There first
  // fit puts 3 at 0 and 2 at 3; best fit fills [9, 12) with the 3, so that 2 go to 0.
  const PackingProblem problem{{{0, 1, 5}, {0, 2, 4}, {1, 2, 3}, {1, 2, 2}}, 12};
  EXPECT((FirstFit(problem).offsets == std::vector<int64_t>{0, 5, 0, 3}));
  EXPECT((BestFit(problem).offsets == std::vector<int64_t>{0, 5, 9, 0}));
}

void TheLowestHeightIsFound() {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    PackingProblem problem = TightProblem(&random);
    const HeightSolution best = MinimiseHeight(problem);
    EXPECT(best.lower_bound == best.height);
    EXPECT(Height(problem, best.offsets) == best.height);
    EXPECT(IsPacking(problem, best.offsets, best.height));
    problem.capacity = best.height - 1;
    std::vector<int64_t> offsets;
    EXPECT(!BruteForce(problem, &offsets));
  }
  EXPECT(MinimiseHeight({}).height == 0);
}

void SectionsAreMaximalSets() {
  // The figure of packing_sweep.h, and d, which ends inside of c.
  const Sweep sweep = SweepSections({{{0, 2, 1}, {1, 3, 1}, {3, 5, 1}, {3, 4, 1}}, 9});
  EXPECT(sweep.section_count == 2);
  EXPECT((sweep.spans == std::vector<Range>{{0, 1}, {0, 1}, {1, 2}, {1, 2}}));
}

void BuffersOverlapWhereTheyShareASection() {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    const PackingProblem problem = TightProblem(&random);
    const Sweep sweep = SweepSections(problem);
    EXPECT(sweep.section_count <= static_cast<int32_t>(problem.buffers.size()));
    for (size_t i = 0; i < problem.buffers.size(); ++i) {
      EXPECT(sweep.spans[i].first < sweep.spans[i].last);
      for (size_t j = 0; j < i; ++j) {
        const Buffer &a = problem.buffers[i], &b = problem.buffers[j];
        EXPECT((a.lower < b.upper && b.lower < a.upper) == sweep.spans[i].Meets(sweep.spans[j]));
      }
    }
  }
}

void NoTimeIsUnknown() {
  // 300 buffers take more than the 256 nodes after which the clock is read; a first placement of each takes 300.
  std::mt19937 random(5);
  PackingProblem problem;
  for (int i = 0; i < 300; ++i) {
    const int64_t lower = static_cast<int64_t>(random() % 1000);
    problem.buffers.push_back(
        {lower, lower + 1 + static_cast<int64_t>(random() % 300), 1 + static_cast<int64_t>(random() % 1000)});
  }
  problem.capacity = PeakLoad(problem);
  SolveOptions options;
  options.greedy_first = false;
  options.time_limit_seconds = 0;
  const Solution solution = Solve(problem, options);
  EXPECT(solution.outcome == Outcome::kUnknown && solution.offsets.empty());
  options.time_limit_seconds = std::numeric_limits<double>::infinity();
  options.poll = [] { throw std::runtime_error("stopped"); };
  EXPECT(memstow::testing::Throws([&] { Solve(problem, options); }, "stopped"));
  options.poll = nullptr;
  options.time_limit_seconds = 0;
  const HeightSolution best = MinimiseHeight(problem, options);
  EXPECT(IsPacking(problem, best.offsets, best.height));
}

void BadProblemsAreRefused() {
  const auto refused = [](const PackingProblem& problem, const std::string& part) {
    return memstow::testing::Throws([&] { Solve(problem); }, part) &&
           memstow::testing::Throws([&] { BestFit(problem); }, part) &&
           memstow::testing::Throws([&] { FirstFit(problem); }, part);
  };
  EXPECT(refused({{{0, 1, 1}, {2, 2, 1}}, 4}, "buffer 1: expected lower < upper, found [2, 2)"));
  EXPECT(refused({{{0, 1, -1}}, 4}, "buffer 0: expected a size of at least 0, found -1"));
  EXPECT(refused({{{0, 1, 1, 0}}, 4}, "buffer 0: expected an alignment of 1 to 2^61, found 0"));
  EXPECT(refused({{{0, 1, 1}}, -1}, "capacity: expected 0 to 2^61, found -1"));
  EXPECT(refused({{{0, 1, int64_t{1} << 61}, {0, 1, 1}}, 4}, "buffer 1: the sum of sizes and alignments exceeds"));
}

}  // namespace

int main() {
  return memstow::testing::Run({{"the answer does not depend on switches", TheAnswerDoesNotDependOnSwitches},
                                {"random problems agree with brute force", RandomProblemsAgreeWithBruteForce},
                                {"cut walls are put together", CutWallsArePutTogether},
                                {"greedy methods pack or give up", GreedyMethodsPackOrGiveUp},
                                {"greedy methods choose their holes", GreedyMethodsChooseTheirHoles},
                                {"the lowest height is found", TheLowestHeightIsFound},
                                {"sections are maximal sets", SectionsAreMaximalSets},
                                {"buffers overlap where they share a section", BuffersOverlapWhereTheyShareASection},
                                {"no time is unknown", NoTimeIsUnknown},
                                {"bad problems are refused", BadProblemsAreRefused}});
}
