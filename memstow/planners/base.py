"""What a planner is given and what it must offer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Protocol, cast

from ..accelerator import Accelerator
from ..defaults import DEFAULT_BUDGET_SECONDS
from ..errors import InvalidInputError
from ..plan import MemoryPlan
from ..program import Program
from ..timing import InstructionCost, Roofline


@dataclass(frozen=True)
class Problem:
    """A program to be planned for an accelerator.

    ``cost`` prices one instruction for a placement; left out, it is the analytical :class:`~memstow.timing.Roofline`.
    """

    program: Program
    accelerator: Accelerator
    cost: InstructionCost = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.cost is None:
            object.__setattr__(self, "cost", Roofline(self.program, self.accelerator))


@dataclass(frozen=True)
class Limits:
    """When a search ends: at a time of ``time.monotonic()``, or after ``iterations`` where they are given."""

    deadline: float = math.inf
    iterations: int | None = None

    @property
    def over(self) -> bool:
        """Whether the time is up; never with iterations."""
        return self.iterations is None and time.monotonic() >= self.deadline

    def round(self, number: int, rounds: int) -> Limits:
        """Limits of one of several rounds, each of which gets an equal part of what is left."""
        if self.iterations is not None:
            ends = [self.iterations * k // rounds for k in (number, number + 1)]
            return Limits(iterations=ends[1] - ends[0])
        now = time.monotonic()
        return Limits(now + (self.deadline - now) / (rounds - number))


def _nobody(seconds: float) -> None:
    """Who is told where nobody asks."""


def _ignored() -> None:
    """Who is told of an interrupt where nobody asks."""


def _never(seconds: float) -> bool:
    """Whether to end early where nobody says so."""
    return False


@dataclass(frozen=True)
class Effort:
    """How long a planner may search, and who hears of what it finds.

    ``budget_seconds`` of wall-clock time end a search. ``iterations``, where given, end it instead, each planner
    counting its own; the clock is then not looked at, so that the same seed gives the same plan.

    A planner that searches calls ``on_improvement`` with the seconds of each better plan that it finds, and ends when
    ``is_enough`` says so of the seconds of its best (nothing better exists, say). Both must be quick and may be called
    from any thread, one call at a time. With iterations ``is_enough`` is not asked. A planner whose search an interrupt
    has ended may tell ``on_interrupt``, for a caller that has more to do.
    """

    budget_seconds: float = DEFAULT_BUDGET_SECONDS
    iterations: int | None = None
    on_improvement: Callable[[float], None] = _nobody
    is_enough: Callable[[float], bool] = _never
    on_interrupt: Callable[[], None] = _ignored

    def limits(self, share: float = 1.0) -> Limits:
        """The limits of a search that begins now; ``share`` of the seconds, all iterations."""
        return Limits(time.monotonic() + share * self.budget_seconds, self.iterations)


def checked_effort(budget_seconds: float, iterations: int | None, *, prefix: str = "") -> Effort:
    """The effort of a caller's ``budget`` and ``iterations``; ``prefix`` stands before these names in messages.

    Raises:
        InvalidInputError: a budget that is no finite number of seconds, 0 or more, or a negative number of iterations.
    """
    check_seconds(f"{prefix}budget", budget_seconds)
    if iterations is not None and iterations < 0:
        raise InvalidInputError(f"{prefix}iterations: expected 0 or more, found {iterations}")
    return Effort(budget_seconds, iterations)


def check_seconds(option: str, seconds: float) -> None:
    """Raise :class:`InvalidInputError` unless an option's value is a finite number of seconds, 0 or more."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
        raise InvalidInputError(f"{option}: expected a number of seconds, 0 or more, found {seconds!r}")


class Planner(Protocol):
    """Anything that turns a problem and an effort into a memory plan.

    ``description`` is one line for listings.
    """

    @property
    def name(self) -> str:
        """The registered name."""
        ...

    @property
    def description(self) -> str:
        """One line for listings."""
        ...

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """Return a valid plan; stop searching at the effort's limits.

        Same seed, same plan, unless the budget cuts in. An interrupt (``KeyboardInterrupt``) ends a search with the
        best plan so far.
        """
        ...


def configured(planner: Planner, **options: object) -> Planner:
    """The planner with those of the options that it has as fields; others are left out."""
    known: set[str] = {field.name for field in fields(planner)} if is_dataclass(planner) else set()
    mine = {name: options[name] for name in options if name in known}
    return cast(Planner, replace(cast(Any, planner), **mine)) if mine else planner
