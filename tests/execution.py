"""A plan executed on data: what the hardware would do, with a version number in every byte instead of a tensor.

It knows nothing of the rules of plan validity. A plan that gives stale, overwritten or missing data under any order of
events that the timing semantics allow is a wrong plan, whatever the validator says.
"""

from __future__ import annotations

from collections import deque

from memstow.plan import Copy, MemoryPlan
from memstow.program import Program, Storage

#: (storage, version) held by a byte of fast memory; None is garbage.
Cell = tuple[int, int] | None


class Fault(Exception):
    """An instruction, or the caller at the end, found something else than the current data."""


def execute(program: Program, plan: MemoryPlan, *, eager: bool) -> None:
    """Run the plan; raise :class:`Fault` at the first wrong datum.

    Copies are atomic and first in, first out: as soon as they may (``eager``), or as late as they must be done.
    """
    machine = _Machine(program, plan, eager=eager)
    for t in range(len(program.instructions)):
        machine.advance(t)
        machine.run_instruction(t)
    machine.advance(len(program.instructions))
    machine.check_outputs()


class _Machine:
    def __init__(self, program: Program, plan: MemoryPlan, *, eager: bool) -> None:
        self._program, self._plan, self._eager = program, plan, eager
        self._slow: dict[int, int | None] = {}
        self._version: dict[int, int | None] = {}
        for storage in program.storages:
            written = min((t for t, _, size in storage.writes if size), default=len(program.instructions))
            read = min((t for t, _, size in storage.reads if size), default=len(program.instructions))
            exists = storage.born_slow or read < written
            self._slow[storage.index] = self._version[storage.index] = 0 if exists else None
        size = max([0, *(a.offset + a.size for a in plan.allocations)])
        self._cells: list[Cell] = [None] * max(size, *(c.offset + c.bytes for c in plan.copies), 0)
        self._queue: deque[Copy] = deque()
        self._operands, self._results = plan.operand_memory(), plan.result_memory()
        self._start_allocations(-1)
        for copy in plan.copies:
            if copy.start_time == -1:
                self._run(copy)

    def advance(self, t: int) -> None:
        """Everything between instruction ``t - 1`` and instruction ``t``."""
        self._run_until_done(t)
        self._start_allocations(t)
        self._queue.extend(copy for copy in self._plan.copies if copy.start_time == t)
        self._run_until_done(t)
        while self._eager and self._queue:
            self._run(self._queue.popleft())

    def run_instruction(self, t: int) -> None:
        step = self._program.instructions[t]
        written = {self._program.storage_of[r.buffer] for r in step.results if r.bytes_accessed}
        for k, operand in enumerate(step.operands):
            storage = self._program.storages[self._program.storage_of[operand.buffer]]
            uninitialised = storage.index in written and self._version[storage.index] is None
            if operand.bytes_accessed and not uninitialised:
                self._read(t, storage, self._operands.get((t, k), "slow"))
        results = {
            self._program.storage_of[r.buffer]: self._results.get((t, k), "slow")
            for k, r in reversed(list(enumerate(step.results)))
            if r.bytes_accessed
        }
        for index, memory in results.items():
            self._write(t, self._program.storages[index], memory)

    def check_outputs(self) -> None:
        for storage in self._program.storages:
            if storage.is_output and self._slow[storage.index] != self._version[storage.index]:
                raise Fault(f"output {storage.index} is not in slow memory")

    def _read(self, t: int, storage: Storage, memory: str) -> None:
        current = self._version[storage.index]
        if memory == "slow":
            if current is None or self._slow[storage.index] != current:
                raise Fault(f"stale read of {storage.index} in slow memory at {t}")
        elif not self._holders(t, storage):
            raise Fault(f"stale read of {storage.index} in fast memory at {t}")

    def _write(self, t: int, storage: Storage, memory: str) -> None:
        """An in-place update needs the whole previous version, since it may change only a part of it."""
        previous = self._version[storage.index]
        new = (previous or 0) + 1
        if previous is not None:
            self._read(t, storage, memory)
        if memory == "fast":
            places = self._holders(t, storage) if previous is not None else self._places(t, storage)
            if not places:
                raise Fault(f"write of {storage.index} at {t} without a place in fast memory")
            self._fill(places[0], storage.size_bytes, (storage.index, new))
        else:
            self._slow[storage.index] = new
        self._version[storage.index] = new

    def _places(self, t: int, storage: Storage) -> list[int]:
        return [
            a.offset
            for a in self._plan.allocations
            if self._program.storage_of[a.buffer] == storage.index and a.start <= t <= a.end
        ]

    def _holders(self, t: int, storage: Storage) -> list[int]:
        """Offsets of live allocations that hold the current version in every byte."""
        wanted = storage.index, self._version[storage.index]
        return [
            offset
            for offset in self._places(t, storage)
            if wanted[1] is not None
            and all(cell == wanted for cell in self._cells[offset : offset + storage.size_bytes])
        ]

    def _fill(self, offset: int, size: int, cell: Cell) -> None:
        self._cells[offset : offset + size] = [cell] * size

    def _start_allocations(self, t: int) -> None:
        """Fresh memory is garbage, unless the same storage was there until just now."""
        for a in self._plan.allocations:
            storage = self._program.storage_of[a.buffer]
            kept = any(
                b.end + 1 == a.start and b.offset == a.offset and self._program.storage_of[b.buffer] == storage
                for b in self._plan.allocations
            )
            if a.start == t and not kept:
                self._fill(a.offset, a.size, None)

    def _run_until_done(self, t: int) -> None:
        while any(copy.done_time == t for copy in self._queue):
            self._run(self._queue.popleft())

    def _run(self, copy: Copy) -> None:
        storage = self._program.storages[self._program.storage_of[copy.buffer]]
        if copy.direction == "prefetch":
            version = self._slow[storage.index]
            self._fill(copy.offset, copy.bytes, None if version is None else (storage.index, version))
            return
        cells = set(self._cells[copy.offset : copy.offset + copy.bytes])
        cell = cells.pop() if len(cells) == 1 else None
        self._slow[storage.index] = cell[1] if cell and cell[0] == storage.index else None
