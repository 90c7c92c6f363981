"""The figures of one plan: what the command line prints, ``summary.json`` holds and the report shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from .defaults import ROOFLINE
from .graph import critical_path_seconds
from .plan import MemoryPlan
from .planners.base import Problem
from .program import Program, Storage
from .schema import Document
from .simulator import Simulation, occupancy
from .timing import ModelPrices, Roofline, cost_model_name, lower_bound_seconds

if TYPE_CHECKING:
    from .bounds import Bound

Seconds = Annotated[float, Field(ge=0)]
Bytes = Annotated[int, Field(ge=0)]


class Numerics(Document):
    """The planned run against PyTorch's eager run.

    ``max_scaled_error`` is the largest absolute error of an output over the largest magnitude of that output in
    PyTorch, the worst output's; it passes up to ``tolerance``. ``max_absolute_error`` is in the outputs' own units.
    """

    outputs: int
    max_absolute_error: Annotated[float, Field(ge=0)] | None = None
    max_scaled_error: Annotated[float, Field(ge=0)] | None = None
    tolerance: Annotated[float, Field(gt=0)]
    passed: bool
    note: str = ""


class TimeShares(Document):
    """Where the planned time goes; the four add up to ``planned_seconds``."""

    compute_seconds: Seconds
    memory_seconds: Seconds
    stall_seconds: Seconds
    overhead_seconds: Seconds


class Fallbacks(Document):
    """How many of all ``instructions`` a cost model left to the roofline, and the commonest reason."""

    count: Annotated[int, Field(gt=0)]
    instructions: int
    reason: str
    reason_count: Annotated[int, Field(gt=0)]

    def __str__(self) -> str:
        share = f"{self.count} of {self.instructions} instructions"
        each = "each" if self.reason_count == self.count else f"{self.reason_count} of them"
        return f"{share} have the roofline's prices, {each} because {self.reason}"


class Summary(Document):
    """Every figure of one plan; the unit is part of each name.

    ``lower_bound_seconds`` is the best bound that was proven and ``lower_bound_method`` its name in ``docs/bounds.md``;
    ``gap_ratio`` is ``planned / lower_bound - 1``. ``critical_path_seconds`` is the longest chain of dependent
    instructions as planned, without stalls. ``cost_model`` is what all seconds are by, with the roofline in place of it
    for the instructions that ``fallbacks`` counts. ``fast_memory_arena_bytes`` is the highest end of an allocation,
    ``fast_memory_occupied_bytes`` the most bytes allocated at one time; the difference is lost to fragmentation.
    """

    program: str
    program_fingerprint: str
    accelerator: str
    planner: str
    seed: int
    budget_seconds: float | None = None
    cost_model: str = ROOFLINE
    fallbacks: Fallbacks | None = None
    kernels: int
    flops: float
    weight_bytes: Bytes
    input_bytes: Bytes
    activation_bytes: Bytes
    all_slow_seconds: Seconds
    planned_seconds: Seconds
    all_fast_seconds: Seconds
    lower_bound_seconds: Seconds
    lower_bound_method: str = "simple"
    critical_path_seconds: Seconds
    gap_ratio: float | None = None
    speedup_over_all_slow_ratio: float | None = None
    time_shares: TimeShares
    fast_memory_capacity_bytes: Bytes
    fast_memory_arena_bytes: Bytes
    fast_memory_occupied_bytes: Bytes
    slow_traffic_bytes: Bytes
    fast_traffic_bytes: Bytes
    prefetches: int
    prefetch_bytes: Bytes
    evictions: int
    evict_bytes: Bytes
    phase_seconds: dict[str, float] = Field(default_factory=dict)
    numerics: Numerics | None = None
    checked_run: bool = False


def summarise(
    problem: Problem,
    plan: MemoryPlan,
    simulation: Simulation,
    *,
    bound: Bound | None = None,
    budget_seconds: float | None = None,
    phase_seconds: Mapping[str, float] | None = None,
    numerics: Numerics | None = None,
    checked_run: bool = False,
) -> Summary:
    """Collect the figures of ``plan``; ``simulation`` must be of this plan under the problem's cost model.

    Without a ``bound`` the one that takes no time stands in.
    """
    program, accelerator = problem.program, problem.accelerator
    least, method = (bound.seconds, bound.method) if bound else _quick_bound(problem)
    all_slow = uniform_seconds(problem, fast=False)
    planned = simulation.total_seconds
    prefetched = [copy.bytes for copy in plan.copies if copy.direction == "prefetch"]
    evicted = [copy.bytes for copy in plan.copies if copy.direction == "evict"]
    return Summary(
        program=program.name,
        program_fingerprint=program.fingerprint,
        accelerator=accelerator.name,
        planner=plan.planner,
        seed=plan.seed,
        budget_seconds=budget_seconds,
        cost_model=cost_model_name(problem.cost),
        fallbacks=fallbacks_of(problem),
        kernels=len(program.instructions),
        flops=sum(step.flops * step.trip_count for step in program.instructions),
        weight_bytes=_bytes_of(program, {"parameter", "constant"}),
        input_bytes=_bytes_of(program, {"input"}),
        activation_bytes=_bytes_of(program, {"intermediate", "output"}),
        all_slow_seconds=all_slow,
        planned_seconds=planned,
        all_fast_seconds=uniform_seconds(problem, fast=True),
        lower_bound_seconds=least,
        lower_bound_method=method,
        critical_path_seconds=critical_path_seconds(
            program, [timing.elapsed_seconds for timing in simulation.instructions]
        ),
        gap_ratio=planned / least - 1.0 if least > 0 else None,
        speedup_over_all_slow_ratio=all_slow / planned if planned > 0 else None,
        time_shares=TimeShares(
            compute_seconds=simulation.compute_seconds,
            memory_seconds=simulation.memory_seconds,
            stall_seconds=simulation.stall_seconds,
            overhead_seconds=simulation.overhead_seconds,
        ),
        fast_memory_capacity_bytes=accelerator.capacity,
        fast_memory_arena_bytes=plan.peak_bytes,
        fast_memory_occupied_bytes=max(occupancy(program, plan), default=0),
        slow_traffic_bytes=sum(timing.slow_bytes for timing in simulation.instructions),
        fast_traffic_bytes=sum(timing.fast_bytes for timing in simulation.instructions),
        prefetches=len(prefetched),
        prefetch_bytes=sum(prefetched),
        evictions=len(evicted),
        evict_bytes=sum(evicted),
        phase_seconds=dict(phase_seconds or {}),
        numerics=numerics,
        checked_run=checked_run,
    )


def _quick_bound(problem: Problem) -> tuple[float, str]:
    if type(problem.cost) is Roofline:
        return lower_bound_seconds(problem.program, problem.accelerator), "simple"
    # Imported here: bounds load numpy, which a summary with a bound has no use for.
    from .bounds import best_bound

    bound = best_bound(problem, time_limit_seconds=0.0)
    return bound.seconds, bound.method


def fallbacks_of(problem: Problem) -> Fallbacks | None:
    """What the problem's cost model left to the roofline, if anything."""
    cost = problem.cost
    if not isinstance(cost, ModelPrices) or not cost.fallbacks:
        return None
    ((reason, count),) = Counter(cost.fallbacks.values()).most_common(1)
    return Fallbacks(
        count=len(cost.fallbacks),
        instructions=len(problem.program.instructions),
        reason=reason,
        reason_count=count,
    )


def uniform_seconds(problem: Problem, *, fast: bool) -> float:
    """Time of the program with every access in one memory and no copies."""
    return sum(
        problem.cost.seconds(t, [fast] * len(step.operands), [fast] * len(step.results))
        for t, step in enumerate(problem.program.instructions)
    )


def _bytes_of(program: Program, kinds: Iterable[str]) -> int:
    return sum(storage.size_bytes for storage in program.storages if storage_kind(storage) in kinds)


def storage_kind(storage: Storage) -> str:
    """One kind for a whole alias group: resident kinds win, then output, then intermediate."""
    kinds = {member.kind for member in storage.members}
    order = ("parameter", "constant", "input", "output", "intermediate")
    return next(kind for kind in order if kind in kinds)
