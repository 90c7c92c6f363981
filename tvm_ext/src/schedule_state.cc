#include "memstow/schedule_state.h"

#include <tvm/ffi/error.h>

#include <array>

namespace memstow {

ScheduleState::ScheduleState(const Problem& problem)
    : problem_(&problem),
      count_(static_cast<size_t>(problem.num_instructions())),
      served_by_(static_cast<size_t>(problem.num_touches()), kNobody),
      fast_(count_),
      copies_(count_),
      steps_(count_ + 1),
      tree_(count_ + 1) {
  for (size_t t = 0; t < count_; ++t) {
    const Price price = problem.costs().At(static_cast<int32_t>(t), {});
    steps_[t].elapsed = price.elapsed;
    steps_[t].idle = price.idle;
  }
  for (size_t block = 0; block * kBlock <= count_; ++block) changed_blocks_.push_back(block);
}

int32_t ScheduleState::Apply(const Stay& stay) {
  CheckStay(*problem_, stay);
  const int32_t first = problem_->storage(stay.storage).first_touch;
  for (int32_t k = stay.first; k <= stay.last; ++k) {
    if (ServedBy(first + k) != kNobody) {
      TVM_FFI_THROW(ValueError) << "stay of storage " << stay.storage << ": touch " << k << " is served by stay "
                                << ServedBy(first + k) << " already; remove that first";
    }
  }
  int32_t id = static_cast<int32_t>(stays_.size());
  if (free_ids_.empty()) {
    stays_.emplace_back();
    placed_.push_back(0);
  } else {
    id = free_ids_.back();
    free_ids_.pop_back();
  }
  Place(id, stay);
  changes_.push_back({stay, id, true});
  return id;
}

void ScheduleState::Remove(int32_t id) {
  if (!IsPlaced(id)) TVM_FFI_THROW(ValueError) << "expected the id of a placed stay, found " << id;
  changes_.push_back({stay(id), id, false});
  Displace(id);
  free_ids_.push_back(id);
}

void ScheduleState::Undo() {
  if (changes_.empty()) TVM_FFI_THROW(ValueError) << "nothing to undo: every change is undone or committed";
  const Change change = changes_.back();
  changes_.pop_back();
  if (change.applied) {
    Displace(change.id);
    free_ids_.push_back(change.id);
  } else {
    free_ids_.pop_back();  // it is this id: all later changes are undone
    Place(change.id, change.stay);
  }
}

void ScheduleState::UndoTo(size_t mark) {
  while (changes_.size() > mark) Undo();
}

void ScheduleState::Place(int32_t id, const Stay& stay) {
  stays_[static_cast<size_t>(id)] = stay;
  placed_[static_cast<size_t>(id)] = 1;
  SetTouches(stay, true, id);
  const double seconds = problem_->storage(stay.storage).copy_seconds;
  const std::array<Transfer, 2> transfers{stay.prefetch, stay.eviction};
  for (int32_t k = 0; k < 2; ++k) {
    const Transfer& transfer = transfers[static_cast<size_t>(k)];
    if (transfer.start >= 0) copies_.Insert(2 * id + k, stay.storage, transfer.start, transfer.done, seconds);
  }
}

void ScheduleState::Displace(int32_t id) {
  const Stay& gone = stay(id);
  placed_[static_cast<size_t>(id)] = 0;
  SetTouches(gone, false, kNobody);
  if (gone.prefetch.start >= 0) copies_.Erase(2 * id);
  if (gone.eviction.start >= 0) copies_.Erase(2 * id + 1);
}

void ScheduleState::SetTouches(const Stay& stay, bool fast, int32_t server) {
  const int32_t first = problem_->storage(stay.storage).first_touch;
  for (int32_t id = first + stay.first; id <= first + stay.last; ++id) {
    const Touch& touch = problem_->touch(id);
    const size_t t = static_cast<size_t>(touch.time);
    served_by_[static_cast<size_t>(id)] = server;
    if (fast) {
      fast_[t].Insert(touch);
    } else {
      fast_[t].Erase(touch);
    }
    const Price price = problem_->costs().At(touch.time, fast_[t]);
    steps_[t].elapsed = price.elapsed;
    steps_[t].idle = price.idle;
    changed_blocks_.push_back(t / kBlock);
  }
  if (changed_blocks_.size() > 2 * steps_.size()) SortUnique(&changed_blocks_);
}

void ScheduleState::Settle() const {
  copies_.Settle(&steps_, &changed_blocks_);
  if (changed_blocks_.empty()) return;
  SortUnique(&changed_blocks_);
  for (size_t block : changed_blocks_) SetLeaf(block);
  tree_.Update(&changed_blocks_);
  changed_blocks_.clear();
}

void ScheduleState::SetLeaf(size_t block) const {
  Fold fold;
  const size_t end = std::min(count_ + 1, (block + 1) * kBlock);
  for (size_t t = block * kBlock; t < end; ++t) fold.Append(steps_[t]);
  tree_.SetLeaf(block, fold);
}

double ScheduleState::TotalSeconds() const {
  Settle();
  return tree_.root().Seconds(0.0);
}

bool ScheduleState::IsPlaced(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < stays_.size() && placed_[static_cast<size_t>(id)] != 0;
}

std::vector<Stay> ScheduleState::Stays() const {
  std::vector<Stay> all;
  for (size_t id = 0; id < stays_.size(); ++id) {
    if (placed_[id]) all.push_back(stays_[id]);
  }
  return all;
}

Price ScheduleState::price(int32_t t) const {
  const Step& step = steps_[static_cast<size_t>(t)];
  return {step.elapsed, step.idle};
}

double ScheduleState::PendingBefore(size_t block) const {
  double pending = 0.0;
  size_t node = 1;
  for (size_t width = tree_.num_leaves() / 2; width > 0; width /= 2) {
    node *= 2;
    if (block & width) pending = tree_[node++].After(pending);
  }
  return pending;
}

ScheduleState::Moment ScheduleState::Pass(int32_t t, double* pending) const {
  const Step& step = steps_[static_cast<size_t>(t)];
  Moment moment{*pending, 0.0, 0.0};
  const double waiting = *pending + step.join;
  moment.stall = std::max(0.0, waiting - step.limit);
  const double left = std::min(waiting, step.limit);
  moment.unused = std::max(0.0, step.idle - left);
  *pending = std::max(0.0, left - step.idle);
  return moment;
}

ScheduleState::Moment ScheduleState::At(int32_t t) const {
  Settle();
  const size_t block = static_cast<size_t>(t) / kBlock;
  double pending = PendingBefore(block);
  for (int32_t before = static_cast<int32_t>(block * kBlock); before < t; ++before) Pass(before, &pending);
  return Pass(t, &pending);
}

int32_t ScheduleState::LatestHiddenStart(int32_t earliest, int32_t done, double seconds) const {
  Settle();
  int32_t t = done;
  while (t > earliest && seconds > 0.0) {
    const size_t block = static_cast<size_t>(t - 1) / kBlock;
    const int32_t first = static_cast<int32_t>(block * kBlock);
    std::array<double, kBlock> unused;
    double pending = PendingBefore(block);
    for (int32_t k = first; k < t; ++k) unused[static_cast<size_t>(k - first)] = Pass(k, &pending).unused;
    for (; t > std::max(first, earliest) && seconds > 0.0; --t) seconds -= unused[static_cast<size_t>(t - 1 - first)];
  }
  return t;
}

int32_t ScheduleState::EarliestHiddenDone(int32_t start, int32_t latest, double seconds) const {
  Settle();
  const size_t block = static_cast<size_t>(start) / kBlock;
  double pending = PendingBefore(block);
  int32_t t = static_cast<int32_t>(block * kBlock);
  for (; t < start; ++t) Pass(t, &pending);
  for (; t < latest && seconds > 0.0; ++t) seconds -= Pass(t, &pending).unused;
  return t;
}

}  // namespace memstow
