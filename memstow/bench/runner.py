"""All planners on all cases, one after another."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Mapping

from ..bounds import Bound, best_bound
from ..native import load_core
from ..planners import Planner
from ..summary import fallbacks_of, uniform_seconds
from ..timing import cost_model_name
from .case import Case
from .measure import Clock, Listener, compared, describe, measure
from .results import BenchResults, CaseResult
from .settings import REFERENCE, Settings

BOUND_STEP = "bound"


def measure_all(
    cases: Iterable[Case],
    settings: Settings,
    planners: Mapping[str, Planner],
    listener: Listener,
    *,
    bounds: Mapping[str, Bound] | None = None,
    clock: Clock = time.perf_counter,
) -> Iterator[CaseResult]:
    """Results case by case. ``planners`` has all of ``settings.run_planners``.

    The bound is proven first and not counted in any planner's budget; one of ``bounds``, by the case's fingerprint,
    takes its place where it is larger. What a planner raises is a result; what the listener raises ends the run.
    """
    load_core()  # so that the first planner does not pay for it
    for case in cases:
        listener.begin(case)
        yield _measure_case(case, settings, planners, listener, (bounds or {}).get(case.fingerprint), clock)


def known_bounds(results: BenchResults) -> dict[str, Bound]:
    """The bounds that a run has proven, by the case's fingerprint."""
    return {
        case.fingerprint: Bound(case.bound_seconds, case.bound_method, {case.bound_method: case.bound_seconds})
        for case in results.cases
        if not case.bound_error
    }


def _measure_case(
    case: Case,
    settings: Settings,
    planners: Mapping[str, Planner],
    listener: Listener,
    known: Bound | None,
    clock: Clock,
) -> CaseResult:
    problem = case.problem
    all_slow = uniform_seconds(problem, fast=False)
    listener.step(BOUND_STEP)
    began, error = clock(), ""
    try:
        bound = best_bound(problem, time_limit_seconds=settings.bound_seconds)
    except Exception as found:  # a solver's failure costs this bound, not the run
        bound, error = Bound(0.0, "none", {}), describe(found)
    if known is not None and known.seconds > bound.seconds:
        bound = known
    bound_wall = clock() - began
    listener.end()
    results = []
    for name in settings.run_planners:
        listener.step(name)
        gc.collect()
        results.append(measure(case, planners[name], name, settings, listener, bound=bound.seconds, clock=clock))
        listener.end()
    reference = next(result.seconds for result in results if result.planner == REFERENCE)
    accelerator, recorded = problem.accelerator, case.recorded
    return CaseResult(
        name=case.name,
        group=case.group,
        fingerprint=case.fingerprint,
        accelerator=accelerator.name,
        capacity_bytes=accelerator.capacity,
        max_cross_program_prefetches=accelerator.max_cross_program_prefetches,
        instructions=len(problem.program.instructions),
        cost_model=cost_model_name(problem.cost),
        fallbacks=fallbacks_of(problem),
        all_slow_seconds=all_slow,
        bound_seconds=bound.seconds,
        bound_method=bound.method,
        bound_wall_seconds=bound_wall,
        bound_error=error,
        recorded_seconds=case.recorded_seconds,
        recorded_charged_seconds=recorded.charged_seconds if recorded else None,
        recorded_free_seconds=recorded.free_seconds if recorded else None,
        planners=tuple(
            compared(result, case, bound=bound.seconds, all_slow=all_slow, reference=reference) for result in results
        ),
    )
