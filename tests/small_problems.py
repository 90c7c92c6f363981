"""Problems on unit hardware: slow memory and copies at 1 byte/s, fast memory at 4 bytes/s, times by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from memstow.accelerator import Accelerator, DmaEngine, Memory
from memstow.planners import Problem
from memstow.program import Buffer, BufferKind, Instruction, Operand, Program

#: Compute seconds, names of the buffers read, names of the buffers written; each access moves the whole buffer.
Step = tuple[float, Sequence[str], Sequence[str]]


def part(
    capacity: int,
    *,
    fast: float = 4.0,
    alignment: int = 1,
    prefetches: int | None = None,
    evictions: int | None = None,
    cross_program: int = 0,
) -> Accelerator:
    """An accelerator with ``capacity`` bytes of fast memory."""
    return Accelerator(
        name="small",
        flops_per_second={"f32": 1.0},
        max_cross_program_prefetches=cross_program,
        fast_memory=Memory(
            name="fast",
            capacity_bytes=capacity,
            read_bytes_per_second=fast,
            write_bytes_per_second=fast,
            alignment_bytes=alignment,
        ),
        slow_memory=Memory(name="slow", capacity_bytes=4096, read_bytes_per_second=1.0, write_bytes_per_second=1.0),
        dma=DmaEngine(bytes_per_second=1.0, max_outstanding_prefetches=prefetches, max_outstanding_evictions=evictions),
    )


def problem(
    accelerator: Accelerator,
    buffers: Mapping[str, tuple[BufferKind, int]],
    steps: Sequence[Step],
    *,
    pinned: Sequence[str] = (),
    together: Sequence[str] = (),
) -> Problem:
    """Buffers by name with kind and bytes, ids from 0 in order; ``together`` share one storage."""
    ids = {name: number for number, name in enumerate(buffers)}
    uses: dict[str, set[int]] = defaultdict(set)
    definitions: dict[str, int] = {}
    for t, (_, reads, writes) in enumerate(steps):
        for name in reads:
            uses[name].add(t)
        for name in writes:
            definitions.setdefault(name, t)

    def entries(names: Sequence[str]) -> tuple[Operand, ...]:
        return tuple(Operand(buffer=ids[name], bytes_accessed=buffers[name][1]) for name in names)

    program = Program(
        name="small",
        instructions=tuple(
            Instruction(name=f"i{t}", compute_seconds=seconds, operands=entries(reads), results=entries(writes))
            for t, (seconds, reads, writes) in enumerate(steps)
        ),
        buffers=tuple(
            Buffer(
                id=ids[name],
                name=name,
                size_bytes=size,
                kind=kind,
                definition_time=-1 if kind in ("parameter", "constant", "input") else definitions[name],
                use_times=tuple(sorted(uses[name])),
                alias_group=0 if name in together else None,
                pinned_slow=name in pinned,
            )
            for name, (kind, size) in buffers.items()
        ),
    )
    return Problem(program, accelerator)
