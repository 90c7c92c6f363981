/*!
 * \file memstow/packing_sweep.h
 * \brief Time reduced to sections: the sets of buffers that are alive together.
 *
 *  \code
 *  a: [0, 2)   aaaaaa
 *  b: [1, 3)      bbbbbb
 *  c: [3, 4)            ccc      sections {a, b} and {c}; a and b span [0, 1), c spans [1, 2)
 *  \endcode
 *
 *  Only sets that no other contains are kept (the maximal cliques of the interval graph), at most one per buffer. A
 *  buffer belongs to consecutive sections, and two buffers overlap in time exactly when they share a section.
 */
#ifndef MEMSTOW_PACKING_SWEEP_H_
#define MEMSTOW_PACKING_SWEEP_H_

#include <cstdint>
#include <vector>

#include "memstow/packing.h"

namespace memstow::packing {

/*! \brief Indices first, ..., last - 1. */
struct Range {
  int32_t first = 0;
  int32_t last = 0;
  bool Meets(const Range& other) const { return first < other.last && other.first < last; }
  bool operator==(const Range& other) const { return first == other.first && last == other.last; }
};

struct Sweep {
  int32_t section_count = 0;
  /*! \brief Per buffer, the sections that it belongs to. */
  std::vector<Range> spans;
};

/*! \brief Sections in time order. Buffers of size 0 have a span too, but found no sections of their own. */
Sweep SweepSections(const PackingProblem& problem);

}  // namespace memstow::packing
#endif  // MEMSTOW_PACKING_SWEEP_H_
