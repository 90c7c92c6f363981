#include "memstow/load_tree.h"

#include <algorithm>

namespace memstow {

LoadTree::LoadTree(int32_t num_times) {
  size_t nodes = 0;
  int32_t count = std::max(1, num_times);
  for (int32_t width = 1;; width *= kFan) {
    first_.push_back(nodes);
    width_.push_back(width);
    nodes += static_cast<size_t>((count + kFan - 1) / kFan * kFan);
    if (count == 1) break;
    count = (count + kFan - 1) / kFan;
  }
  most_.assign(nodes, 0);
  own_.assign(nodes, 0);
}

void LoadTree::Refresh(size_t level, int32_t node) {
  const int64_t* child = most_.data() + first_[level - 1] + static_cast<size_t>(node * kFan);
  int64_t most = child[0];
  for (int32_t k = 1; k < kFan; ++k) most = std::max(most, child[k]);
  const size_t at = first_[level] + static_cast<size_t>(node);
  most_[at] = own_[at] + most;
}

// Level by level upwards: nodes [low, high] are covered whole; those of them whose parent is covered too are left to
// it. Above the ends of the range, `left` and `right`, maxima change.
void LoadTree::Add(int32_t start, int32_t end, int64_t amount) {
  int32_t low = start, high = end, left = start, right = end;
  for (size_t level = 0; level < first_.size(); ++level) {
    if (low <= high) {
      const bool top = level + 1 == first_.size();
      const int32_t inner_low = (low + kFan - 1) / kFan, inner_high = (high + 1) / kFan - 1;
      const bool whole = !top && inner_low <= inner_high;
      int64_t* most = most_.data() + first_[level];
      int64_t* own = own_.data() + first_[level];
      const int32_t low_end = whole ? inner_low * kFan - 1 : high;
      for (int32_t k = low; k <= low_end; ++k) most[k] += amount;
      if (level > 0) {
        for (int32_t k = low; k <= low_end; ++k) own[k] += amount;
      }
      if (whole) {
        for (int32_t k = (inner_high + 1) * kFan; k <= high; ++k) most[k] += amount;
        if (level > 0) {
          for (int32_t k = (inner_high + 1) * kFan; k <= high; ++k) own[k] += amount;
        }
      }
      low = whole ? inner_low : 1;
      high = whole ? inner_high : 0;
    }
    if (level + 1 == first_.size()) return;
    left /= kFan;
    right /= kFan;
    Refresh(level + 1, left);
    if (right != left) Refresh(level + 1, right);
  }
}

int64_t LoadTree::At(int32_t time) const {
  int64_t load = most_[static_cast<size_t>(time)];
  for (size_t level = 1; level < first_.size(); ++level) {
    time /= kFan;
    load += own_[first_[level] + static_cast<size_t>(time)];
  }
  return load;
}

int64_t LoadTree::Max(int32_t start, int32_t end) const {
  return start == end ? At(start) : MaxBelow(first_.size() - 1, 0, start, end);
}

// The most below a node within the range, which meets it; the node's own included.
int64_t LoadTree::MaxBelow(size_t level, int32_t node, int32_t start, int32_t end) const {
  const size_t at = first_[level] + static_cast<size_t>(node);
  const int32_t width = width_[level];
  if (start <= node * width && end >= node * width + width - 1) return most_[at];
  const int32_t child = width / kFan;
  int32_t low = std::max(node * kFan, start / child), high = std::min(node * kFan + kFan - 1, end / child);
  int64_t most = INT64_MIN;
  if (level > 1) {  // leaves are never met in part
    if (start > low * child) most = MaxBelow(level - 1, low++, start, end);
    if (low <= high && end < high * child + child - 1) most = std::max(most, MaxBelow(level - 1, high--, start, end));
  }
  const int64_t* below = most_.data() + first_[level - 1];
  for (int32_t k = low; k <= high; ++k) most = std::max(most, below[k]);
  return own_[at] + most;
}

int32_t LoadTree::LastAbove(int32_t start, int32_t end, int64_t limit) const {
  return LastBelow(first_.size() - 1, 0, start, end, limit);
}

int32_t LoadTree::LastBelow(size_t level, int32_t node, int32_t start, int32_t end, int64_t limit) const {
  const size_t at = first_[level] + static_cast<size_t>(node);
  if (most_[at] <= limit) return kNever;
  if (level == 0) return node;
  const int32_t child = width_[level] / kFan;
  const int32_t low = std::max(node * kFan, start / child);
  for (int32_t k = std::min(node * kFan + kFan - 1, end / child); k >= low; --k) {
    const int32_t found = LastBelow(level - 1, k, start, end, limit - own_[at]);
    if (found != kNever) return found;
  }
  return kNever;
}

}  // namespace memstow
