/*!
 * \file memstow/schedule_state_fold.h
 * \brief A stretch of the schedule as a function of the copy seconds pending at its beginning.
 *
 *  With `limit` the seconds that may be pending once the copies due at t have been waited for, one instruction does
 *
 *    pending += join;   stall = max(0, pending - limit);   pending -= stall;   pending = max(0, pending - idle)
 *
 *  Over any stretch that is a clamp for what is pending after it, and one kink for the seconds that it takes:
 *
 *    after    hi |      /-----      seconds     |        /        more pending first finds idle seconds (both flat),
 *                |     /                        |       /         then is left over (after grows), and from `kink`
 *             lo |----/                    base |------/          on stalls (seconds grow, slope 1)
 *                +----------- pending           +------kink- pending
 *
 *  Two stretches one after the other are again of this form, so a balanced tree of them gives the whole schedule's
 *  seconds after any change in logarithmic time, however long the change's effect lasts. Nothing is ever subtracted
 *  out of a sum: a tree depends on its leaves alone, not on how they came about.
 */
#ifndef MEMSTOW_SCHEDULE_STATE_FOLD_H_
#define MEMSTOW_SCHEDULE_STATE_FOLD_H_

#include <algorithm>
#include <limits>

namespace memstow {

/*! \brief One instruction time: its price and the copies that start and are due there, in seconds. */
struct Step {
  static constexpr double kNoLimit = std::numeric_limits<double>::infinity();

  double elapsed = 0.0;
  double idle = 0.0;
  /*! \brief DMA seconds of the copies that start here. */
  double join = 0.0;
  /*! \brief Seconds behind the last copy due here in the queue; kNoLimit when none is due. */
  double limit = kNoLimit;
};

/*! \brief See the head of this file. The default is an empty stretch. */
struct Fold {
  double shift = 0.0;
  double lo = 0.0;
  double hi = Step::kNoLimit;
  double base = 0.0;
  double kink = Step::kNoLimit;

  /*! \brief Copy seconds pending after the stretch. */
  double After(double pending) const { return std::min(hi, std::max(lo, pending + shift)); }
  /*! \brief Seconds that the stretch takes, stalls included. */
  double Seconds(double pending) const { return base + std::max(0.0, pending - kink); }

  /*! \brief Append one instruction. */
  void Append(const Step& step) {
    shift += step.join;
    lo += step.join;
    hi += step.join;
    // More pending than so far stalls from where the clamp passes the limit, if it ever does.
    const double from = std::max(step.limit, lo);
    if (from < hi) kink = from - shift;
    base += std::max(0.0, lo - step.limit) + step.elapsed;
    shift -= step.idle;
    lo = std::max(0.0, std::min(lo, step.limit) - step.idle);
    hi = std::max(0.0, std::min(hi, step.limit) - step.idle);
  }
};

/*! \brief The stretch `first`, then the stretch `second`. */
inline Fold Then(const Fold& first, const Fold& second) {
  Fold both;
  const double from = std::max(second.kink, first.lo);
  both.shift = first.shift + second.shift;
  both.lo = second.After(first.lo);
  both.hi = second.After(first.hi);
  both.base = first.base + second.Seconds(first.lo);
  both.kink = from < first.hi ? from - first.shift : first.kink;
  return both;
}

}  // namespace memstow
#endif  // MEMSTOW_SCHEDULE_STATE_FOLD_H_
