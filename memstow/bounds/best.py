"""The best bound that can be proven in a given time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, product

from ..core.pricing import BatchedCost, Query
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


def best_bound(
    problem: ProblemView,
    *,
    time_limit_seconds: float = DEFAULT_TIME_LIMIT_SECONDS,
    is_enough: Callable[[float], bool] = lambda seconds: False,
) -> Bound:
    """The largest proven lower bound on the time of every valid plan.

    Bounds by name: ``simple`` (:func:`memstow.timing.lower_bound_seconds`), ``fluid`` (the linear relaxation),
    ``integer`` (the same with whole placements); of long programs ``windows`` (``fluid``, piece by piece) instead.
    Another cost model than the analytical one has the bound ``served`` alone: each instruction at its best placement.
    The limit may be overrun by what building a model takes. ``is_enough`` is asked from time to time, with the seconds
    proven so far, whether to stop there; it must be quick.

    Raises:
        InvalidInputError: the time limit is negative or not finite.
    """
    if not math.isfinite(time_limit_seconds) or time_limit_seconds < 0:
        raise InvalidInputError(f"time limit: expected a number of seconds, 0 or more, found {time_limit_seconds}")
    proof = _Proof(problem, time.monotonic() + time_limit_seconds, is_enough)
    if is_roofline(problem):
        proof.found["simple"] = lower_bound_seconds(problem.program, problem.accelerator) * (1.0 - RELATIVE_MARGIN)
        proof.relax()
    else:
        proof.serve()
        proof.notes["fluid"] = "left out: it holds for the analytical cost model alone"
    method = max(proof.found, key=lambda name: proof.found[name])
    return Bound(proof.found[method], method, proof.found, proof.notes)


class _Proof:
    """The bounds found so far, by name, and what is to be said of them."""

    def __init__(self, problem: ProblemView, deadline: float, is_enough: Callable[[float], bool]) -> None:
        self.found: dict[str, float] = {}
        self.notes: dict[str, str] = {}
        self._problem = problem
        self._deadline = deadline
        self._is_enough = is_enough

    @property
    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _stop(self, seconds: float = 0.0) -> bool:
        """Whether what is proven, ``seconds`` included, is enough."""
        return self._is_enough(max(seconds, *self.found.values()))

    def _missing(self) -> str:
        """Why the next bound is left out, empty if it is not."""
        if self._left < _WORTHWHILE_SECONDS:
            return "left out: no time"
        return "left out: not needed" if self._stop() else ""

    def _is_best(self, name: str, ended: str) -> bool:
        if ended != "optimal":
            self.notes[name] = f"not at its best: {'enough was proven' if self._stop() else ended}"
        return ended == "optimal"

    def relax(self) -> None:
        """Find ``fluid`` and ``integer``, or ``windows``, as far as the time goes."""
        missing = self._missing()
        if missing:
            self.notes["fluid"] = missing
            return
        program, accelerator = self._problem.program, self._problem.accelerator
        movable = lives(program, accelerator)
        if len(program.instructions) > LONGEST:
            self._windows(movable)
            return
        linear, unit = fluid_program(program, accelerator, movable)
        multipliers, ended = solve_duals(linear, time_limit_seconds=self._left, stop=self._stop)
        self.found["fluid"] = max(0.0, linear.dual_bound(multipliers) * unit * (1.0 - RELATIVE_MARGIN))
        if self._is_best("fluid", ended):
            missing = self._missing() if movable else "left out: no storage may be in fast memory"
            if missing:
                self.notes["integer"] = missing
            else:
                self._integer(movable)

    def _windows(self, movable: Sequence[Life]) -> None:
        """The sum of ``fluid`` of every window; one that is out of time counts with every access at its best."""
        program, accelerator = self._problem.program, self._problem.accelerator
        count = len(program.instructions)
        windows = [range(start, min(start + WINDOW, count)) for start in range(0, count, WINDOW)]
        total, unsolved = 0.0, 0
        for k, window in enumerate(windows):
            at_least = sum(_least(self._problem, t) for t in window)
            share = self._left / (len(windows) - k)
            if share < _WORTHWHILE_SECONDS or self._stop():
                total, unsolved = total + at_least, unsolved + 1
                continue
            begin = time.monotonic()
            linear, unit = fluid_program(program, accelerator, movable, window=window)
            left = share - (time.monotonic() - begin)
            multipliers, ended = solve_duals(linear, time_limit_seconds=left, stop=self._stop)
            total += max(at_least, linear.dual_bound(multipliers) * unit)
            unsolved += ended != "optimal"
        if unsolved:
            self.notes["windows"] = f"not at its best: no time for {unsolved} of {len(windows)} windows"
        self.found["windows"] = total * (1.0 - RELATIVE_MARGIN)

    def _integer(self, movable: Sequence[Life]) -> None:
        program, unit = fluid_program(self._problem.program, self._problem.accelerator, movable, whole_blocks=True)

        def seconds(bound: float) -> float:
            return max(0.0, (bound - _SOLVER_MARGIN * SCALE) * unit)

        bound, ended = integer_bound(
            program, time_limit_seconds=self._left, stop=lambda bound: self._stop(seconds(bound))
        )
        if math.isfinite(bound):
            self.found["integer"] = seconds(bound)
        self._is_best("integer", ended)

    def serve(self) -> None:
        """Sum of each instruction's least time over all placements, which holds for any non-negative cost.

        An instruction with too many entries counts 0, and so does one reached after the deadline unless the cost model
        prices many at once.
        """
        program, cost = self._problem.program, self._problem.cost
        queries = list(_placements(self._problem))
        skipped = sum(not mine for mine in queries)
        if isinstance(cost, BatchedCost):
            prices = iter(cost.seconds_of(list(chain.from_iterable(queries))))
            total = sum(max(0.0, min(islice(prices, len(mine)))) for mine in queries if mine)
        else:
            total = 0.0
            for mine in filter(None, queries):
                if self._left < 0.0:
                    skipped += 1
                    continue
                total += max(0.0, min(cost.seconds(*query) for query in mine))
        if skipped:
            self.notes["served"] = (
                f"{skipped} of {len(program.instructions)} instructions counted as 0: too many placements"
            )
        self.found["served"] = total * (1.0 - RELATIVE_MARGIN)


def _least(problem: ProblemView, t: int) -> float:
    """Analytical seconds of an instruction with every access in the better memory."""
    step = problem.program.instructions[t]
    return min(problem.cost.seconds(t, [f] * len(step.operands), [f] * len(step.results)) for f in (False, True))


def _placements(problem: ProblemView) -> Iterator[list[Query]]:
    """All placements of each instruction's entries; none where there are too many."""
    pinned = _pinned(problem)
    for t, step in enumerate(problem.program.instructions):
        choices = [
            (False,) if entry.bytes_accessed and entry.buffer in pinned else (False, True)
            for entry in step.operands + step.results
        ]
        split = len(step.operands)
        few = sum(len(choice) > 1 for choice in choices) <= MAX_PRICED_ENTRIES
        yield [(t, mask[:split], mask[split:]) for mask in product(*choices)] if few else []


def _pinned(problem: ProblemView) -> set[int]:
    return {b.id for storage in problem.program.storages if storage.pinned_slow for b in storage.members}
