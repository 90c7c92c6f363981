"""Cross-program prefetches: which tensors earn a copy that is there before the program begins and costs no time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..program import Program
from .base import Problem
from .packing import FastMemory
from .residency import Residency, Transfer, build_plan, simulated_seconds
from .touches import Tenant, tenants

#: Candidates, by estimated saving, that are simulated for each prefetch.
SIMULATED = 8


def with_cross_program_prefetches(problem: Problem, residencies: Iterable[Residency]) -> list[Residency]:
    """The residencies, with up to the accelerator's number of cross-program prefetches that make the plan faster.

    One after another, the one that saves most: for a residency that a prefetch fills already, or for a tensor in slow
    memory, from the beginning of the program until the last read before it is written.
    """
    chosen = list(residencies)
    limit = problem.accelerator.max_cross_program_prefetches
    if limit == 0:
        return chosen
    found = tenants(problem)
    seconds = _seconds(problem, chosen)
    for _ in range(limit):
        candidates = sorted(_candidates(problem, found, chosen), key=lambda pair: (-pair[0], pair[1].storage))
        plans = [[*_without(chosen, new), new] for _, new in candidates[:SIMULATED]]
        times = [_seconds(problem, plan) for plan in plans]
        if not times or min(times) >= seconds:
            break
        seconds = min(times)
        chosen = plans[times.index(seconds)]
    return chosen


def _seconds(problem: Problem, residencies: Sequence[Residency]) -> float:
    return simulated_seconds(build_plan(problem, residencies, planner="", seed=0))


def _without(chosen: Sequence[Residency], variant: Residency) -> list[Residency]:
    """All but the residency that ``variant`` is to replace, if there is one."""
    return [r for r in chosen if (r.storage, r.served_from) != (variant.storage, variant.served_from)]


def _candidates(
    problem: Problem, found: dict[int, Tenant], chosen: Sequence[Residency]
) -> Iterator[tuple[float, Residency]]:
    """Estimated seconds saved, and a residency from the beginning that there is room for."""
    stays: dict[int, list[Residency]] = {storage: [] for storage in found}
    for residency in chosen:
        stays[residency.storage].append(residency)
    for storage, tenant in found.items():
        first = min(stays[storage], key=lambda r: r.served_from, default=None)
        if not tenant.needs_source:
            continue
        if first is None:
            wanted, saving = _unmoved(tenant), _access_saving(problem, storage)
        elif first.prefetch is None or first.prefetch.start < 0 or _is_written_before(tenant, first.served_from):
            continue
        else:
            wanted, saving = first, problem.accelerator.copy_seconds(tenant.size)
        offset = -1 if wanted is None else _offset(problem, found, _without(chosen, wanted), wanted)
        if wanted is not None and offset >= 0:
            yield saving, replace(wanted, offset=offset, start=-1, prefetch=Transfer(-1, 0))


def _unmoved(tenant: Tenant) -> Residency | None:
    """The residency that serves all reads before the first write; ``None`` if there are none."""
    reads = []
    for touch in tenant.touches:
        if touch.writes:
            break
        reads.append(touch.time)
    return Residency(tenant.storage, -1, -1, reads[-1], reads[0], reads[-1]) if reads else None


def _is_written_before(tenant: Tenant, time: int) -> bool:
    return any(touch.writes for touch in tenant.touches if touch.time < time)


def _access_saving(problem: Problem, storage: int) -> float:
    """Seconds that its reads take less in fast memory where nothing else limits them."""
    part = problem.accelerator
    return _bytes_read(problem.program, storage) * (1.0 / part.slow_memory.bandwidth - 1.0 / part.fast_memory.bandwidth)


def _bytes_read(program: Program, storage: int) -> int:
    return sum(count * program.instructions[t].trip_count for t, _, count in program.storages[storage].reads)


def _offset(problem: Problem, found: dict[int, Tenant], others: Sequence[Residency], wanted: Residency) -> int:
    """Where the storage has room from the beginning until the end of the residency, or -1."""
    memory = FastMemory(problem.accelerator.capacity, problem.accelerator.alignment)
    for other in others:
        memory.place(other.storage, other.offset, found[other.storage].size, other.start, other.end)
    return memory.best_fit(found[wanted.storage].size, -1, wanted.end)
