"""Random accelerators around the built-in ones, and amounts of fast memory that are scarce but not useless."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from random import Random

from ....accelerator import Accelerator, DmaEngine, Memory, load_accelerator
from ....planners import Problem
from ....program import Program
from ....timing import lower_bound_seconds, roofline_seconds
from .architectures import log_uniform
from .tape import Step

#: Parts that random ones are drawn around.
TEMPLATES = ("ethos_u55", "ethos_u65", "ethos_u85", "gemmini", "hexagon_v73", "tpu_v4", "tpu_v5e")
#: Arithmetic of a typical step of the matrix unit, and of the vector unit, in times that slow memory takes to serve it:
#: the medians of the programs in ``xla_suite`` are between 0.01 and 0.6.
MATRIX_LOAD, VECTOR_LOAD = (0.03, 2.0), (0.01, 0.6)
#: Fast memory as a part of the most bytes that are live at one time, and in bytes.
CAPACITY_SHARE = (0.02, 1.2)
CAPACITY_BYTES = (100 << 10, 200 << 20)
#: Part of a program's touches whose storages fit in fast memory, at least.
LEAST_FITTING = 0.4
#: A problem in which no plan could save this part of the time is drawn again, so many times at most.
LEAST_SAVING, MOST_DRAWS = 0.08, 8
_ENDLESS = 1 << 40


def draw_accelerator(random: Random, steps: Sequence[Step]) -> Accelerator:
    """A part for a tape: rates of arithmetic, launch overhead and latency of copies are in proportion to its steps.

    Its fast memory is as good as endless until :func:`draw_capacity` has been asked.
    """
    template = load_accelerator(random.choice(TEMPLATES))
    slow = template.slow_memory.bandwidth * log_uniform(random, 1 / 3, 3.0)
    ratio = template.fast_memory.bandwidth / template.slow_memory.bandwidth * log_uniform(random, 0.5, 2.0)
    copies = slow * (1.0 if random.random() < 0.6 else log_uniform(random, 0.3, 1.5))
    typical = statistics.median(step.bytes for step in steps if step.bytes) / slow
    matrix = _median(step.matrix_flops / step.bytes for step in steps if step.matrix_flops)
    vector = _median(step.vector_flops / step.bytes for step in steps if step.vector_flops)
    launch = 0.0 if random.random() < 0.5 else typical * log_uniform(random, 1e-3, 0.3)
    latency = 0.0 if random.random() < 0.4 else typical * log_uniform(random, 1e-3, 1.0)
    dma = template.dma
    limits = [dma.max_outstanding_prefetches, dma.max_outstanding_evictions]
    if random.random() < 0.5:
        limits = [random.choice([None, None, 1, 2, 4, 16, 64]) for _ in range(2)]
    return Accelerator(
        name="random",
        flops_per_second={"f32": slow * matrix / log_uniform(random, *MATRIX_LOAD)},
        vector_flops_per_second={"f32": slow * vector / log_uniform(random, *VECTOR_LOAD)},
        launch_overhead_seconds=launch,
        fast_memory=_memory("fast", slow * max(1.2, ratio), random.choice([16, 32, 64, 128, 512, 1024, 4096])),
        slow_memory=_memory("slow", slow, 1),
        dma=DmaEngine(
            bytes_per_second=copies,
            latency_seconds=latency,
            max_outstanding_prefetches=limits[0],
            max_outstanding_evictions=limits[1],
        ),
    )


def vary_rates(random: Random, accelerator: Accelerator) -> Accelerator:
    """The part with its two memories and its copy engine a little slower or faster, each by a factor of its own."""
    slow, fast, copies = (log_uniform(random, 0.5, 2.0) for _ in range(3))
    fast_memory, slow_memory = accelerator.fast_memory, accelerator.slow_memory
    slow_rate = slow_memory.bandwidth * slow
    changes = {
        "slow_memory": _scaled(slow_memory, slow_rate),
        "fast_memory": _scaled(fast_memory, max(1.2 * slow_rate, fast_memory.bandwidth * fast)),
        "dma": accelerator.dma.model_copy(update={"bytes_per_second": accelerator.dma.bytes_per_second * copies}),
    }
    return accelerator.model_copy(update=changes)


def draw_capacity(random: Random, program: Program, accelerator: Accelerator) -> Accelerator:
    """The part with a random share of the bytes that the program has live at most."""
    peak = peak_live_bytes(program)
    wished = peak * log_uniform(random, *CAPACITY_SHARE)
    low, high = CAPACITY_BYTES
    bounded = min(max(wished, low), high, CAPACITY_SHARE[1] * peak)
    needed = max(bounded, _fitting_bytes(program))
    blocks = max(1, math.ceil(needed / accelerator.alignment))
    return accelerator.with_capacity(blocks * accelerator.alignment)


def draw_variation(key: str, problem: Problem) -> Problem:
    """The program with another amount of fast memory, and half the time with other rates; the same for the same key."""
    for draw in range(MOST_DRAWS):
        random, accelerator = Random(f"{key}.{draw}"), problem.accelerator
        if random.random() < 0.5:
            accelerator = vary_rates(random, accelerator)
        varied = Problem(problem.program, draw_capacity(random, problem.program, accelerator))
        if is_worthwhile(varied):
            break
    return varied


def is_worthwhile(problem: Problem) -> bool:
    """Whether endless fast memory could save a part of the time that is worth playing for."""
    program, accelerator = problem.program, problem.accelerator
    slow = 0.0
    for step in program.instructions:
        count = sum(entry.bytes_accessed for entry in step.operands + step.results)
        slow += roofline_seconds(accelerator, step, count, 0)
    return lower_bound_seconds(program, accelerator) <= (1.0 - LEAST_SAVING) * slow


def peak_live_bytes(program: Program) -> int:
    """Most bytes of storages that are between their first and their last access at one time."""
    change = [0] * (len(program.instructions) + 1)
    for storage in program.storages:
        times = [t for t, _, count in storage.reads + storage.writes if count]
        if times and not storage.pinned_slow:
            change[min(times)] += storage.size_bytes
            change[max(times) + 1] -= storage.size_bytes
    peak = live = 0
    for delta in change:
        live += delta
        peak = max(peak, live)
    return peak


def _median(values: Iterable[float]) -> float:
    return statistics.median([*values] or [1.0])


def _fitting_bytes(program: Program) -> int:
    sizes = sorted(
        storage.size_bytes
        for storage in program.storages
        for _, _, count in storage.reads + storage.writes
        if count and not storage.pinned_slow
    )
    return sizes[int(LEAST_FITTING * len(sizes))] if sizes else 0


def _memory(name: str, rate: float, alignment: int) -> Memory:
    return Memory(
        name=name,
        capacity_bytes=_ENDLESS,
        read_bytes_per_second=rate,
        write_bytes_per_second=rate,
        alignment_bytes=alignment,
    )


def _scaled(memory: Memory, rate: float) -> Memory:
    return memory.model_copy(update={"read_bytes_per_second": rate, "write_bytes_per_second": rate})
