/*!
 * Blocks get new offsets so that one more fits: first those beside the newcomer, then all that hang together with it,
 * greedily in several orders, at last by the complete search of packing.h under a limit of nodes.
 */
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <tuple>

#include "memstow/free_space.h"
#include "memstow/packing.h"
#include "memstow/packing_search.h"
#include "memstow/packing_sweep.h"

namespace memstow {

namespace {

int64_t Length(const Block& block) { return int64_t{block.end} - block.start + 1; }

/*! \brief Orders of placement; what comes first finds the most room. Keys last: no order depends on the input's. */
using Rank = std::tuple<double, double, int32_t>;

Rank BySize(const Block& block) {
  return {-static_cast<double>(block.size), -static_cast<double>(Length(block)), block.key};
}
Rank ByArea(const Block& block) {
  const double area = static_cast<double>(block.size) * static_cast<double>(Length(block));
  return {-area, -static_cast<double>(block.size), block.key};
}
Rank ByLength(const Block& block) {
  return {-static_cast<double>(Length(block)), -static_cast<double>(block.size), block.key};
}

constexpr std::array<Rank (*)(const Block&), 3> kOrders{BySize, ByArea, ByLength};

void SortBy(Rank (*rank)(const Block&), std::vector<Block>* blocks) {
  std::sort(blocks->begin(), blocks->end(), [rank](const Block& a, const Block& b) { return rank(a) < rank(b); });
}

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

// The blocks are not placed yet; either all are in the end, or none.
bool FreeSpace::PlaceInOrder(std::vector<Block>* blocks, bool best) {
  const size_t mark = Mark();
  for (Block& block : *blocks) {
    block.offset = best ? BestFit(block.size, block.start, block.end) : FirstFit(block.size, block.start, block.end);
    if (block.offset == kNoRoom) {
      UndoTo(mark);
      return false;
    }
    Place(block);
  }
  return true;
}

bool FreeSpace::RepackLocally(const Block& newcomer) {
  const size_t mark = Mark();
  std::vector<Block> movable = Overlapping(newcomer.start, newcomer.end);
  for (const Block& block : movable) Remove(block.key);
  movable.push_back(newcomer);
  for (const auto rank : kOrders) {
    SortBy(rank, &movable);
    if (PlaceInOrder(&movable, true) || PlaceInOrder(&movable, false)) return true;
  }
  UndoTo(mark);
  return false;
}

bool FreeSpace::RepackComponent(const Block& newcomer, const RepackOptions& options) {
  if (options.node_limit == 0) return false;
  std::vector<Block> blocks = Component(newcomer, options.block_limit);
  if (blocks.empty()) return false;
  const size_t mark = Mark();
  for (const Block& block : blocks) Remove(block.key);
  blocks.push_back(newcomer);
  for (const auto rank : kOrders) {
    SortBy(rank, &blocks);
    if (PlaceInOrder(&blocks, true) || PlaceInOrder(&blocks, false)) return true;
  }
  packing::PackingProblem problem{{}, capacity_};
  for (const Block& block : blocks) {
    problem.buffers.push_back({block.start, int64_t{block.end} + 1, block.size, alignment_});
  }
  const std::vector<int64_t> offsets = SearchOffsets(problem, options.node_limit);
  if (offsets.empty()) {
    UndoTo(mark);
    return false;
  }
  for (size_t k = 0; k < blocks.size(); ++k) {
    blocks[k].offset = offsets[k];
    Place(blocks[k]);
  }
  return true;
}

}  // namespace memstow
