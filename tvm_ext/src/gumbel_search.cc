#include "memstow/gumbel_search.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace memstow {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

bool IsLegal(const TreeNode& node, int32_t action) { return (node.evaluation.legal >> action & 1U) != 0; }

int32_t CountLegal(uint32_t legal) {
  return static_cast<int32_t>((legal & 1U) + (legal >> 1 & 1U) + (legal >> 2 & 1U));
}

/*! Probabilities over the node's legal actions; 0 for others. */
template <typename T>
std::array<double, kNumActions> Softmax(const TreeNode& node, const std::array<T, kNumActions>& logits) {
  double greatest = kNever;
  for (int32_t a = 0; a < kNumActions; ++a) {
    if (IsLegal(node, a)) greatest = std::max(greatest, static_cast<double>(logits[a]));
  }
  std::array<double, kNumActions> probabilities{};
  double sum = 0.0;
  for (int32_t a = 0; a < kNumActions; ++a) {
    if (IsLegal(node, a)) sum += probabilities[a] = std::exp(logits[a] - greatest);
  }
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

/*! The first of the greatest. */
Action ArgMax(const std::array<double, kNumActions>& scores) {
  return static_cast<Action>(std::max_element(scores.begin(), scores.end()) - scores.begin());
}

void Check(const Evaluation& evaluation) {
  bool finite = std::isfinite(evaluation.value);
  for (int32_t a = 0; a < kNumActions; ++a) {
    if (evaluation.legal >> a & 1U) finite &= std::isfinite(evaluation.logits[a]);
  }
  if (!finite) TVM_FFI_THROW(ValueError) << "an evaluation's value or prior is not finite; look at what evaluates";
}

void Check(const SearchOptions& options) {
  const auto refuse = [](const char* name, const char* expected, double found) {
    TVM_FFI_THROW(ValueError) << name << ": expected " << expected << ", found " << found;
  };
  if (options.simulations < 0) refuse("simulations", "at least 0", options.simulations);
  if (options.considered < 1) refuse("considered", "at least 1", options.considered);
  if (!(options.discount > 0.0 && options.discount <= 1.0)) {
    refuse("discount", "more than 0 and at most 1", options.discount);
  }
  if (!(options.visit_offset >= 0.0)) refuse("visit_offset", "at least 0", options.visit_offset);
  if (!(options.value_scale >= 0.0)) refuse("value_scale", "at least 0", options.value_scale);
  if (!(options.gumbel_scale >= 0.0)) refuse("gumbel_scale", "at least 0", options.gumbel_scale);
  if (!(options.least_range > 0.0)) refuse("least_range", "more than 0", options.least_range);
}

}  // namespace

// Karnin et al., Almost optimal exploration in multi-armed bandits, ICML 2013: in each of ceil(log2(considered)) phases
// all that are left have equally many simulations, and the better half goes on. Rounding leaves simulations over; the
// last two share them.
std::vector<int32_t> ConsideredVisits(int32_t considered, int32_t simulations) {
  const size_t wanted = static_cast<size_t>(simulations);
  std::vector<int32_t> sequence;
  if (considered == 1) {
    sequence.resize(wanted);
    std::iota(sequence.begin(), sequence.end(), 0);
    return sequence;
  }
  int32_t phases = 0;
  while ((1 << phases) < considered) ++phases;
  int32_t visits = 0;
  for (int32_t left = considered; sequence.size() < wanted; left = std::max(2, left / 2)) {
    const int32_t rounds = std::max(1, simulations / (phases * left));
    for (int32_t round = 0; round < rounds; ++round, ++visits) {
      sequence.insert(sequence.end(), static_cast<size_t>(left), visits);
    }
  }
  sequence.resize(wanted);
  return sequence;
}

GumbelSearch::GumbelSearch(SearchOptions options) : options_(options) {
  Check(options_);
  for (int32_t count = 1; count <= kNumActions; ++count) {
    considered_visits_[count] = ConsideredVisits(count, options_.simulations);
  }
  nodes_.reserve(static_cast<size_t>(options_.simulations) + 1);
}

SearchResult GumbelSearch::Run(TreeModel* model, std::mt19937_64* random) {
  Clear();
  const Evaluation root = model->Root();
  if (root.legal == 0) TVM_FFI_THROW(ValueError) << "the game is over: there is nothing to search for";
  Add(TreeNode::kNone, Action::kDrop, 0.0, root);
  Count(&nodes_[0], root.value);
  DrawGumbels(random);
  const int32_t num_legal = CountLegal(root.legal);
  if (num_legal > 1 || options_.search_forced) {
    for (int32_t visits : considered_visits_[std::min(options_.considered, num_legal)]) Simulate(model, visits);
  }
  return Summary();
}

void GumbelSearch::Clear() {
  nodes_.clear();
  least_q_ = std::numeric_limits<double>::infinity();
  greatest_q_ = kNever;
}

// One for each action, legal or not. The standard's distributions differ between platforms; this does not.
void GumbelSearch::DrawGumbels(std::mt19937_64* random) {
  for (double& gumbel : gumbels_) {
    const double uniform = (static_cast<double>((*random)() >> 11) + 0.5) * 0x1p-53;
    gumbel = options_.gumbel_scale * -std::log(-std::log(uniform));
  }
}

