#include "memstow/schedule_state_copies.h"

#include <tuple>

namespace memstow {

namespace {

size_t BlockOf(int32_t t) { return static_cast<size_t>(t) / kBlock; }

}  // namespace

ScheduledCopies::ScheduledCopies(size_t num_instructions) : times_(num_instructions + 1), tree_(num_instructions + 1) {}

bool ScheduledCopies::Before(int32_t id, int32_t other) const {
  const Copy &a = copy(id), &b = copy(other);
  // Odd ids, the evictions, first: a prefetch of the same storage may need the data.
  return std::make_tuple(a.done, a.storage, -(id & 1)) < std::make_tuple(b.done, b.storage, -(other & 1));
}

void ScheduledCopies::Insert(int32_t id, int32_t storage, int32_t start, int32_t done, double seconds) {
  if (static_cast<size_t>(id) >= copies_.size()) copies_.resize(static_cast<size_t>(id) + 1);
  copy(id) = {seconds, storage, start, done, kEnd, kEnd};
  int32_t* link = &at(start).starting;
  while (*link != kEnd && Before(*link, id)) link = &copy(*link).next_at_start;
  copy(id).next_at_start = *link;
  *link = id;
  link = &at(done).due;
  while (*link != kEnd && copy(*link).start > start) link = &copy(*link).next_at_done;
  copy(id).next_at_done = *link;
  *link = id;
  Changed(id);
}

void ScheduledCopies::Erase(int32_t id) {
  int32_t* link = &at(copy(id).start).starting;
  while (*link != id) link = &copy(*link).next_at_start;
  *link = copy(id).next_at_start;
  link = &at(copy(id).done).due;
  while (*link != id) link = &copy(*link).next_at_done;
  *link = copy(id).next_at_done;
  Changed(id);
}

// The join is summed anew in queue order: it depends on the copies alone, not on their history.
void ScheduledCopies::Changed(int32_t id) {
  Time& time = at(copy(id).start);
  time.join = 0.0;
  for (int32_t k = time.starting; k != kEnd; k = copy(k).next_at_start) time.join += copy(k).seconds;
  Time& due = at(copy(id).done);
  due.due_start = due.due == kEnd ? JoinedDue::kNone : copy(due.due).start;
  starts_.push_back(copy(id).start);
  dues_.push_back(copy(id).done);
  if (starts_.size() > 2 * times_.size()) {  // nobody asks for times: keep what is noted small
    SortUnique(&starts_);
    SortUnique(&dues_);
  }
}

void ScheduledCopies::Settle(std::vector<Step>* steps, std::vector<size_t>* changed_blocks) {
  if (starts_.empty()) return;
  SortUnique(&starts_);
  SortUnique(&dues_);
  scratch_.clear();
  for (int32_t t : starts_) scratch_.push_back(BlockOf(t));
  for (int32_t t : dues_) scratch_.push_back(BlockOf(t));
  SortUnique(&scratch_);
  changed_blocks->insert(changed_blocks->end(), scratch_.begin(), scratch_.end());
  for (size_t block : scratch_) SetLeaf(block);
  tree_.Update(&scratch_);
  for (int32_t t : starts_) (*steps)[static_cast<size_t>(t)].join = at(t).join;
  for (int32_t t : dues_) (*steps)[static_cast<size_t>(t)].limit = Limit(t);
  const int32_t last = static_cast<int32_t>(times_.size()) - 1;
  for (int32_t start : starts_) {
    for (int32_t t = NextDue(start, start); t <= last; t = NextDue(t + 1, start)) {
      (*steps)[static_cast<size_t>(t)].limit = Limit(t);
      changed_blocks->push_back(BlockOf(t));
    }
  }
  starts_.clear();
  dues_.clear();
}

void ScheduledCopies::SetLeaf(size_t block) {
  JoinedDue leaf;
  const size_t end = std::min(times_.size(), (block + 1) * kBlock);
  for (size_t t = block * kBlock; t < end; ++t) {
    leaf.joined += times_[t].join;
    leaf.earliest_start = std::min(leaf.earliest_start, times_[t].due_start);
  }
  tree_.SetLeaf(block, leaf);
}

double ScheduledCopies::Limit(int32_t t) const {
  if (at(t).due == kEnd) return Step::kNoLimit;
  const int32_t start = at(t).due_start;
  double behind = Joined(start + 1, t + 1);
  for (int32_t k = at(start).starting; k != kEnd; k = copy(k).next_at_start) {
    if (copy(k).done > t) behind += copy(k).seconds;
  }
  return behind;
}

// Seconds that join at times [from, until): whole blocks from the tree, the rest one by one.
double ScheduledCopies::Joined(int32_t from, int32_t until) const {
  double sum = 0.0;
  int32_t t = from;
  const int32_t block = static_cast<int32_t>(kBlock);
  for (; t < until && t % block != 0; ++t) sum += at(t).join;
  size_t first = tree_.num_leaves() + BlockOf(t);
  size_t last = tree_.num_leaves() + BlockOf(std::max(t, until));
  t = std::max(t, until / block * block);
  for (; first < last; first /= 2, last /= 2) {
    if (first & 1) sum += tree_[first++].joined;
    if (last & 1) sum += tree_[--last].joined;
  }
  for (; t < until; ++t) sum += at(t).join;
  return sum;
}

// The first time from `from` on whose last due copy starts at `start` at the latest; past the end when there is none.
int32_t ScheduledCopies::NextDue(int32_t from, int32_t start) const {
  const size_t count = times_.size();
  size_t t = static_cast<size_t>(from);
  for (; t < count && t % kBlock != 0; ++t) {
    if (times_[t].due_start <= start) return static_cast<int32_t>(t);
  }
  if (t >= count) return static_cast<int32_t>(count);
  size_t node = tree_.num_leaves() + t / kBlock;
  while (tree_[node].earliest_start > start) {
    while (node & 1) node /= 2;  // climb until there is a subtree to the right
    if (node == 0) return static_cast<int32_t>(count);
    ++node;
  }
  while (node < tree_.num_leaves()) node = tree_[2 * node].earliest_start <= start ? 2 * node : 2 * node + 1;
  t = (node - tree_.num_leaves()) * kBlock;
  while (times_[t].due_start > start) ++t;
  return static_cast<int32_t>(t);
}

}  // namespace memstow
