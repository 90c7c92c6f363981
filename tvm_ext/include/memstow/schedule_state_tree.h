/*!
 * \file memstow/schedule_state_tree.h
 * \brief A balanced binary tree over blocks of consecutive instruction times, kept up to date from its leaves.
 *
 *  Blocks keep the tree small: it is copied with every clone of a state.
 *
 *    node          1
 *               2     3          node i has the children 2i and 2i + 1
 *    leaves    4  5  6  7        leaf b = node num_leaves + b covers times [kBlock b, kBlock (b + 1))
 */
#ifndef MEMSTOW_SCHEDULE_STATE_TREE_H_
#define MEMSTOW_SCHEDULE_STATE_TREE_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace memstow {

/*! \brief Times per leaf. */
constexpr size_t kBlock = 8;

/*! \brief Nodes in heap order; Node{} must be neutral for `Then(Node, Node)`, which joins neighbours. */
template <typename Node>
class BlockTree {
 public:
  /*! \brief A tree of neutral nodes over times 0 .. num_times - 1. */
  explicit BlockTree(size_t num_times) {
    while (num_leaves_ * kBlock < num_times) num_leaves_ *= 2;
    nodes_.resize(2 * num_leaves_);
  }

  size_t num_leaves() const { return num_leaves_; }
  const Node& root() const { return nodes_[1]; }
  const Node& operator[](size_t node) const { return nodes_[node]; }
  void SetLeaf(size_t block, const Node& value) { nodes_[num_leaves_ + block] = value; }

  /*! \brief Bring the ancestors of changed leaves up to date. `blocks`: ascending, no repetitions; used as scratch. */
  void Update(std::vector<size_t>* blocks) {
    for (size_t& block : *blocks) block += num_leaves_;
    size_t size = blocks->size();
    for (size_t width = num_leaves_; width > 1; width /= 2) {
      size_t parents = 0;
      for (size_t k = 0; k < size; ++k) {
        const size_t parent = (*blocks)[k] / 2;
        if (parents > 0 && (*blocks)[parents - 1] == parent) continue;
        (*blocks)[parents++] = parent;
        nodes_[parent] = Then(nodes_[2 * parent], nodes_[2 * parent + 1]);
      }
      size = parents;
    }
  }

 private:
  size_t num_leaves_ = 1;
  std::vector<Node> nodes_;
};

/*! \brief Sort and drop repetitions. */
template <typename T>
void SortUnique(std::vector<T>* items) {
  std::sort(items->begin(), items->end());
  items->erase(std::unique(items->begin(), items->end()), items->end());
}

}  // namespace memstow
#endif  // MEMSTOW_SCHEDULE_STATE_TREE_H_
