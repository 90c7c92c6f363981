#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>

#include "memstow/packing.h"

namespace memstow::packing {

namespace {

constexpr int64_t kMaxSum = int64_t{1} << 61;

std::vector<int32_t> SortedBy(const PackingProblem& problem, FitOrder order) {
  const auto key = [&](int32_t i) {
    const Buffer& buffer = problem.buffers[i];
    const double width = static_cast<double>(buffer.upper) - static_cast<double>(buffer.lower);
    const double size = static_cast<double>(buffer.size);
    switch (order) {
      case FitOrder::kSize:
        return std::pair(-size, -width);
      case FitOrder::kArea:
        return std::pair(-size * width, -size);
      case FitOrder::kWidth:
        return std::pair(-width, -size);
      case FitOrder::kStart:
        return std::pair(static_cast<double>(buffer.lower), -size);
    }
    return std::pair(0.0, 0.0);
  };
  std::vector<int32_t> sorted(problem.buffers.size());
  std::iota(sorted.begin(), sorted.end(), 0);
  std::stable_sort(sorted.begin(), sorted.end(), [&](int32_t a, int32_t b) { return key(a) < key(b); });
  return sorted;
}

/*! \brief Place in the given order, in the lowest hole or in the smallest that fits. */
class Fit {
 public:
  explicit Fit(const PackingProblem& problem) : problem_(problem), offsets_(problem.buffers.size(), 0) {}

  Solution Run(FitOrder order, bool smallest_hole) {
    const auto begin = std::chrono::steady_clock::now();
    Solution solution;
    bool placed = true;
    for (int32_t buffer : SortedBy(problem_, order)) {
      ++solution.nodes;
      placed = Place(buffer, smallest_hole);
      if (!placed) break;
    }
    if (placed) {
      solution.outcome = Outcome::kSolved;
      solution.offsets = offsets_;
    }
    solution.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return solution;
  }

 private:
  bool Place(int32_t index, bool smallest_hole) {
    const Buffer& buffer = problem_.buffers[index];
    if (buffer.size == 0) return true;
    int64_t best = -1;
    int64_t best_hole = problem_.capacity + 1;
    int64_t floor = 0;
    const auto offer = [&](int64_t ceiling) {
      const int64_t offset = AlignUp(floor, buffer.alignment);
      const int64_t hole = ceiling - offset;
      if (hole < buffer.size || (best >= 0 && (!smallest_hole || hole >= best_hole))) return;
      best = offset;
      best_hole = hole;
    };
    for (int32_t other : by_offset_) {
      const Buffer& block = problem_.buffers[other];
      if (block.upper <= buffer.lower || buffer.upper <= block.lower) continue;
      offer(offsets_[other]);
      floor = std::max(floor, offsets_[other] + block.size);
    }
    offer(problem_.capacity);
    if (best < 0) return false;
    offsets_[index] = best;
    const auto at = std::upper_bound(by_offset_.begin(), by_offset_.end(), best,
                                     [&](int64_t offset, int32_t other) { return offset < offsets_[other]; });
    by_offset_.insert(at, index);
    return true;
  }

  const PackingProblem& problem_;
  std::vector<int64_t> offsets_;
  std::vector<int32_t> by_offset_;
};

}  // namespace

void CheckProblem(const PackingProblem& problem) {
  const auto refuse = [](size_t index, const std::string& text) {
    throw std::invalid_argument("buffer " + std::to_string(index) + ": " + text);
  };
  if (problem.capacity < 0 || problem.capacity > kMaxSum) {
    throw std::invalid_argument("capacity: expected 0 to 2^61, found " + std::to_string(problem.capacity));
  }
  int64_t sum = 0;
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    const Buffer& buffer = problem.buffers[i];
    if (buffer.lower >= buffer.upper) {
      refuse(i, "expected lower < upper, found [" + std::to_string(buffer.lower) + ", " + std::to_string(buffer.upper) +
                    ")");
    }
    if (buffer.size < 0) refuse(i, "expected a size of at least 0, found " + std::to_string(buffer.size));
    if (buffer.alignment < 1 || buffer.alignment > kMaxSum) {
      refuse(i, "expected an alignment of 1 to 2^61, found " + std::to_string(buffer.alignment));
    }
    // Each buffer raises a stack by less than its size and its alignment.
    if (buffer.size > kMaxSum - sum || buffer.alignment - 1 > kMaxSum - sum - buffer.size) {
      refuse(i, "the sum of sizes and alignments exceeds 2^61; use a coarser unit");
    }
    sum += buffer.size + buffer.alignment - 1;
  }
}

Solution FirstFit(const PackingProblem& problem, FitOrder order) {
  CheckProblem(problem);
  return Fit(problem).Run(order, /*smallest_hole=*/false);
}

Solution BestFit(const PackingProblem& problem) {
  CheckProblem(problem);
  return Fit(problem).Run(FitOrder::kSize, /*smallest_hole=*/true);
}

int64_t PeakLoad(const PackingProblem& problem) {
  std::vector<std::pair<int64_t, int64_t>> changes;
  for (const Buffer& buffer : problem.buffers) {
    changes.emplace_back(buffer.lower, buffer.size);
    changes.emplace_back(buffer.upper, -buffer.size);
  }
  std::sort(changes.begin(), changes.end());
  int64_t load = 0, peak = 0;
  for (const auto& [time, change] : changes) peak = std::max(peak, load += change);
  return peak;
}

int64_t Height(const PackingProblem& problem, const std::vector<int64_t>& offsets) {
  int64_t height = 0;
  for (size_t i = 0; i < offsets.size(); ++i) height = std::max(height, offsets[i] + problem.buffers[i].size);
  return height;
}

}  // namespace memstow::packing
