"""Random accelerators around the built-in ones, and amounts of fast memory that are scarce but not useless."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from random import Random

from ....accelerator import Accelerator, DmaEngine, Memory, load_accelerator
from ....program import Program
from .architectures import log_uniform
from .tape import Step

#: Parts that random ones are drawn around.
TEMPLATES = ("ethos_u55", "ethos_u65", "ethos_u85", "gemmini", "hexagon_v73", "tpu_v4", "tpu_v5e")
#: FLOPs that the matrix unit and the vector unit do while the slow memory moves a byte.
MATRIX_RIDGE, VECTOR_RIDGE = (30.0, 400.0), (0.5, 10.0)
#: Fast memory as a part of the most bytes that are live at one time, and in bytes.
CAPACITY_SHARE = (0.02, 1.2)
CAPACITY_BYTES = (100 << 10, 200 << 20)
#: Part of a program's touches whose storages fit in fast memory, at least.
LEAST_FITTING = 0.4
_UNUSED = 1 << 40


def draw_accelerator(random: Random, steps: Sequence[Step]) -> Accelerator:
    """A part for a tape: launch overhead and the latency of copies are in proportion to the time of its steps.

    Its fast memory is as good as endless until :func:`draw_capacity` has been asked.
    """
    template = load_accelerator(random.choice(TEMPLATES))
    slow = template.slow_memory.bandwidth * log_uniform(random, 1 / 3, 3.0)
    ratio = template.fast_memory.bandwidth / template.slow_memory.bandwidth * log_uniform(random, 0.5, 2.0)
    copies = slow * (1.0 if random.random() < 0.6 else log_uniform(random, 0.3, 1.5))
    typical = statistics.median(step.bytes for step in steps) / slow
    launch = 0.0 if random.random() < 0.5 else typical * log_uniform(random, 1e-3, 0.3)
    latency = 0.0 if random.random() < 0.4 else typical * log_uniform(random, 1e-3, 1.0)
    dma = template.dma
    limits = [dma.max_outstanding_prefetches, dma.max_outstanding_evictions]
    if random.random() < 0.5:
        limits = [random.choice([None, None, 1, 2, 4, 16, 64]) for _ in range(2)]
    return Accelerator(
        name="random",
        flops_per_second={"f32": slow * log_uniform(random, *MATRIX_RIDGE)},
        vector_flops_per_second={"f32": slow * log_uniform(random, *VECTOR_RIDGE)},
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
        capacity_bytes=_UNUSED,
        read_bytes_per_second=rate,
        write_bytes_per_second=rate,
        alignment_bytes=alignment,
    )


def _scaled(memory: Memory, rate: float) -> Memory:
    return memory.model_copy(update={"read_bytes_per_second": rate, "write_bytes_per_second": rate})
