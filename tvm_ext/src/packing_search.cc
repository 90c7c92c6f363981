#include "memstow/packing_search.h"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <utility>

namespace memstow::packing {

namespace {

/*! \brief Beyond this many (section, buffer) pairs sections keep no lists; their inferences use floors and totals. */
constexpr size_t kMaxSectionBuffers = size_t{1} << 25;

}  // namespace

std::vector<Part> SplitAtCuts(const std::vector<int32_t>& members, const std::vector<Range>& spans, Range sections,
                              const std::vector<int64_t>& cuts) {
  std::vector<Part> parts;
  std::vector<int32_t> part_of(sections.last - sections.first);
  parts.push_back({{}, {sections.first, sections.first}});
  for (int32_t s = sections.first; s < sections.last; ++s) {
    part_of[s - sections.first] = static_cast<int32_t>(parts.size()) - 1;
    parts.back().sections.last = s + 1;
    if (s + 1 < sections.last && cuts[s] == 0) parts.push_back({{}, {s + 1, s + 1}});
  }
  for (int32_t member : members) parts[part_of[spans[member].first - sections.first]].members.push_back(member);
  parts.erase(std::remove_if(parts.begin(), parts.end(), [](const Part& part) { return part.members.empty(); }),
              parts.end());
  return parts;
}

Search::Search(const PackingProblem& problem, const Sweep& sweep, const Pruning& pruning, Budget* budget)
    : problem_(problem), sweep_(sweep), pruning_(pruning), budget_(*budget) {
  const size_t count = problem.buffers.size();
  std::map<std::tuple<int32_t, int32_t, int64_t, int64_t>, int32_t> last_equal;
  for (size_t i = 0; i < count; ++i) {
    const Buffer& buffer = problem.buffers[i];
    const Range span = sweep.spans[i];
    const auto [equal, first] =
        last_equal.emplace(std::tuple(span.first, span.last, buffer.size, buffer.alignment), -1);
    twin_before_.push_back(first ? -1 : equal->second);
    equal->second = static_cast<int32_t>(i);
  }
  ListSections();
  Reset();
}

void Search::ListSections() {
  section_begin_.assign(sweep_.section_count + 1, 0);
  size_t pairs = 0;
  for (const Range& span : sweep_.spans) {
    pairs += span.last - span.first;
    if (pairs > kMaxSectionBuffers) return section_begin_.clear();
    for (int32_t s = span.first; s < span.last; ++s) ++section_begin_[s + 1];
  }
  for (int32_t s = 0; s < sweep_.section_count; ++s) section_begin_[s + 1] += section_begin_[s];
  section_buffers_.resize(pairs);
  std::vector<size_t> end = section_begin_;
  for (size_t i = 0; i < sweep_.spans.size(); ++i) {
    for (int32_t s = sweep_.spans[i].first; s < sweep_.spans[i].last; ++s) {
      section_buffers_[end[s]++] = static_cast<int32_t>(i);
    }
  }
}

void Search::Reset() {
  const size_t count = problem_.buffers.size();
  trail_.clear();
  frames_.clear();
  offsets_.assign(count, 0);
  natural_.assign(count, 0);
  release_.assign(count, 0);
  floors_.assign(sweep_.section_count, 0);
  totals_.assign(sweep_.section_count, 0);
  cuts_.assign(sweep_.section_count, 0);
  for (size_t i = 0; i < count; ++i) {
    const Range span = sweep_.spans[i];
    for (int32_t s = span.first; s < span.last; ++s) totals_[s] += problem_.buffers[i].size;
    for (int32_t s = span.first; s + 1 < span.last; ++s) ++cuts_[s];
  }
}

void Search::UndoTo(size_t mark) {
  while (trail_.size() > mark) {
    *trail_.back().where = trail_.back().old;
    trail_.pop_back();
  }
}

double Search::TraitOf(int32_t member, Trait trait) const {
  // A double holds every trait closely enough to sort by.
  const Buffer& buffer = problem_.buffers[member];
  const Range span = sweep_.spans[member];
  const double size = static_cast<double>(buffer.size);
  const double width = static_cast<double>(buffer.upper) - static_cast<double>(buffer.lower);
  const double sections = static_cast<double>(span.last - span.first);
  switch (trait) {
    case Trait::kArea:
      return width * size;
    case Trait::kSectionArea:
      return sections * size;
    case Trait::kTotal:
      return static_cast<double>(*std::max_element(totals_.begin() + span.first, totals_.begin() + span.last));
    case Trait::kWidth:
      return width;
    case Trait::kSections:
      return sections;
    case Trait::kSize:
      return size;
  }
  return 0;
}

void Search::Sort(Part* part) const {
  if (!pruning_.static_preordering) {
    std::sort(part->members.begin(), part->members.end());
    return;
  }
  std::vector<std::pair<std::array<double, 3>, int32_t>> order;
  order.reserve(part->members.size());
  for (int32_t member : part->members) {
    std::array<double, 3> traits{};
    for (size_t k = 0; k < traits.size(); ++k) traits[k] = -TraitOf(member, heuristic_[k]) * weights_[member];
    order.emplace_back(traits, member);
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) part->members[i] = order[i].second;
}

void Search::DrawWeights(double spread, uint64_t seed) {
  weights_.assign(problem_.buffers.size(), 1.0);
  if (spread == 0) return;
  // The standard fixes the numbers of the engine, not those of its distributions.
  std::mt19937_64 generator(seed);
  for (double& weight : weights_) {
    weight += spread * (static_cast<double>(generator() >> 11) / static_cast<double>(uint64_t{1} << 52) - 1.0);
  }
}

Verdict Search::Run(const Part& part, const Preorder& preorder, int64_t node_limit) {
  Reset();
  heuristic_ = preorder.heuristic;
  DrawWeights(preorder.spread, preorder.seed);
  const int64_t last_node = node_limit > kPlaced - budget_.nodes() ? kPlaced : budget_.nodes() + node_limit;
  Frame root;
  root.parts.push_back(part);
  Sort(&root.parts.front());
  frames_.push_back(std::move(root));
  Signal signal = Signal::kDescend;
  while (!frames_.empty()) {
    if (!frames_.back().parts.empty()) {
      signal = StepParts(signal);
      continue;
    }
    if (budget_.nodes() >= last_node) return Verdict::kNodeLimit;
    if (!budget_.SpendNode()) return Verdict::kTimeLimit;
    signal = StepChoice(signal);
  }
  return signal == Signal::kSolved ? Verdict::kSolved : Verdict::kInfeasible;
}

Search::Signal Search::StepParts(Signal signal) {
  Frame& frame = frames_.back();
  if (signal == Signal::kFailed || frame.next_part == frame.parts.size()) {
    frames_.pop_back();
    return signal;
  }
  // The parts live on the heap and stay where they are when the stack of frames grows.
  PushChoice(frame.parts[frame.next_part++], frame.bound);
  return Signal::kDescend;
}

Search::Signal Search::StepChoice(Signal signal) {
  Frame& frame = frames_.back();
  if (signal == Signal::kSolved || frame.limit == kPlaced) {
    // What is placed stays: it is part of the solution, and an outer choice that fails undoes it.
    frames_.pop_back();
    return Signal::kSolved;
  }
  const Part& part = *frame.part;
  bool alive = true;
  if (signal == Signal::kFailed) {
    UndoTo(frame.mark);
    alive = Lift(part, part.members[frame.tried.rank], frame.tried.offset);
    frame.mark = trail_.size();
  }
  if (!alive || !NextCandidate(&frame)) {
    frames_.pop_back();
    return Signal::kFailed;
  }
  const Key tried = frame.tried;
  const int32_t buffer = part.members[tried.rank];
  if (!Allowed(buffer) || !Place(part, buffer, tried.offset)) return Signal::kFailed;
  Descend(part, tried);
  return Signal::kDescend;
}

void Search::PushChoice(const Part& part, Key bound) {
  Frame frame;
  frame.part = &part;
  frame.bound = bound;
  frame.tried = pruning_.canonical && pruning_.dynamic_ordering ? bound : Key{-1, -1};
  frame.limit = kPlaced;
  frame.mark = trail_.size();
  for (int32_t member : part.members) {
    if (release_[member] == kPlaced) continue;
    frame.limit = std::min(frame.limit, natural_[member] + problem_.buffers[member].size);
  }
  if (!pruning_.dominance && frame.limit != kPlaced) frame.limit = kPlaced - 1;
  frames_.push_back(std::move(frame));
}

void Search::Descend(const Part& part, Key placed) {
  const Range span = sweep_.spans[part.members[placed.rank]];
  bool cut = false;
  for (int32_t s = span.first; s + 1 < span.last; ++s) cut |= cuts_[s] == 0;
  if (!cut || !pruning_.decomposition) return PushChoice(part, placed);
  std::vector<int32_t> unplaced;
  for (int32_t member : part.members) {
    if (release_[member] != kPlaced) unplaced.push_back(member);
  }
  Frame frame;
  frame.bound = {placed.offset, -1};
  frame.parts = SplitAtCuts(unplaced, sweep_.spans, part.sections, cuts_);
  if (frame.parts.empty()) return PushChoice(part, placed);
  for (Part& smaller : frame.parts) Sort(&smaller);
  frames_.push_back(std::move(frame));
}

bool Search::NextCandidate(Frame* frame) const {
  const std::vector<int32_t>& members = frame->part->members;
  const int32_t count = static_cast<int32_t>(members.size());
  if (!pruning_.dynamic_ordering) {
    for (int32_t rank = frame->tried.rank + 1; rank < count; ++rank) {
      const Key key{release_[members[rank]], rank};
      if (key.offset >= frame->limit || (pruning_.canonical && !(frame->bound < key))) continue;
      frame->tried = key;
      return true;
    }
    return false;
  }
  Key best{frame->limit, -1};
  for (int32_t rank = 0; rank < count; ++rank) {
    const Key key{release_[members[rank]], rank};
    if (key.offset < best.offset && frame->tried < key) best = key;
  }
  if (best.rank < 0) return false;
  frame->tried = best;
  return true;
}

}  // namespace memstow::packing
