#include "memstow/search_memory.h"

#include <algorithm>
#include <tuple>

namespace memstow {

SearchMemory::SearchMemory(const Hardware& hardware, int32_t num_instructions)
    : capacity_(hardware.capacity_bytes),
      alignment_(hardware.alignment_bytes),
      stretches_(static_cast<size_t>(num_instructions / kStretch + 1)),
      load_(stretches_.size(), 0) {}

void SearchMemory::Count(const TimedBlock& block, int64_t bytes) {
  for (int32_t k = (block.start + kStretch - 1) / kStretch; k <= block.end / kStretch; ++k) {
    load_[static_cast<size_t>(k)] += bytes;
  }
}

void SearchMemory::Place(int32_t id, const TimedBlock& block) {
  if (static_cast<size_t>(id) >= blocks_.size()) {
    blocks_.resize(static_cast<size_t>(id) + 1);
    seen_.resize(static_cast<size_t>(id) + 1, 0);
  }
  blocks_[static_cast<size_t>(id)] = block;
  Count(block, block.size);
  for (int32_t k = block.start / kStretch; k <= block.end / kStretch; ++k) {
    stretches_[static_cast<size_t>(k)].push_back(id);
  }
}

void SearchMemory::Remove(int32_t id) {
  const TimedBlock& gone = block(id);
  Count(gone, -gone.size);
  for (int32_t k = gone.start / kStretch; k <= gone.end / kStretch; ++k) {
    std::vector<int32_t>& ids = stretches_[static_cast<size_t>(k)];
    *std::find(ids.begin(), ids.end(), id) = ids.back();
    ids.pop_back();
  }
}

const std::vector<int32_t>& SearchMemory::Around(int32_t start, int32_t end) const {
  found_.clear();
  if (++query_ == 0) {  // the counter has come round
    std::fill(seen_.begin(), seen_.end(), 0U);
    query_ = 1;
  }
  for (int32_t k = start / kStretch; k <= end / kStretch; ++k) {
    for (int32_t id : stretches_[static_cast<size_t>(k)]) {
      uint32_t& seen = seen_[static_cast<size_t>(id)];
      if (seen == query_) continue;
      seen = query_;
      const TimedBlock& other = block(id);
      if (other.start <= end && other.end >= start) found_.push_back(id);
    }
  }
  // By id among equals: the answer does not depend on the order in which blocks came and went.
  std::sort(found_.begin(), found_.end(), [this](int32_t a, int32_t b) {
    return std::make_tuple(block(a).offset, a) < std::make_tuple(block(b).offset, b);
  });
  return found_;
}

int64_t SearchMemory::BestFit(int64_t size, int32_t start, int32_t end, bool high) const {
  for (int32_t k = (start + kStretch - 1) / kStretch; k <= end / kStretch; ++k) {
    if (load_[static_cast<size_t>(k)] + size > capacity_) return kNoRoom;
  }
  int64_t best = kNoRoom, best_room = INT64_MAX, best_ceiling = 0;
  int64_t floor = 0;
  const auto consider = [&](int64_t ceiling) {
    const int64_t room = ceiling - floor;
    if (room >= size && room < best_room) {
      best = floor;
      best_room = room;
      best_ceiling = ceiling;
    }
  };
  for (int32_t id : Around(start, end)) {
    const TimedBlock& other = block(id);
    consider(other.offset);
    floor = std::max(floor, AlignUp(other.offset + other.size));
  }
  consider(capacity_);
  if (best == kNoRoom || !high) return best;
  return AlignDown(best_ceiling - size);
}

}  // namespace memstow
