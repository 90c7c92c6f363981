"""The ``first-touch`` planner: an intermediate that fits when it is produced stays until its last use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..plan import MemoryPlan
from .base import Effort, Problem
from .cross_program import with_cross_program_prefetches
from .packing import FastMemory, Lifetime, pack, peak_load
from .residency import Residency, build_plan, never_slower
from .touches import Tenant, tenants


@dataclass(frozen=True)
class FirstTouch:
    """Produces intermediates in fast memory where a block is free for their whole life; copies nothing
    but what cross-program prefetches bring.

    When all of them fit together, their lifetimes are packed offline for a low peak. Otherwise they are served in
    program order, best fit. Parameters, constants, inputs and outputs stay in slow memory. A plan that simulates slower
    than ``all-slow`` (a fast memory that is not faster, say) is replaced by it.
    """

    name: str = "first-touch"
    description: str = "intermediates stay where they fit when produced; no copies"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """One pass; the effort is not used."""
        chosen = [t for t in tenants(problem).values() if not (t.needs_source or t.is_output)]
        chosen.sort(key=lambda tenant: (tenant.touches[0].time, tenant.storage))
        residencies = _packed(problem, chosen) or _in_program_order(problem, chosen)
        residencies = with_cross_program_prefetches(problem, residencies)
        return never_slower(problem, build_plan(problem, residencies, planner=self.name, seed=seed))


def _packed(problem: Problem, chosen: Sequence[Tenant]) -> list[Residency]:
    """Everything, offline; empty where the packing exceeds the capacity."""
    lifetimes = [Lifetime(t.touches[0].time, t.touches[-1].time, t.size) for t in chosen]
    if peak_load(lifetimes) > problem.accelerator.capacity:
        return []
    peak, offsets = pack(lifetimes, problem.accelerator.alignment)
    if peak > problem.accelerator.capacity:
        return []
    return [_residency(tenant, offset) for tenant, offset in zip(chosen, offsets, strict=True)]


def _in_program_order(problem: Problem, chosen: Sequence[Tenant]) -> list[Residency]:
    memory = FastMemory(problem.accelerator.capacity, problem.accelerator.alignment)
    residencies = []
    for tenant in chosen:
        start, end = tenant.touches[0].time, tenant.touches[-1].time
        offset = memory.best_fit(tenant.size, start, end)
        if offset >= 0:
            memory.place(tenant.storage, offset, tenant.size, start, end)
            residencies.append(_residency(tenant, offset))
    return residencies


def _residency(tenant: Tenant, offset: int) -> Residency:
    start, end = tenant.touches[0].time, tenant.touches[-1].time
    return Residency(tenant.storage, offset, start, end, served_from=start, served_until=end)
