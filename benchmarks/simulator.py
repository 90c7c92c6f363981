"""Speed of the core's simulator, on one core: whole plans from scratch, and one stay more or less.

    python benchmarks/simulator.py [--seconds S] [--json FILE]

The programs are chains of layers: an instruction reads the activations before it, now and then older ones, and most
times a weight, and writes activations. In the plan half of all storages stay in fast memory, prefetched and written
back in the background; the capacity is left out, since only times are measured. The queue has time to spare ("free"),
or copies are slow and the program waits for many ("saturated"), so that a change is felt far down the queue. Stays are
tried in random order: long programs pay for memory accesses that miss the caches.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from memstow.accelerator import Accelerator, load_accelerator
from memstow.core import CoreProblem, CoreStay, ScheduleState, simulate_stays, stay_rows
from memstow.core.stay import STAY_FIELDS
from memstow.program import Buffer, Instruction, Operand, Program

#: Instructions of the programs.
LENGTHS = (300, 3_000, 20_000)
#: Copy bandwidth as a part of the accelerator's, by the load of the queue.
LOADS = {"free": 1.0, "saturated": 0.1}
ACTIVATION_BYTES = 1 << 20


@dataclass(frozen=True)
class Row:
    """Figures of one program. Rates per second; a change is one stay applied, priced and undone."""

    instructions: int
    load: str
    stays: int
    copies: int
    stall_share: float
    plans_from_scratch: float
    changes: float


def layers(count: int, random: Random) -> Program:
    """A chain of ``count`` instructions; activations have the ids from 0, weights those from ``count``."""
    reads = [[t - 1] if t else [] for t in range(count)]
    for t in range(9, count):
        if random.random() < 0.25:
            reads[t].append(t - random.randint(4, 8))
    weights = {t: random.choice([1, 2, 8]) << 18 for t in range(count) if random.random() < 0.6}
    instructions = tuple(
        Instruction(
            name=f"i{t}",
            compute_seconds=random.choice([1e-6, 3e-6, 2e-5]),
            operands=(
                *(Operand(buffer=k, bytes_accessed=ACTIVATION_BYTES) for k in reads[t]),
                *(Operand(buffer=count + t, bytes_accessed=weights[k]) for k in [t] if k in weights),
            ),
            results=(Operand(buffer=t, bytes_accessed=ACTIVATION_BYTES),),
        )
        for t in range(count)
    )
    readers: dict[int, list[int]] = {t: [] for t in range(count)}
    for t, sources in enumerate(reads):
        for k in sources:
            readers[k].append(t)
    activations = tuple(
        Buffer(
            id=t,
            name=f"a{t}",
            size_bytes=ACTIVATION_BYTES,
            kind="output" if t == count - 1 else "intermediate",
            definition_time=t,
            use_times=tuple(readers[t]),
        )
        for t in range(count)
    )
    parameters = tuple(
        Buffer(id=count + t, name=f"w{t}", size_bytes=size, kind="parameter", definition_time=-1, use_times=(t,))
        for t, size in weights.items()
    )
    return Program(name=f"layers{count}", instructions=instructions, buffers=activations + parameters)


def stays_of(core: CoreProblem, random: Random) -> list[CoreStay]:
    """One stay for every storage: weights are prefetched, a third of the activations is written back."""
    stays = []
    for storage in core.program.storages:
        touches = len({t for t, _, _ in (*storage.reads, *storage.writes)})
        if storage.born_slow:
            done = storage.last_time
            stays.append(CoreStay(storage.index, 0, touches - 1, max(0, done - random.randint(1, 12)), done))
        elif random.random() < 1 / 3 and touches > 2:
            start = storage.definition_time + 1
            done = min(start + random.randint(1, 12), storage.last_time)
            stays.append(CoreStay(storage.index, 0, touches - 2, eviction_start=start, eviction_done=done))
        else:
            stays.append(CoreStay(storage.index, 0, touches - 1))
    random.shuffle(stays)
    return stays


def rate(action: Callable[[], object], seconds: float) -> float:
    """How often a second an action can be done: the best of what fits into ``seconds``, three times at least."""
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return 1.0 / min(times)


def measure(count: int, load: str, accelerator: Accelerator, seconds: float) -> Row:
    """Figures of a program of ``count`` instructions."""
    random = Random(count)
    slowed = accelerator.dma.model_copy(
        update={"bytes_per_second": accelerator.copy_bandwidth * LOADS[load], "latency_seconds": 1e-6}
    )
    part = accelerator.model_copy(update={"dma": slowed})
    core = CoreProblem(layers(count, random), part)
    stays = stays_of(core, random)
    placed, candidates = stays[: len(stays) // 2], stays[len(stays) // 2 :]
    state = ScheduleState(core)
    for stay in placed:
        state.apply(stay)
    stall = sum(state.at(t).stall for t in range(count + 1)) / state.total_seconds

    plan, tries = stay_rows(placed), stay_rows(candidates * (1 + 2000 // len(candidates)))
    trials = len(tries) // STAY_FIELDS

    return Row(
        instructions=count,
        load=load,
        stays=len(placed),
        copies=sum((stay.prefetch_start >= 0) + (stay.eviction_start >= 0) for stay in placed),
        stall_share=stall,
        plans_from_scratch=rate(lambda: simulate_stays(core, [plan] * 20), seconds) * 20,
        changes=rate(lambda: state.try_each(tries), seconds) * trials,
    )


def table(rows: list[Row]) -> str:
    """The figures as text."""
    lines = ["instructions  queue      stays  copies  stalled  from scratch/s  changes/s  us/change"]
    lines += [
        f"{row.instructions:12,}  {row.load:9}  {row.stays:5}  {row.copies:6}  {row.stall_share:7.1%}"
        f"  {row.plans_from_scratch:14,.0f}  {row.changes:9,.0f}  {1e6 / row.changes:9.3f}"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the figures where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0, help="least time of each measurement (default 1)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    accelerator = load_accelerator("tpu_v5e")
    rows = [measure(count, load, accelerator, arguments.seconds) for load in LOADS for count in LENGTHS]
    print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
