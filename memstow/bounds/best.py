"""The best bound that can be proven in a given time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import product

from ..defaults import DEFAULT_TIME_LIMIT_SECONDS
from ..errors import InvalidInputError
from ..timing import lower_bound_seconds
from .base import Bound, ProblemView, is_roofline
from .fluid import fluid_program
from .fluid_rows import SCALE
from .linear import RELATIVE_MARGIN, integer_bound, solve_duals
from .lives import Life, lives

#: Entries of an instruction up to which all placements are priced under a cost model of unknown shape.
MAX_PRICED_ENTRIES = 6
#: Instructions of the longest program that one linear program is made for, and of a window of a longer one.
LONGEST = 2000
WINDOW = 500
#: Subtracted from what branch and bound reports, as a share of the all-slow time: HiGHS meets rows and integrality to
#: 1e-7, and the multipliers that turn this into time sum to some 1e5 at most for an all-slow time of ``SCALE`` units.
_SOLVER_MARGIN = 2e-5
#: Seconds of the time limit left below which no solver is started.
_WORTHWHILE_SECONDS = 0.02


def best_bound(problem: ProblemView, *, time_limit_seconds: float = DEFAULT_TIME_LIMIT_SECONDS) -> Bound:
    """The largest proven lower bound on the time of every valid plan.

    Bounds by name: ``simple`` (:func:`memstow.timing.lower_bound_seconds`), ``fluid`` (the linear relaxation),
    ``integer`` (the same with whole placements); of long programs ``windows`` (``fluid``, piece by piece) instead.
    Another cost model than the analytical one has the bound ``served`` alone: each instruction at its best placement.
    The limit may be overrun by what building a model takes.

    Raises:
        InvalidInputError: the time limit is negative or not finite.
    """
    if not math.isfinite(time_limit_seconds) or time_limit_seconds < 0:
        raise InvalidInputError(f"time limit: expected a number of seconds, 0 or more, found {time_limit_seconds}")
    deadline = time.monotonic() + time_limit_seconds
    found: dict[str, float] = {}
    notes: dict[str, str] = {}
    if is_roofline(problem):
        found["simple"] = lower_bound_seconds(problem.program, problem.accelerator) * (1.0 - RELATIVE_MARGIN)
        _solve(problem, deadline, found, notes)
    else:
        found["served"] = _served(problem, deadline, notes) * (1.0 - RELATIVE_MARGIN)
        notes["fluid"] = "left out: it holds for the analytical cost model alone"
    method = max(found, key=lambda name: found[name])
    return Bound(found[method], method, found, notes)


def _solve(problem: ProblemView, deadline: float, found: dict[str, float], notes: dict[str, str]) -> None:
    """Add ``fluid`` and ``integer``, or ``windows``, as far as the time goes."""
    if deadline - time.monotonic() < _WORTHWHILE_SECONDS:
        notes["fluid"] = "left out: no time"
        return
    program, accelerator = problem.program, problem.accelerator
    movable = lives(program, accelerator)
    if len(program.instructions) > LONGEST:
        found["windows"] = _windows(problem, movable, deadline, notes) * (1.0 - RELATIVE_MARGIN)
        return
    linear, unit = fluid_program(program, accelerator, movable)
    multipliers, ended = solve_duals(linear, time_limit_seconds=deadline - time.monotonic())
    found["fluid"] = max(0.0, linear.dual_bound(multipliers) * unit * (1.0 - RELATIVE_MARGIN))
    if ended != "optimal":
        notes["fluid"] = f"not at its best: {ended}"
    elif not movable:
        notes["integer"] = "left out: no storage may be in fast memory"
    elif deadline - time.monotonic() < _WORTHWHILE_SECONDS:
        notes["integer"] = "left out: no time"
    else:
        _integer(problem, movable, deadline, found, notes)


def _windows(problem: ProblemView, movable: Sequence[Life], deadline: float, notes: dict[str, str]) -> float:
    """The sum of ``fluid`` of every window; one that is out of time counts with every access at its best."""
    program, accelerator = problem.program, problem.accelerator
    count = len(program.instructions)
    windows = [range(start, min(start + WINDOW, count)) for start in range(0, count, WINDOW)]
    total, unsolved = 0.0, 0
    for k, window in enumerate(windows):
        at_least = sum(_least(problem, t) for t in window)
        share = (deadline - time.monotonic()) / (len(windows) - k)
        if share < _WORTHWHILE_SECONDS:
            total, unsolved = total + at_least, unsolved + 1
            continue
        begin = time.monotonic()
        linear, unit = fluid_program(program, accelerator, movable, window=window)
        multipliers, ended = solve_duals(linear, time_limit_seconds=share - (time.monotonic() - begin))
        total += max(at_least, linear.dual_bound(multipliers) * unit)
        unsolved += ended != "optimal"
    if unsolved:
        notes["windows"] = f"not at its best: no time for {unsolved} of {len(windows)} windows"
    return total


def _least(problem: ProblemView, t: int) -> float:
    """Analytical seconds of an instruction with every access in the better memory."""
    step = problem.program.instructions[t]
    return min(problem.cost.seconds(t, [f] * len(step.operands), [f] * len(step.results)) for f in (False, True))


def _integer(
    problem: ProblemView, movable: Sequence[Life], deadline: float, found: dict[str, float], notes: dict[str, str]
) -> None:
    program, unit = fluid_program(problem.program, problem.accelerator, movable, whole_blocks=True)
    bound, ended = integer_bound(program, time_limit_seconds=deadline - time.monotonic())
    if ended != "optimal":
        notes["integer"] = f"not at its best: {ended}"
    if math.isfinite(bound):
        found["integer"] = max(0.0, (bound - _SOLVER_MARGIN * SCALE) * unit)


def _served(problem: ProblemView, deadline: float, notes: dict[str, str]) -> float:
    """Sum of each instruction's least time over all placements, which holds for any non-negative cost.

    An instruction with too many entries, or reached after the deadline, counts 0.
    """
    program, pinned = problem.program, _pinned(problem)
    total, skipped = 0.0, 0
    for t, step in enumerate(program.instructions):
        choices = [
            (False,) if entry.bytes_accessed and entry.buffer in pinned else (False, True)
            for entry in step.operands + step.results
        ]
        if sum(len(c) > 1 for c in choices) > MAX_PRICED_ENTRIES or time.monotonic() > deadline:
            skipped += 1
            continue
        split = len(step.operands)
        total += max(0.0, min(problem.cost.seconds(t, mask[:split], mask[split:]) for mask in product(*choices)))
    if skipped:
        notes["served"] = f"{skipped} of {len(program.instructions)} instructions counted as 0: too many placements"
    return total


def _pinned(problem: ProblemView) -> set[int]:
    return {b.id for storage in problem.program.storages if storage.pinned_slow for b in storage.members}
