"""What XLA's recorded solution costs under memstow's timing semantics, which a memory plan cannot say in full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..accelerator import Accelerator
from ..plan import Copy, MemoryPlan
from ..program import Instruction, Operand, Program
from ..simulator import simulate
from .xla_suite import XlaCopy, XlaProblem


@dataclass(frozen=True)
class RecordedPrice:
    """Seconds of a recorded solution: with its cross-program prefetches paid for, and with them free.

    XLA carries a parameter over from the previous run: ``free_seconds`` is for comparison with plans that may have
    cross-program prefetches too, ``charged_seconds`` (they join the queue at instruction 0) with plans that may not.
    """

    charged_seconds: float
    free_seconds: float


def price_recorded(
    problem: XlaProblem, program: Program, accelerator: Accelerator, plan: MemoryPlan
) -> RecordedPrice | None:
    """Price ``problem.xla_solution``; ``None`` without one. ``plan`` is it as a memory plan, for its accesses.

    Each slice of a copy joins the queue as a copy of its own, in XLA's order of issue, and an instruction that XLA
    replaced by a copy takes no time: so the prices in ``prices.json`` beside an ``xla_suite`` are made.
    """
    if problem.xla_solution is None:
        return None
    sources = problem.xla_solution.prefetches
    replaced = {s.replaces_instruction for s in sources if s.replaces_instruction is not None}
    steps = tuple(_free(step) if t in replaced else step for t, step in enumerate(program.instructions))
    reduced = program.model_copy(update={"instructions": steps})
    slices = [part for source in sources for part in _slices(source, len(steps))]
    slices.sort(key=lambda part: (part[0], part[1].start_time))
    copies = [copy for _, copy in slices]

    def seconds(first_start: int) -> float:
        moved = tuple(
            copy.model_copy(update={"start_time": first_start}) if copy.start_time < 0 else copy for copy in copies
        )
        return simulate(reduced, accelerator, plan.model_copy(update={"copies": moved})).total_seconds

    return RecordedPrice(charged_seconds=seconds(0), free_seconds=seconds(-1))


def _free(step: Instruction) -> Instruction:
    def emptied(entries: tuple[Operand, ...]) -> tuple[Operand, ...]:
        return tuple(entry.model_copy(update={"bytes_accessed": 0}) for entry in entries)

    return step.model_copy(
        update={"compute_seconds": 0.0, "operands": emptied(step.operands), "results": emptied(step.results)}
    )


def _slices(source: XlaCopy, count: int) -> Iterator[tuple[int, Copy]]:
    """Place in the order of issue and copy of each slice; of a copy that is not sliced -1 and the whole."""
    for start, done, size, order in source.parts or ((source.start_time, source.done_time, source.bytes, -1),):
        begin = -1 if source.cross_program else start + 1
        yield (
            order,
            Copy(
                buffer=source.buffer,
                direction="prefetch" if source.kind == "prefetch" else "evict",
                start_time=begin,
                done_time=min(max(begin, done), count),
                offset=0,
                bytes=size,
            ),
        )
