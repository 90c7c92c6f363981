"""A program and an accelerator flattened for the C++ core."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..accelerator import Accelerator
from ..native import core_function
from ..program import Program
from ..timing import InstructionCost, Roofline
from .entries import Entries, Ints, Touches, flatten
from .pricing import dense_seconds

#: What stands for "no limit" of outstanding copies.
_UNLIMITED = np.iinfo(np.int32).max


class CoreProblem:
    """A program to be planned for an accelerator, with the prices of a cost model (left out: the roofline).

    ``handle`` is the core's object; it never changes and may be shared between threads.
    """

    def __init__(self, program: Program, accelerator: Accelerator, cost: InstructionCost | None = None) -> None:
        self.program = program
        self.accelerator = accelerator
        self.cost: InstructionCost = cost or Roofline(program, accelerator)
        self.entries: Entries
        self.touches: Touches
        self.entries, self.touches = flatten(program)
        handle = _build(program, accelerator, self.touches)
        if not self.is_roofline:
            slots, _ = _slots(handle, self)
            handle = core_function("memstow.core.with_seconds")(handle, dense_seconds(self.entries, slots, self.cost))
        self.handle = handle

    @property
    def is_roofline(self) -> bool:
        """Whether the core prices instructions from their bytes."""
        return type(self.cost) is Roofline

    @cached_property
    def slots(self) -> Ints:
        """For every touch its number among the placeable ones of its instruction; -1: never in fast memory."""
        return _slots(self.handle, self)[0]

    @cached_property
    def num_prices(self) -> int:
        """Placements priced: the entries of all dense tables."""
        return int(core_function("memstow.core.num_entries")(self.handle))


def _build(program: Program, accelerator: Accelerator, touches: Touches) -> Any:
    dma = accelerator.dma
    limits = [dma.max_outstanding_prefetches, dma.max_outstanding_evictions, accelerator.max_cross_program_prefetches]
    integers = [accelerator.capacity, accelerator.alignment]
    integers += [_UNLIMITED if limit is None else min(limit, _UNLIMITED) for limit in limits]
    reals = [
        accelerator.slow_memory.bandwidth,
        accelerator.fast_memory.bandwidth,
        accelerator.copy_bandwidth,
        dma.latency_seconds,
        accelerator.launch_overhead_seconds,
    ]
    storages = program.storages
    return core_function("memstow.core.problem")(
        np.array(integers, dtype=np.int64),
        np.array(reals, dtype=np.float64),
        np.array([step.compute_seconds for step in program.instructions], dtype=np.float64),
        np.array([step.trip_count for step in program.instructions], dtype=np.int32),
        np.array([storage.size_bytes for storage in storages], dtype=np.int64),
        np.array([s.born_slow + 2 * s.is_output + 4 * s.pinned_slow for s in storages], dtype=np.uint8),
        touches.storage,
        touches.time,
        touches.bytes,
        touches.writes,
    )


def _slots(handle: Any, core: CoreProblem) -> tuple[Ints, Any]:
    slots = np.empty(len(core.touches.time), dtype=np.int32)
    first = np.empty(len(core.program.instructions), dtype=np.int64)
    core_function("memstow.core.slots")(handle, slots, first)
    return slots, first