void GumbelSearch::Simulate(TreeModel* model, int32_t considered_visits) {
  int32_t at = 0;
  bool is_new = false;
  while (!is_new && node(at).evaluation.legal != 0) {
    const Action action = at == 0 ? RootAction(considered_visits) : InteriorAction(node(at));
    const int32_t known = node(at).children[static_cast<size_t>(action)];
    is_new = known == TreeNode::kNone;
    const int32_t child = is_new ? static_cast<int32_t>(nodes_.size()) : known;
    const double reward = model->Step(at, action, child);
    if (is_new) Add(at, action, reward, model->Evaluate(child));
    at = child;
  }
  model->ReturnToRoot();
  BackUp(at);
}

void GumbelSearch::Add(int32_t parent, Action action, double reward, const Evaluation& evaluation) {
  Check(evaluation);
  if (parent != TreeNode::kNone) {
    node(parent).children[static_cast<size_t>(action)] = static_cast<int32_t>(nodes_.size());
  }
  TreeNode added;
  added.parent = parent;
  added.action = action;
  added.reward = reward;
  added.evaluation = evaluation;
  if (evaluation.legal != 0) added.prior = Softmax(added, evaluation.logits);
  nodes_.push_back(added);
  if (evaluation.legal != 0) Widen(evaluation.value);
}

void GumbelSearch::BackUp(int32_t leaf) {
  double value = node(leaf).evaluation.value;
  for (int32_t at = leaf; at != TreeNode::kNone; at = node(at).parent) {
    Count(&node(at), value);
    if (at != 0) Widen(Q(node(at)));
    value = node(at).reward + options_.discount * value;
  }
}

void GumbelSearch::Count(TreeNode* node, double value) {
  ++node->visits;
  node->value += (value - node->value) / node->visits;
}

void GumbelSearch::Widen(double q) {
  least_q_ = std::min(least_q_, q);
  greatest_q_ = std::max(greatest_q_, q);
}

SearchResult GumbelSearch::Summary() const {
  const TreeNode& root = nodes_[0];
  const Numbers policy = Softmax(root, Improved(root));
  SearchResult result;
  int32_t most = 0;
  for (int32_t a = 0; a < kNumActions; ++a) {
    result.visits[a] = Visits(root, a);
    result.policy[a] = static_cast<float>(policy[a]);
    most = std::max(most, result.visits[a]);
  }
  result.action = RootAction(most);
  result.q = Completed(root);
  result.value = root.value;
  return result;
}

/*! The best score among the legal actions with so many visits. */
Action GumbelSearch::RootAction(int32_t considered_visits) const {
  const TreeNode& root = nodes_[0];
  Numbers scores = Improved(root);
  for (int32_t a = 0; a < kNumActions; ++a) {
    const bool eligible = IsLegal(root, a) && Visits(root, a) == considered_visits;
    scores[a] = eligible ? scores[a] + gumbels_[a] : kNever;
  }
  return ArgMax(scores);
}

Action GumbelSearch::InteriorAction(const TreeNode& node) const {
  Numbers scores = Softmax(node, Improved(node));
  // The node's own visits are one more than its children's: the one that evaluated it.
  for (int32_t a = 0; a < kNumActions; ++a) {
    scores[a] = IsLegal(node, a) ? scores[a] - static_cast<double>(Visits(node, a)) / node.visits : kNever;
  }
  return ArgMax(scores);
}

GumbelSearch::Numbers GumbelSearch::Completed(const TreeNode& node) const {
  const double mixed = MixedValue(node);
  Numbers q{};
  for (int32_t a = 0; a < kNumActions; ++a) {
    const TreeNode* child = Child(node, a);
    if (IsLegal(node, a)) q[a] = child == nullptr ? mixed : Q(*child);
  }
  return q;
}

GumbelSearch::Numbers GumbelSearch::Improved(const TreeNode& node) const {
  const Numbers q = Completed(node);
  double least = least_q_;
  double greatest = greatest_q_;
  if (options_.value_range == ValueRange::kSiblings) {
    least = std::numeric_limits<double>::infinity();
    greatest = kNever;
    for (int32_t a = 0; a < kNumActions; ++a) {
      if (!IsLegal(node, a)) continue;
      least = std::min(least, q[a]);
      greatest = std::max(greatest, q[a]);
    }
  }
  int32_t most = 0;
  for (int32_t a = 0; a < kNumActions; ++a) most = std::max(most, Visits(node, a));
  const double scale =
      (options_.visit_offset + most) * options_.value_scale / std::max(greatest - least, options_.least_range);
  Numbers improved{};
  for (int32_t a = 0; a < kNumActions; ++a) {
    if (IsLegal(node, a)) improved[a] = static_cast<double>(node.evaluation.logits[a]) + scale * (q[a] - least);
  }
  return improved;
}

double GumbelSearch::MixedValue(const TreeNode& node) const {
  double weights = 0.0;
  double weighted_q = 0.0;
  int32_t visits = 0;
  for (int32_t a = 0; a < kNumActions; ++a) {
    const TreeNode* child = Child(node, a);
    if (child == nullptr) continue;
    const double weight = std::max(node.prior[a], static_cast<double>(std::numeric_limits<float>::min()));
    weights += weight;
    weighted_q += weight * Q(*child);
    visits += child->visits;
  }
  if (visits == 0) return node.evaluation.value;
  return (node.evaluation.value + visits * (weighted_q / weights)) / (1 + visits);
}

const TreeNode* GumbelSearch::Child(const TreeNode& node, int32_t action) const {
  const int32_t child = node.children[action];
  return child == TreeNode::kNone ? nullptr : &nodes_[static_cast<size_t>(child)];
}

int32_t GumbelSearch::Visits(const TreeNode& node, int32_t action) const {
  const TreeNode* child = Child(node, action);
  return child == nullptr ? 0 : child->visits;
}

}  // namespace memstow
