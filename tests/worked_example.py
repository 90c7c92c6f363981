"""A program of two instructions and a plan of it, whose times can be followed by hand.

The part does 1 FLOP/s, moves 1 byte/s to and from slow memory, 4 bytes/s to and from fast memory; that has 16 bytes.

    t  instruction  reads              writes    compute
    0  first        x (4, slow)        h (4, fast)   2 s
    1  second       h (4), w (8) fast  y (4, slow)   3 s

    offset 16 +---------+
              | w  8 B  |   prefetched from t = 0 on, needed at t = 1
            8 +---------+
              |         |
            4 +---------+
              | h  4 B  |   an output: evicted from t = 1 on, done by the end
            0 +---------+
              t = 0 .. 1

- t = 0 takes max(2, 4/1 + 4/4) = 5 s, of which slow memory is idle for 1 s: w gets 1 of its 8 bytes.
- t = 1 waits 7 s for the rest of w, until 12 s; then it takes max(3, 4/1 + 12/4) = 7 s, until 19 s. Slow memory is idle
  for 3 s of it: h gets 3 of its 4 bytes. The end waits 1 s for the last one: 20 s.
- All slow: 8 + 16 = 24 s. All fast: max(2, 8/4) + max(3, 16/4) = 6 s. Compulsory traffic: x, w, h, y = 20 bytes, so the
  bound is 20 s and the plan is optimal.
"""

from __future__ import annotations

from memstow.accelerator import Accelerator, DmaEngine, Memory
from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.planners import Problem
from memstow.program import Buffer, Instruction, Operand, Program

X, W, H, Y = range(4)


def accelerator(capacity: int = 16) -> Accelerator:
    return Accelerator(
        name="example",
        flops_per_second={"f32": 1.0},
        fast_memory=Memory(name="fast", capacity_bytes=capacity, read_bytes_per_second=4.0, write_bytes_per_second=4.0),
        slow_memory=Memory(name="slow", capacity_bytes=1024, read_bytes_per_second=1.0, write_bytes_per_second=1.0),
        dma=DmaEngine(bytes_per_second=1.0),
    )


def program(name: str = "example", weight: str = "w") -> Program:
    return Program(
        name=name,
        accelerator="unit",
        instructions=(
            Instruction(
                name="first",
                opcode="relu",
                compute_seconds=2.0,
                flops=2.0,
                operands=(Operand(buffer=X, bytes_accessed=4),),
                results=(Operand(buffer=H, bytes_accessed=4),),
            ),
            Instruction(
                name="second",
                opcode="matmul",
                compute_seconds=3.0,
                flops=3.0,
                operands=(Operand(buffer=H, bytes_accessed=4), Operand(buffer=W, bytes_accessed=8)),
                results=(Operand(buffer=Y, bytes_accessed=4),),
            ),
        ),
        buffers=(
            Buffer(id=X, name="x", size_bytes=4, kind="input", definition_time=-1, use_times=(0,)),
            Buffer(id=W, name=weight, size_bytes=8, kind="parameter", definition_time=-1, use_times=(1,)),
            Buffer(id=H, name="h", size_bytes=4, kind="output", definition_time=0, use_times=(1,)),
            Buffer(id=Y, name="y", size_bytes=4, kind="output", definition_time=1),
        ),
    )


def problem(weight: str = "w") -> Problem:
    return Problem(program(weight=weight), accelerator())


def plan() -> MemoryPlan:
    return MemoryPlan(
        program_fingerprint=program().fingerprint,
        accelerator="example",
        planner="by hand",
        seed=7,
        allocations=(
            Allocation(buffer=H, offset=0, size=4, start=0, end=1),
            Allocation(buffer=W, offset=8, size=8, start=0, end=1),
        ),
        copies=(
            Copy(buffer=W, direction="prefetch", start_time=0, done_time=1, offset=8, bytes=8),
            Copy(buffer=H, direction="evict", start_time=1, done_time=2, offset=0, bytes=4),
        ),
        accesses=(
            Access(instruction=0, operand=0, memory="slow"),
            Access(instruction=0, result=0, memory="fast"),
            Access(instruction=1, operand=0, memory="fast"),
            Access(instruction=1, operand=1, memory="fast"),
            Access(instruction=1, result=0, memory="slow"),
        ),
    )
