"""What a plan costs, by the core; equal to :func:`memstow.simulator.simulate` to 1e-9 relative, and faster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..native import core_function
from ..plan import Copy, MemoryPlan
from ..timing import split_bytes
from .entries import Bools, Ints, Seconds
from .pricing import DENSE_SLOTS
from .problem import CoreProblem
from .stay import STAY_FIELDS, CoreStay, stay_rows


@dataclass(frozen=True)
class CoreSimulation:
    """A program of N instructions run under a plan.

    ``elapsed`` and ``idle`` (N) are seconds of each instruction and those of them in which the slow memory is idle;
    ``stalls`` (N + 1) what is waited before each instruction and after the last.
    """

    total_seconds: float
    elapsed: Seconds
    idle: Seconds
    stalls: Seconds


def simulate(core: CoreProblem, plan: MemoryPlan) -> CoreSimulation:
    """Run a plan. An access without an entry counts as slow; the plan is taken to be valid."""
    count = len(core.program.instructions)
    elapsed, idle = _prices(core, _fast_entries(core, plan))
    stalls = np.empty(count + 1)
    total = core_function("memstow.core.simulate")(elapsed, idle, *_copies(core, plan.copies), stalls)
    return CoreSimulation(float(total), elapsed, idle, stalls)


def simulate_stays(core: CoreProblem, plans: Sequence[Sequence[CoreStay] | Ints]) -> Seconds:
    """Total seconds of each of several plans given as stays (or rows of them); everything else is in slow memory.

    Copies with one start run in the order of their done times. Instructions that touch more than
    :data:`~memstow.core.pricing.DENSE_SLOTS` placeable storages are priced by the core's estimate.

    Raises:
        ValueError: a stay names touches or times that the problem lacks.
    """
    rows = [stay_rows(stays) for stays in plans]
    seconds = np.empty(len(plans))
    ends = np.cumsum([len(row) // STAY_FIELDS for row in rows], dtype=np.int64)
    together = np.concatenate([*rows, np.empty(0, dtype=np.int32)])
    core_function("memstow.core.simulate_stays")(core.handle, together, ends, seconds)
    return seconds


def _fast_entries(core: CoreProblem, plan: MemoryPlan) -> Bools:
    entries, instructions = core.entries, core.program.instructions
    first, operands = entries.first.tolist(), entries.operands.tolist()
    fast: Bools = np.zeros(len(entries.touch), dtype=np.bool_)
    for access in plan.accesses:
        t = access.instruction
        if not 0 <= t < len(instructions):
            continue
        if access.operand is not None and 0 <= access.operand < operands[t]:
            fast[first[t] + access.operand] = access.memory == "fast"
        elif access.result is not None and 0 <= access.result < first[t + 1] - first[t] - operands[t]:
            fast[first[t] + operands[t] + access.result] = access.memory == "fast"
    return fast


def _prices(core: CoreProblem, fast: Bools) -> tuple[Seconds, Seconds]:
    """Elapsed and idle seconds of every instruction.

    The core prices whole touches in fast or in slow memory. The cost model itself prices the instructions where the
    entries of one storage are split between the memories (valid where both hold the data), and where the core has
    but an estimate.
    """
    entries, touches, slots = core.entries, core.touches, core.slots
    count = len(core.program.instructions)
    in_touch = entries.touch >= 0
    slow_in_touch = np.bincount(entries.touch[in_touch & ~fast], minlength=len(slots))
    fast_touch = (slow_in_touch == 0) & (slots >= 0)
    elapsed, idle = np.empty(count), np.empty(count)
    core_function("memstow.core.prices")(core.handle, fast_touch.astype(np.uint8), elapsed, idle)
    as_priced = np.append(fast_touch, np.False_)[entries.touch]
    apart = {int(t) for t in np.searchsorted(entries.first, np.flatnonzero(as_priced != fast), side="right") - 1}
    if not core.is_roofline:
        apart |= set(touches.time[fast_touch & (slots >= DENSE_SLOTS)].tolist())
    for t in apart:
        elapsed[t], idle[t] = _price_apart(core, t, fast)
    return elapsed, idle


def _price_apart(core: CoreProblem, t: int, fast: Bools) -> tuple[float, float]:
    step = core.program.instructions[t]
    first = int(core.entries.first[t])
    split = first + len(step.operands)
    flags = fast[first:split].tolist(), fast[split : split + len(step.results)].tolist()
    elapsed = core.cost.seconds(t, *flags)
    slow_bytes = split_bytes(step, *flags)[0] * step.trip_count
    return elapsed, max(0.0, elapsed - slow_bytes / core.accelerator.slow_memory.bandwidth)


def _copies(core: CoreProblem, copies: Sequence[Copy]) -> tuple[object, object, object]:
    """Start, done time and DMA seconds of each copy, in plan order."""
    accelerator = core.accelerator
    sizes = np.array([copy.bytes for copy in copies], dtype=np.float64)
    return (
        np.array([copy.start_time for copy in copies], dtype=np.int32),
        np.array([copy.done_time for copy in copies], dtype=np.int32),
        sizes / accelerator.copy_bandwidth + accelerator.dma.latency_seconds,
    )
