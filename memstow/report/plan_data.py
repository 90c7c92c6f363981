"""What the page is given of one plan: compact columns, tensors and copies by row, times in microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..program import Program
from ..simulator import Simulation
from ..stalls import find_stalls
from ..trace import bound_by
from .interner import Interner
from .lifetimes import describe_lifetimes
from .program_data import Columns, access_order, microseconds
from .reported import ReportedPlan

if TYPE_CHECKING:
    from ..explain import SlowTensor

#: The table's rows; further tensors are counted and priced in one line. Keeps the page small.
MAX_SLOW_ROWS = 1500


def plan_data(reported: ReportedPlan) -> dict[str, Any]:
    """All that the page draws of a plan."""
    problem, plan, simulation = reported.problem, reported.plan, reported.simulation
    bounds, texts = Interner(), Interner()
    data = {
        "label": reported.label,
        "summary": reported.summary.model_dump(exclude={"phase_seconds"}),
        "kernels": _kernel_columns(problem, simulation, bounds),
        "final_stall": microseconds(simulation.final_stall_seconds),
        "stalls": _stall_columns(plan, simulation),
        "allocations": _allocation_columns(problem.program, plan, texts),
        "copies": _copy_columns(problem.program, plan, simulation),
        "memory": _memory_of_uses(problem.program, plan),
        "bounds": bounds.strings,
    }
    if reported.slow_tensors is not None:
        data["slow"], data["slow_omitted"] = _slow_columns(problem.program, reported.slow_tensors, texts)
    return {**data, "texts": texts.strings}


def _kernel_columns(problem: Problem, simulation: Simulation, bounds: Interner) -> Columns:
    steps = list(zip(problem.program.instructions, simulation.instructions, strict=True))
    return {
        "stall": [microseconds(timing.stall_seconds) for _, timing in steps],
        "time": [microseconds(timing.elapsed_seconds) for _, timing in steps],
        "slow": [timing.slow_bytes for _, timing in steps],
        "fast": [timing.fast_bytes for _, timing in steps],
        "bound": [bounds.add(bound_by(problem, step, timing)) for step, timing in steps],
    }


def _stall_columns(plan: MemoryPlan, simulation: Simulation) -> Columns:
    """``waited`` are rows of copies; ``queue`` pairs of a copy's row and the part of the stall that it ran."""
    stalls = find_stalls(plan, simulation)
    return {
        "time": [stall.time for stall in stalls],
        "begin": [microseconds(stall.begin_seconds) for stall in stalls],
        "length": [microseconds(stall.seconds) for stall in stalls],
        "waited": [list(stall.waited) for stall in stalls],
        "queue": [[[index, microseconds(seconds)] for index, seconds in stall.queue] for stall in stalls],
    }


def _allocation_columns(program: Program, plan: MemoryPlan, texts: Interner) -> Columns:
    lifetimes = describe_lifetimes(program, plan)
    return {
        "tensor": [program.storage_of[a.buffer] for a in plan.allocations],
        "offset": [a.offset for a in plan.allocations],
        "size": [a.size for a in plan.allocations],
        "start": [a.start for a in plan.allocations],
        "end": [a.end for a in plan.allocations],
        "came": [texts.add(came) for came, _ in lifetimes],
        "left": [texts.add(left) for _, left in lifetimes],
    }


def _copy_columns(program: Program, plan: MemoryPlan, simulation: Simulation) -> Columns:
    """In the order of the plan."""
    pairs = [(plan.copies[timing.copy_index], timing) for timing in simulation.copies]
    return {
        "tensor": [program.storage_of[copy.buffer] for copy, _ in pairs],
        "evict": [int(copy.direction == "evict") for copy, _ in pairs],
        "start": [copy.start_time for copy, _ in pairs],
        "done": [copy.done_time for copy, _ in pairs],
        "bytes": [copy.bytes for copy, _ in pairs],
        "issue": [microseconds(timing.issue_seconds) for _, timing in pairs],
        "begin": [microseconds(timing.begin_seconds) for _, timing in pairs],
        "finish": [microseconds(timing.finish_seconds) for _, timing in pairs],
    }


def _memory_of_uses(program: Program, plan: MemoryPlan) -> str:
    """One character for each of the program's accesses, in the order of its columns: 1 is fast memory, 0 slow."""
    tables = (plan.operand_memory(), plan.result_memory())
    return "".join(
        "1" if tables[write].get((t, entry)) == "fast" else "0"
        for storage in program.storages
        for t, write, entry, _ in access_order(storage.reads, storage.writes)
    )


def _slow_columns(
    program: Program, slow_tensors: Sequence[SlowTensor], texts: Interner
) -> tuple[Columns, dict[str, float]]:
    ranked = sorted(slow_tensors, key=lambda tensor: -tensor.cost_seconds)
    shown, rest = ranked[:MAX_SLOW_ROWS], ranked[MAX_SLOW_ROWS:]
    columns: Columns = {
        "tensor": [program.storage_of[tensor.buffer] for tensor in shown],
        "slow_accesses": [tensor.slow_accesses for tensor in shown],
        "accesses": [tensor.accesses for tensor in shown],
        "cost": [microseconds(tensor.cost_seconds) for tensor in shown],
        "reason": [texts.add(tensor.sentence) for tensor in shown],
    }
    return columns, {"count": len(rest), "cost": microseconds(sum(tensor.cost_seconds for tensor in rest))}
