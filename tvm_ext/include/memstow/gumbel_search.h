/*!
 * \file memstow/gumbel_search.h
 * \brief Gumbel MuZero's tree search (Danihelka et al., Policy improvement by planning with Gumbel, ICLR 2022).
 *
 *  At the root each legal action a has a score, gumbel(a) + logit(a) + sigma(q(a)): without simulations its argmax is a
 *  draw from the prior, and every simulation makes it better. Simulations are dealt out by sequential halving. Of 16
 *  over three actions each has two at first, then each of the best two has four, and they share what is left:
 *
 *    phase           1    2   left      visits
 *    best action     2    4    1           7
 *    second best     2    4    1           7
 *    third           2                     2
 *
 *  Below the root the action is argmax_a( policy(a) - visits(a) / (1 + all visits) ), so that visits approach the
 *  improved policy, softmax(logit + sigma(q)). Here q(a) = reward + discount * mean value of the child; actions without
 *  visits are completed by the mixed value
 *
 *    ( raw value + all visits * mean of q over visited actions, weighted by the prior ) / ( 1 + all visits )
 *
 *  and sigma(q) = (visit_offset + most visits) * value_scale * q after scaling q to [0, 1].
 *
 *  The tree lies in one array in the order in which nodes were added; arrays are reused by the next search.
 */
#ifndef MEMSTOW_GUMBEL_SEARCH_H_
#define MEMSTOW_GUMBEL_SEARCH_H_

#include <array>
#include <cstdint>
#include <random>
#include <vector>

#include "memstow/tree_model.h"

namespace memstow {

/*! \brief From what to what q is scaled to [0, 1]. */
enum class ValueRange : uint8_t {
  /*! \brief The least and the greatest q or evaluation in the tree so far, as MuZero does. */
  kTree = 0,
  /*! \brief Those of one node's legal actions, completed; google-deepmind/mctx does so. */
  kSiblings = 1,
};

struct SearchOptions {
  int32_t simulations = 32;
  /*! \brief Actions that the root simulates, those with the greatest gumbel + logit. */
  int32_t considered = kNumActions;
  /*! \brief Of the value, per decision. */
  double discount = 1.0 - 1.0 / 64.0;
  double visit_offset = 50.0;
  double value_scale = 0.1;
  /*! \brief Times the noise at the root; 0 plays the best known action rather than a draw. */
  double gumbel_scale = 1.0;
  ValueRange value_range = ValueRange::kTree;
  /*! \brief Ranges below this count as this: smaller differences of q stay small. */
  double least_range = 1e-8;
  /*! \brief Whether a root with one legal action is simulated; its value is the evaluation's otherwise. */
  bool search_forced = false;
};

/*! \brief What a search found out about the root. Entries of illegal actions are 0. */
struct SearchResult {
  /*! \brief The best score among the most visited. */
  Action action = Action::kDrop;
  std::array<int32_t, kNumActions> visits{};
  /*! \brief Completed. */
  std::array<double, kNumActions> q{};
  /*! \brief Improved. Sums up to 1. */
  std::array<float, kNumActions> policy{};
  /*! \brief Mean of the evaluation and the returns of all simulations. */
  double value = 0.0;
};

/*! \brief A node of the tree. */
struct TreeNode {
  static constexpr int32_t kNone = -1;

  int32_t parent = kNone;
  /*! \brief What led here from the parent, and its reward. */
  Action action = Action::kDrop;
  double reward = 0.0;
  Evaluation evaluation;
  /*! \brief Softmax of the evaluation's logits over the legal actions. */
  std::array<double, kNumActions> prior{};
  /*! \brief Mean of the evaluation's value and the returns of the visits that went on. */
  double value = 0.0;
  /*! \brief Simulations that came here. The root's evaluation counts as one. */
  int32_t visits = 0;
  std::array<int32_t, kNumActions> children = {kNone, kNone, kNone};
};

/*! \brief Numbers of visits that sequential halving asks for, one for each simulation: visit one that has so many. */
std::vector<int32_t> ConsideredVisits(int32_t considered, int32_t simulations);

/*! \brief See the head of this file. One thread at a time; models may change from search to search. */
class GumbelSearch {
 public:
  /*! \throws ValueError when an option is out of range; the message names it. */
  explicit GumbelSearch(SearchOptions options);

  const SearchOptions& options() const { return options_; }
  /*!
   * \brief Search from the model's root; the model is there again afterwards.
   * \throws ValueError when the game is over or an evaluation is not finite.
   */
  SearchResult Run(TreeModel* model, std::mt19937_64* random);
  /*! \brief The tree of the last search; node 0 is the root. */
  const std::vector<TreeNode>& nodes() const { return nodes_; }

 private:
  using Numbers = std::array<double, kNumActions>;

  void Clear();
  void DrawGumbels(std::mt19937_64* random);
  void Simulate(TreeModel* model, int32_t considered_visits);
  void Add(int32_t parent, Action action, double reward, const Evaluation& evaluation);
  void BackUp(int32_t leaf);
  void Count(TreeNode* node, double value);
  void Widen(double q);
  SearchResult Summary() const;

  Action RootAction(int32_t considered_visits) const;
  Action InteriorAction(const TreeNode& node) const;
  Numbers Completed(const TreeNode& node) const;
  /*! \brief logit + sigma(q). */
  Numbers Improved(const TreeNode& node) const;
  double MixedValue(const TreeNode& node) const;
  double Q(const TreeNode& child) const { return child.reward + options_.discount * child.value; }
  TreeNode& node(int32_t id) { return nodes_[static_cast<size_t>(id)]; }
  const TreeNode* Child(const TreeNode& node, int32_t action) const;
  int32_t Visits(const TreeNode& node, int32_t action) const;

  SearchOptions options_;
  /*! \brief By the number of actions considered. */
  std::array<std::vector<int32_t>, kNumActions + 1> considered_visits_;
  std::vector<TreeNode> nodes_;
  Numbers gumbels_{};
  /*! \brief Of q and evaluations in the tree so far. */
  double least_q_ = 0.0;
  double greatest_q_ = 0.0;
};

}  // namespace memstow
#endif  // MEMSTOW_GUMBEL_SEARCH_H_
