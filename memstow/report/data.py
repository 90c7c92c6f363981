"""What the page's scripts are given: compact columns, strings by index, times in microseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from ..plan import MemoryPlan
from ..planners.base import Problem
from ..program import Program
from ..simulator import Simulation
from ..summary import Summary
from ..trace import bound_by, stall_causes
from .lifetimes import describe_lifetimes

if TYPE_CHECKING:
    from ..explain import SlowTensor

#: The table's rows; further tensors are counted and priced in one line. Keeps the page small.
MAX_SLOW_ROWS = 1500
MAX_NAME = 80

Columns = dict[str, list[Any]]


class Interner:
    """Strings by index, each stored once."""

    def __init__(self, strings: Iterable[str] = ()) -> None:
        self.strings: list[str] = []
        self._index: dict[str, int] = {}
        for text in strings:
            self.add(text)

    def add(self, text: str) -> int:
        """The index of ``text``."""
        if text not in self._index:
            self._index[text] = len(self.strings)
            self.strings.append(text)
        return self._index[text]


class BufferTable:
    """The columns of the buffers that the page names; rows are made on first use."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._rows: dict[int, int] = {}
        self.kinds = Interner(("parameter", "constant", "input", "intermediate", "output"))
        self.columns: Columns = {"name": [], "kind": [], "size": [], "from": [], "to": []}

    def row(self, buffer_id: int) -> int:
        """The row of a buffer."""
        if buffer_id not in self._rows:
            self._rows[buffer_id] = len(self._rows)
            buffer = self._program.buffer_by_id[buffer_id]
            storage = self._program.storages[self._program.storage_of[buffer_id]]
            values = (clip(buffer.name), self.kinds.add(buffer.kind), buffer.size_bytes)
            for key, value in zip(self.columns, (*values, storage.definition_time, storage.last_time), strict=True):
                self.columns[key].append(value)
        return self._rows[buffer_id]


def report_data(
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    summary: Summary,
    slow_tensors: Sequence[SlowTensor],
) -> dict[str, Any]:
    """The whole data of the page."""
    opcodes, bounds, texts = Interner(), Interner(), Interner()
    buffers = BufferTable(problem.program)
    slow, omitted = _slow_columns(slow_tensors, buffers, texts)
    return {
        "version": _version(),
        "summary": summary.model_dump(exclude={"phase_seconds"}),
        "kernels": _kernel_columns(problem, simulation, opcodes, bounds),
        "final_stall": microseconds(simulation.final_stall_seconds),
        "stall_causes": _stall_causes(problem, plan, simulation),
        "allocations": _allocation_columns(problem.program, plan, buffers, texts),
        "copies": _copy_columns(plan, simulation, buffers),
        "slow": slow,
        "slow_omitted": omitted,
        "buffers": buffers.columns,
        "kinds": buffers.kinds.strings,
        "opcodes": opcodes.strings,
        "bounds": bounds.strings,
        "texts": texts.strings,
    }


def microseconds(seconds: float) -> float:
    """Microseconds to a tenth of a nanosecond."""
    return round(seconds * 1e6, 4)


def clip(name: str) -> str:
    """A name of bounded length; the middle is left out."""
    if len(name) <= MAX_NAME:
        return name
    half = (MAX_NAME - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _version() -> str:
    try:
        return metadata.version("memstow")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _kernel_columns(problem: Problem, simulation: Simulation, opcodes: Interner, bounds: Interner) -> Columns:
    steps = list(zip(problem.program.instructions, simulation.instructions, strict=True))
    return {
        "name": [clip(step.name) for step, _ in steps],
        "opcode": [opcodes.add(step.opcode) for step, _ in steps],
        "compute": [microseconds(step.compute_seconds * step.trip_count) for step, _ in steps],
        "stall": [microseconds(timing.stall_seconds) for _, timing in steps],
        "time": [microseconds(timing.elapsed_seconds) for _, timing in steps],
        "slow": [timing.slow_bytes for _, timing in steps],
        "fast": [timing.fast_bytes for _, timing in steps],
        "bound": [bounds.add(bound_by(problem, step, timing)) for step, timing in steps],
    }


def _stall_causes(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> dict[int, str]:
    stalls = [timing.stall_seconds for timing in simulation.instructions] + [simulation.final_stall_seconds]
    return {t: cause for t, cause in stall_causes(problem, plan).items() if t < len(stalls) and stalls[t] > 0}


def _allocation_columns(program: Program, plan: MemoryPlan, buffers: BufferTable, texts: Interner) -> Columns:
    lifetimes = describe_lifetimes(program, plan)
    return {
        "buffer": [buffers.row(a.buffer) for a in plan.allocations],
        "offset": [a.offset for a in plan.allocations],
        "size": [a.size for a in plan.allocations],
        "start": [a.start for a in plan.allocations],
        "end": [a.end for a in plan.allocations],
        "came": [texts.add(came) for came, _ in lifetimes],
        "left": [texts.add(left) for _, left in lifetimes],
    }


def _copy_columns(plan: MemoryPlan, simulation: Simulation, buffers: BufferTable) -> Columns:
    pairs = [(plan.copies[timing.copy_index], timing) for timing in simulation.copies]
    return {
        "buffer": [buffers.row(copy.buffer) for copy, _ in pairs],
        "evict": [int(copy.direction == "evict") for copy, _ in pairs],
        "start": [copy.start_time for copy, _ in pairs],
        "done": [copy.done_time for copy, _ in pairs],
        "bytes": [copy.bytes for copy, _ in pairs],
        "issue": [microseconds(timing.issue_seconds) for _, timing in pairs],
        "begin": [microseconds(timing.begin_seconds) for _, timing in pairs],
        "finish": [microseconds(timing.finish_seconds) for _, timing in pairs],
    }


def _slow_columns(
    slow_tensors: Sequence[SlowTensor], buffers: BufferTable, texts: Interner
) -> tuple[Columns, dict[str, float]]:
    ranked = sorted(slow_tensors, key=lambda tensor: -tensor.cost_seconds)
    shown, rest = ranked[:MAX_SLOW_ROWS], ranked[MAX_SLOW_ROWS:]
    columns: Columns = {
        "buffer": [buffers.row(tensor.buffer) for tensor in shown],
        "slow_accesses": [tensor.slow_accesses for tensor in shown],
        "accesses": [tensor.accesses for tensor in shown],
        "cost": [microseconds(tensor.cost_seconds) for tensor in shown],
        "reason": [texts.add(tensor.sentence) for tensor in shown],
    }
    return columns, {"count": len(rest), "cost": microseconds(sum(tensor.cost_seconds for tensor in rest))}
