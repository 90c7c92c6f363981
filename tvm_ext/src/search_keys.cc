#include "memstow/search_keys.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace memstow {

namespace {

// Parts of a generation that survive and that are new, and how often a child has the better parent's key: within the
// ranges that the authors recommend.
constexpr double kElite = 0.2;
constexpr double kMutants = 0.15;
constexpr double kBias = 0.7;

}  // namespace

RandomKeys::RandomKeys(const Problem& problem, uint64_t seed, int32_t population)
    : schedule_(problem),
      random_(seed),
      population_(static_cast<size_t>(std::max(4, population))),
      best_seconds_(schedule_.TotalSeconds()) {
  for (const Run& run : Unplaced(schedule_)) AddCandidates(run);
}

// Depth first with a stack of its own: a storage with thousands of touches may be cut into as many levels.
void RandomKeys::AddCandidates(const Run& whole) {
  std::vector<Run> stack{whole};
  while (!stack.empty()) {
    const Run run = stack.back();
    stack.pop_back();
    candidates_.push_back(run);
    if (run.first == run.last) continue;
    const int32_t cut = CutOf(schedule_.problem(), run);
    stack.push_back({run.storage, cut, run.last});
    stack.push_back({run.storage, run.first, cut - 1});
  }
}

RandomKeys::Keys RandomKeys::KeysOf(const Taste& taste) const {
  std::vector<std::pair<double, size_t>> ranks;
  for (size_t k = 0; k < candidates_.size(); ++k) ranks.emplace_back(Rank(schedule_, candidates_[k], taste), k);
  std::sort(ranks.begin(), ranks.end());
  Keys keys(candidates_.size());
  const float step = (1.0F - kSkip) / static_cast<float>(std::max<size_t>(1, ranks.size()));
  for (size_t k = 0; k < ranks.size(); ++k) keys[ranks[k].second] = kSkip + step * static_cast<float>(k);
  return keys;
}

RandomKeys::Keys RandomKeys::RandomOrder() {
  Keys keys(candidates_.size());
  for (float& key : keys) key = static_cast<float>(random_.Uniform());
  return keys;
}

RandomKeys::Keys RandomKeys::Child() {
  const int32_t elite = std::max(1, static_cast<int32_t>(kElite * static_cast<double>(population_)));
  const int32_t count = static_cast<int32_t>(survivors_);
  const Keys& better = pool_[static_cast<size_t>(random_.Below(std::min(elite, count)))].keys;
  const Keys& other = pool_[static_cast<size_t>(random_.Below(count))].keys;
  Keys keys(candidates_.size());
  for (size_t k = 0; k < keys.size(); ++k) keys[k] = random_.Chance(kBias) ? better[k] : other[k];
  return keys;
}

RandomKeys::Keys RandomKeys::Next() {
  const size_t made = made_++;
  if (made < Tastes().size()) {  // under the prices of everything in slow memory
    while (!schedule_.active().empty()) schedule_.Remove(schedule_.active().back());
    schedule_.Commit();
    return KeysOf(Tastes()[made]);
  }
  return made < population_ || random_.Chance(kMutants) ? RandomOrder() : Child();
}

double RandomKeys::Decode(const Keys& keys) {
  while (!schedule_.active().empty()) schedule_.Remove(schedule_.active().back());
  order_.resize(candidates_.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(), [&keys](int32_t a, int32_t b) {
    return keys[static_cast<size_t>(a)] > keys[static_cast<size_t>(b)];
  });
  for (int32_t k : order_) {
    if (keys[static_cast<size_t>(k)] < kSkip) break;
    schedule_.TryPlace(candidates_[static_cast<size_t>(k)], {});
  }
  schedule_.Commit();
  return schedule_.TotalSeconds();
}

// Everyone of a generation may be a parent of the next; the elite goes on itself.
void RandomKeys::Select() {
  std::stable_sort(pool_.begin(), pool_.end(),
                   [](const Individual& a, const Individual& b) { return a.seconds < b.seconds; });
  if (pool_.size() > population_) pool_.resize(population_);
  survivors_ = pool_.size();
}

int64_t RandomKeys::Evolve(int64_t decodes, double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  int64_t count = 0;
  while (count < decodes) {
    Individual next;
    next.keys = Next();
    next.seconds = Decode(next.keys);
    if (next.seconds < best_seconds_) {
      best_seconds_ = next.seconds;
      best_ = schedule_.Snapshot();
    }
    pool_.push_back(std::move(next));
    const size_t brood = population_ - static_cast<size_t>(kElite * static_cast<double>(population_));
    if (pool_.size() >= survivors_ + (survivors_ == 0 ? population_ : brood)) Select();
    ++count;
    if (std::chrono::duration<double>(Clock::now() - begin).count() >= seconds) break;
  }
  return count;
}

}  // namespace memstow
