/*!
 * \file memstow/search_keys.h
 * \brief Random-key evolution: keys say in which order runs are placed, the fittest orders breed.
 *
 *  Candidates are the whole of each storage's touches and, down to single touches, the halves of its runs:
 *
 *    storage w   [0..3]            keys   0.9 0.2 0.7 ...   a key below kSkip leaves the candidate out, the others
 *                [0..1] [2..3]                              are tried in falling order of their keys; what overlaps
 *                [0][1] [2][3]                              a run placed before cannot be placed
 *
 *  A generation keeps the best orders, makes children of one of the best and one other, key by key, and adds some new
 *  ones at random: the biased random-key genetic algorithm of Goncalves and Resende, J. Heuristics 17, 2011. The first
 *  orders are those of the greedy tastes.
 */
#ifndef MEMSTOW_SEARCH_KEYS_H_
#define MEMSTOW_SEARCH_KEYS_H_

#include <cstdint>
#include <vector>

#include "memstow/search_construct.h"

namespace memstow {

/*! \brief See the head of this file. The problem must outlive it; one thread at a time. */
class RandomKeys {
 public:
  static constexpr float kSkip = 0.2F;

  RandomKeys(const Problem& problem, uint64_t seed, int32_t population);

  /*! \brief Try up to `decodes` orders, at least one, stopping after `seconds`; how many were tried. */
  int64_t Evolve(int64_t decodes, double seconds);

  const std::vector<PlacedStay>& best() const { return best_; }
  double best_seconds() const { return best_seconds_; }
  /*! \brief The runs that keys belong to. */
  const std::vector<Run>& candidates() const { return candidates_; }

 private:
  using Keys = std::vector<float>;
  struct Individual {
    Keys keys;
    double seconds = 0.0;
  };

  void AddCandidates(const Run& run);
  Keys KeysOf(const Taste& taste) const;
  Keys RandomOrder();
  Keys Child();
  Keys Next();
  double Decode(const Keys& keys);
  void Select();

  SearchSchedule schedule_;
  Random random_;
  size_t population_;
  std::vector<Run> candidates_;
  /*! \brief The survivors of the last generation, best first, then those tried since. */
  std::vector<Individual> pool_;
  size_t survivors_ = 0;
  size_t made_ = 0;
  std::vector<PlacedStay> best_;
  double best_seconds_;
  std::vector<int32_t> order_;
};

}  // namespace memstow
#endif  // MEMSTOW_SEARCH_KEYS_H_
