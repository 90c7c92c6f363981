#include <algorithm>
#include <chrono>

#include "memstow/packing.h"

namespace memstow::packing {

namespace {

/*! \brief What one capacity may cost at first; doubled when no capacity is left to try at that price. */
constexpr double kFirstSliceSeconds = 0.05;

/*! \brief The lowest of the greedy packings, above which nothing needs to be searched. */
HeightSolution BestGreedy(PackingProblem problem) {
  problem.capacity = 0;
  for (const Buffer& buffer : problem.buffers) problem.capacity += buffer.size + buffer.alignment - 1;
  HeightSolution best;
  best.height = problem.capacity;
  const auto offer = [&](const Solution& solution) {
    best.nodes += solution.nodes;
    const int64_t height = Height(problem, solution.offsets);
    if (height > best.height || (height == best.height && !best.offsets.empty())) return;
    best.height = height;
    best.offsets = solution.offsets;
  };
  offer(BestFit(problem));
  for (FitOrder order : {FitOrder::kSize, FitOrder::kArea, FitOrder::kWidth, FitOrder::kStart}) {
    offer(FirstFit(problem, order));
  }
  return best;
}

}  // namespace

HeightSolution MinimiseHeight(const PackingProblem& problem, const SolveOptions& options) {
  PackingProblem trial{problem.buffers, 0};
  CheckProblem(trial);
  const auto begin = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  HeightSolution best = BestGreedy(trial);
  best.lower_bound = PeakLoad(trial);
  double slice = kFirstSliceSeconds;
  // Binary search for the height; a capacity that its slice does not settle counts as too low until the next round.
  int64_t lowest = best.lower_bound;
  bool first = true;
  while (best.lower_bound < best.height) {
    const double left = options.time_limit_seconds - elapsed();
    if (left <= 0) break;
    // The peak load itself is often enough, and then nothing else needs to be tried.
    trial.capacity = first ? lowest : lowest + (best.height - lowest) / 2;
    first = false;
    SolveOptions attempt = options;
    attempt.time_limit_seconds = std::min(slice, left);
    const Solution solution = Solve(trial, attempt);
    best.nodes += solution.nodes;
    if (solution.outcome == Outcome::kSolved) {
      best.offsets = solution.offsets;
      best.height = Height(trial, solution.offsets);
    } else {
      lowest = trial.capacity + 1;
      if (solution.outcome == Outcome::kInfeasible) best.lower_bound = lowest;
    }
    if (lowest >= best.height) {
      lowest = best.lower_bound;
      slice *= 2;
    }
  }
  best.seconds = elapsed();
  return best;
}

}  // namespace memstow::packing
