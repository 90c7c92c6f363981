"""A plan and how far it can be from the best: a planner and the proof of a bound, side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .accelerator import Accelerator
from .bounds import Bound, best_bound
from .defaults import OPTIMALITY_GAP
from .errors import InfeasiblePlanError
from .plan import MemoryPlan
from .planners import Effort, Planner, Problem
from .simulator import simulate
from .timing import cost_model_name
from .validator import validate

#: Seconds between two looks at signals, and at whether a thread that was told to end has done so.
_POLL_SECONDS, _SHORT_POLL_SECONDS = 0.05, 0.002
_SHOWN_VIOLATIONS = 5


@dataclass(frozen=True)
class ProvenPlan:
    """A plan and the best bound that was proven for its problem; the plan records its seconds and the cost model."""

    plan: MemoryPlan
    bound: Bound


def plan_with_bound(
    planner: Planner,
    problem: Problem,
    effort: Effort,
    *,
    seed: int,
    bound_seconds: float,
    target: Accelerator | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ProvenPlan:
    """Plan, and meanwhile prove a bound.

    The planner ends early once its best is within ``OPTIMALITY_GAP`` of the bound, and the proof once it has come
    that close to the plan. With ``Effort.iterations`` the bound does not reach into the planning, so that the plan
    depends on the seed alone.

    Args:
        planner: makes the plan.
        problem: what is planned.
        target: the accelerator that the plan must be valid for and that the bound holds for, where that is another than
            the problem's, with the same times and fewer restrictions.
        effort: of the planner.
        seed: of the planner.
        bound_seconds: time for the proof, from the beginning on; 0 leaves it at the simple bound.
        is_cancelled: asked whether to do without a better bound once the plan is there.

    Raises:
        InfeasiblePlanError: the planner returned an invalid plan.
        KeyboardInterrupt: if the planner let it through. One that comes after the plan ends the proof.
    """
    given = replace(problem, accelerator=target or problem.accelerator)
    race = _Race()
    proof = threading.Thread(target=race.prove, args=(given, bound_seconds), name="bound")
    proof.start()
    try:
        plan = planner.plan(problem, replace(effort, is_enough=race.with_bound(effort.is_enough)), seed=seed)
        _require_valid(given, plan)
        race.plan_seconds = simulate(given.program, given.accelerator, plan, given.cost).total_seconds
        while proof.is_alive() and not is_cancelled():
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        if race.plan_seconds is None:
            raise
    finally:
        race.ended = True
        while proof.is_alive():  # not join: interrupted, it counts a running thread as ended in Python 3.11
            time.sleep(_SHORT_POLL_SECONDS)
    bound = race.result()
    found = {
        "cost_model": cost_model_name(given.cost),
        "simulated_seconds": race.plan_seconds,
        "bound_seconds": bound.seconds,
    }
    return ProvenPlan(plan.model_copy(update=found), bound)


def _require_valid(problem: Problem, plan: MemoryPlan) -> None:
    violations = validate(problem.program, problem.accelerator, plan)
    if violations:
        shown = "; ".join(str(violation) for violation in violations[:_SHOWN_VIOLATIONS])
        raise InfeasiblePlanError(
            f"planner {plan.planner!r} made an invalid plan with {len(violations)} violations: {shown}; "
            "use another planner and report this"
        )


class _Race:
    """What planner and proof know of each other; single values, each written by one of the two threads."""

    def __init__(self) -> None:
        self.plan_seconds: float | None = None
        self.bound_seconds = 0.0
        self.ended = False
        self._bound: Bound | None = None
        self._failure: BaseException | None = None

    def prove(self, problem: Problem, bound_seconds: float) -> None:
        """Run in the thread of the proof."""
        try:
            self._bound = best_bound(problem, time_limit_seconds=bound_seconds, is_enough=self._is_proven)
            self.bound_seconds = self._bound.seconds
        except BaseException as error:  # handed on to the main thread
            self._failure = error

    def result(self) -> Bound:
        """The bound, once the thread has ended; raises what ended it instead."""
        if self._failure is not None:
            raise self._failure
        assert self._bound is not None, "the proof has run"
        return self._bound

    def with_bound(self, is_enough: Callable[[float], bool]) -> Callable[[float], bool]:
        """``is_enough``, or within the gap of the bound so far."""
        return lambda seconds: seconds <= self.bound_seconds * (1.0 + OPTIMALITY_GAP) or is_enough(seconds)

    def _is_proven(self, seconds: float) -> bool:
        self.bound_seconds = seconds
        return self.ended or (self.plan_seconds is not None and self.plan_seconds <= seconds * (1.0 + OPTIMALITY_GAP))
