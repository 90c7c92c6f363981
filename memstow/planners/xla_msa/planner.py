"""The ``xla-msa`` planner: OpenXLA's memory-space assignment, the production heuristic that others must beat."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...plan import MemoryPlan
from ..base import Effort, Limits, Problem
from .costs import Costs
from .cross_program import candidates, memory_pressure, place_cross_program
from .emit import emit_plan
from .options import Options
from .order import in_turn
from .result import Result
from .segments import Attempt, Site
from .values import Tenant, tenants
from .workspace import Workspace


@dataclass(frozen=True)
class XlaMsa:
    """Re-implements the algorithm of ``xla/service/memory_space_assignment`` (OpenXLA) on memstow's programs.

    Storages get their turn in order of memory boundedness; each is placed use by use (stay, evict, prefetch, slow
    memory) under a budget for background copies; failed attempts are undone and tried again, with up to
    ``Options.max_repacks`` repacks; allocations that copy more than they serve are undone. It prices with XLA's own
    formulas, not with ``problem.cost``.

    Faithful to the original, the plan is *not* guaranteed to beat any other: like XLA's own it can be slower than
    using no fast memory at all. Nothing is random: the seed is only recorded. XLA knows no time budget; when the given
    one runs out, the storages that had no turn yet stay in slow memory.
    """

    name: str = "xla-msa"
    description: str = "the production heuristic: OpenXLA's memory-space assignment, its losses included"
    options: Options = field(default_factory=Options)

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The heuristic's plan."""
        limits = effort.limits()
        workspace = assign(problem, self.options, limits)
        refill = self.options.refill_cross_program
        return emit_plan(problem, workspace.stays, refill=refill, planner=self.name, seed=seed)


def assign(problem: Problem, options: Options, limits: Limits) -> Workspace:
    """Run the heuristic until the limits; the result is the workspace's ``stays``."""
    program, accelerator = problem.program, problem.accelerator
    costs = Costs(program, accelerator)
    workspace = Workspace(costs, accelerator, options)
    found = tenants(program, accelerator.capacity)
    limit = accelerator.max_cross_program_prefetches
    ranked = candidates(program, found)
    crossing = place_cross_program(workspace, ranked, limit, memory_pressure(found.values()))
    for stay in crossing:
        del found[stay.storage]
    repacks = options.max_repacks
    for tenant in in_turn(found.values(), costs, options):
        if limits.over:
            break
        repacks -= _place(workspace, tenant, repacks)
    return workspace


def _place(workspace: Workspace, tenant: Tenant, repacks: int) -> int:
    """Place one storage or leave it in slow memory; returns the number of repacks used, 0 or 1."""
    required_slow = _sites_of_output(tenant, workspace.costs.length)
    used = retry = 0
    while retry < workspace.options.max_retries:
        workspace.picker.retry = retry
        attempt = Attempt(workspace, tenant, required_slow)
        result = attempt.run()
        if result & Result.UNCOMMIT:
            workspace.undo()
            retry += 1
        elif result & Result.OUT_OF_MEMORY and not used and repacks > 0:
            workspace.undo()
            used = 1
            retry += 0 if workspace.repack() else 1
        else:
            wasteful = _inefficient_sites(attempt, tenant, workspace.options.inefficient_use_to_copy_ratio)
            if wasteful <= required_slow:
                workspace.commit()
                return used
            workspace.undo()
            required_slow |= wasteful
    return used


def _sites_of_output(tenant: Tenant, length: int) -> set[Site]:
    """An output that the last instruction makes has no time left to be written back."""
    last = len(tenant.values) - 1
    made_last = tenant.ends_slow and tenant.values[last].defined == length - 1
    return {(last, length - 1)} if made_last else set()


def _inefficient_sites(attempt: Attempt, tenant: Tenant, ratio: float) -> set[Site]:
    """Sites of the stays whose copies move more than the accesses make worth (``GetInefficientAllocationSites``)."""
    return {
        site
        for placement in attempt.placements
        if placement.copied_bytes and ratio * placement.copied_bytes > placement.accessed_bytes
        for site in placement.sites
    }
