/*!
 * Blocks get new offsets all at once: greedily in several orders, at last by the complete search of packing.h under a
 * limit of nodes.
 */
#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "memstow/packing.h"
#include "memstow/packing_search.h"
#include "memstow/packing_sweep.h"
#include "memstow/repacking_memory.h"

namespace memstow {

namespace {

double Length(const Block& block) { return static_cast<double>(int64_t{block.end} - block.start + 1); }

/*! \brief Orders of placement; what comes first finds the most room. */
using Rank = std::tuple<double, double>;

Rank BySize(const Block& block) { return {-static_cast<double>(block.size), -Length(block)}; }
Rank ByArea(const Block& block) {
  const double size = static_cast<double>(block.size);
  return {-size * Length(block), -size};
}
Rank ByLength(const Block& block) { return {-Length(block), -static_cast<double>(block.size)}; }

// Of a component that is large and many times as large as the newcomer's surroundings nearly all is too far away to
// matter.
constexpr size_t kLargeComponent = 128;
constexpr size_t kTimesSurroundings = 16;

constexpr std::array<Rank (*)(const Block&), 3> kOrders{BySize, ByArea, ByLength};

/*! \brief Offsets from the complete search, or nothing when it ends without any. */
std::vector<int64_t> SearchOffsets(const packing::PackingProblem& problem, int64_t node_limit) {
  const packing::Sweep sweep = packing::SweepSections(problem);
  const packing::SolveOptions options;
  packing::Budget budget(options);
  packing::Search search(problem, sweep, options.pruning, &budget);
  std::vector<int32_t> everyone(problem.buffers.size());
  std::iota(everyone.begin(), everyone.end(), 0);
  constexpr std::array<packing::Heuristic, 2> kHeuristics{
      packing::Heuristic{packing::Trait::kTotal, packing::Trait::kSections, packing::Trait::kSize},
      packing::Heuristic{packing::Trait::kTotal, packing::Trait::kWidth, packing::Trait::kArea}};
  for (const packing::Part& part :
       packing::SplitAtCuts(everyone, sweep.spans, {0, sweep.section_count}, search.cuts())) {
    // Every block takes a node.
    if (static_cast<int64_t>(part.members.size()) > node_limit) return {};
    packing::Verdict verdict = packing::Verdict::kNodeLimit;
    for (size_t k = 0; k < kHeuristics.size() && verdict == packing::Verdict::kNodeLimit; ++k) {
      verdict = search.Run(part, {kHeuristics[k], 0.0, 0}, node_limit);
    }
    if (verdict != packing::Verdict::kSolved) return {};
  }
  std::vector<int64_t> offsets;
  for (int32_t buffer : everyone) offsets.push_back(search.offset(buffer));
  return offsets;
}

}  // namespace

// The blocks are lifted; either none is in the end, or all are.
bool RepackingMemory::MoveInOrder(const std::vector<int32_t>& keys, bool best) {
  for (size_t k = 0; k < keys.size(); ++k) {
    const Block& mine = block(keys[k]);
    const int64_t offset =
        best ? memory_.BestFit(mine.size, mine.start, mine.end) : memory_.FirstFit(mine.size, mine.start, mine.end);
    if (offset == FastMemory::kNoRoom) {
      while (k-- > 0) memory_.Lift(keys[k]);
      return false;
    }
    memory_.Move(keys[k], offset);
  }
  return true;
}

bool RepackingMemory::MoveInSomeOrder(std::vector<int32_t>* keys) {
  for (const auto rank : kOrders) {
    // Keys last: no order depends on the input's.
    std::sort(keys->begin(), keys->end(), [this, rank](int32_t a, int32_t b) {
      return std::make_tuple(rank(block(a)), a) < std::make_tuple(rank(block(b)), b);
    });
    if (MoveInOrder(*keys, true) || MoveInOrder(*keys, false)) return true;
  }
  return false;
}

bool RepackingMemory::RepackNear(int32_t newcomer, const RepackOptions& options) {
  const Block& mine = block(newcomer);
  std::vector<int32_t> keys = memory_.Alive(mine.start, mine.end, options.block_limit);
  if (keys.size() > options.block_limit) return false;
  const size_t mark = Mark();
  for (int32_t key : keys) Lift(key);
  if (MoveInSomeOrder(&keys)) return true;
  UndoTo(mark);
  return false;
}

// Keys of the blocks that hang together with the newcomer in time: none outside of them is affected by where they lie.
// Nothing when they are more than `limit`.
std::vector<int32_t> RepackingMemory::Component(const Block& newcomer, size_t limit) const {
  int32_t start = newcomer.start, end = newcomer.end;
  while (true) {
    const std::vector<int32_t>& keys = memory_.Alive(start, end, limit);
    if (keys.size() > limit) return {};
    int32_t wider_start = start, wider_end = end;
    for (int32_t key : keys) {
      wider_start = std::min(wider_start, block(key).start);
      wider_end = std::max(wider_end, block(key).end);
    }
    if (wider_start == start && wider_end == end) return keys;
    start = wider_start;
    end = wider_end;
  }
}

bool RepackingMemory::RepackComponent(int32_t newcomer, const RepackOptions& options) {
  if (options.node_limit == 0) return false;
  const Block& mine = block(newcomer);
  const size_t near = memory_.Alive(mine.start, mine.end).size();
  std::vector<int32_t> keys =
      Component(mine, std::min(options.block_limit, std::max(kLargeComponent, kTimesSurroundings * near)));
  if (keys.empty()) return false;
  const size_t mark = Mark();
  for (int32_t key : keys) Lift(key);
  if (MoveInSomeOrder(&keys)) return true;
  packing::PackingProblem problem{{}, memory_.capacity()};
  for (int32_t key : keys) {
    const Block& mine = block(key);
    problem.buffers.push_back({mine.start, int64_t{mine.end} + 1, mine.size, memory_.alignment()});
  }
  const std::vector<int64_t> offsets = SearchOffsets(problem, options.node_limit);
  if (offsets.empty()) {
    UndoTo(mark);
    return false;
  }
  for (size_t k = 0; k < keys.size(); ++k) memory_.Move(keys[k], offsets[k]);
  return true;
}

}  // namespace memstow
