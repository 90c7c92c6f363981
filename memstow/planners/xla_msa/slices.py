"""When the slices of a prefetch start (``slice.cc``, ``SlicedPrefetchStartTimePicker``).

memstow copies a buffer whole. Slices therefore shape two things only, as they do in XLA: the search for a start (sliced
copies are preferred, and are checked with inflated copy times) and the copy budget. The plan then holds one whole copy
that starts with the first slice or, where the whole buffer does not fit that early, with a later one.
"""

from __future__ import annotations

from .costs import Costs


def slice_starts(costs: Costs, slices: int, start: int, end: int) -> list[int]:
    """Exclusive start times of the slices, the first of them ``start``: spread evenly over the time until ``end``."""
    total = costs.between(start, end)
    if slices == 1 or start >= end - 2 or total <= 0.0:
        return [start] * slices
    starts = [start]
    candidate = valid = start
    while candidate < end - 1 and len(starts) < slices:
        target = total * (slices - len(starts)) / slices
        if costs.between(candidate, end) < target:
            starts.append(valid)
            continue
        if valid != candidate and costs.between(valid, candidate + 1) > 0.0:
            valid = candidate
        candidate += 1
    return starts + [valid] * (slices - len(starts))
