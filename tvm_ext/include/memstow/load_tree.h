/*!
 * \file memstow/load_tree.h
 * \brief How much is in use at each instruction time: amounts over time ranges come and go, the most of any range is
 *  known at once.
 *
 *      LoadTree load(100);
 *      load.Add(3, 50, 7);       // 7 more during [3, 50]
 *      load.Add(50, 60, 2);
 *      load.Max(0, 99) == 9      // at 50
 *      load.LastAbove(0, 99, 8) == 50
 *
 *  A tree of 16 children a node, level by level in one array: a change and a question look at two nodes' children on
 *  each level. What a range covers whole is noted at the highest nodes:
 *
 *    level 1   |    +7 (max 7)   |    max 9        |  ...      a node's load counts what it has itself and, above the
 *    level 0   | . . . . . . . . | 7 7 9 2 2 . . . |           leaves, the most of its children
 */
#ifndef MEMSTOW_LOAD_TREE_H_
#define MEMSTOW_LOAD_TREE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memstow {

/*! \brief See the head of this file. A value: copy it to clone it. Ranges are closed and within [0, num_times). */
class LoadTree {
 public:
  static constexpr int32_t kNever = -1;

  /*! \brief Nothing in use at any of `num_times` times. */
  explicit LoadTree(int32_t num_times);

  /*! \brief More (or less, below 0) is in use at all times of [start, end]. */
  void Add(int32_t start, int32_t end, int64_t amount);
  /*! \brief The most in use at one time of [start, end]. */
  int64_t Max(int32_t start, int32_t end) const;
  /*! \brief What is in use at one time. */
  int64_t At(int32_t time) const;
  /*! \brief The last time of [start, end] at which more than `limit` is in use, or kNever. */
  int32_t LastAbove(int32_t start, int32_t end, int64_t limit) const;

 private:
  static constexpr int32_t kFan = 16;

  void Refresh(size_t level, int32_t node);
  int64_t MaxBelow(size_t level, int32_t node, int32_t start, int32_t end) const;
  int32_t LastBelow(size_t level, int32_t node, int32_t start, int32_t end, int64_t limit) const;

  /*! \brief Where each level begins in `most_`; padded to whole nodes. */
  std::vector<size_t> first_;
  /*! \brief Times below one node of each level. */
  std::vector<int32_t> width_;
  /*! \brief By node: the most in use below it, without what its ancestors have. */
  std::vector<int64_t> most_;
  /*! \brief By node: what covers all of it but not all of its parent. Not kept for leaves, where it is the most. */
  std::vector<int64_t> own_;
};

}  // namespace memstow
#endif  // MEMSTOW_LOAD_TREE_H_
