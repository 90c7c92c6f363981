"""The loop: choose a neighbourhood, solve it, make a schedule of the solution, keep that if it is faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random

import numpy as np

from ..base import Limits
from ..core_search import ROW_FIELDS, CoreSearch, Rows
from .choice import Choice
from .solver import Effort, solve
from .stretch import END, OFFSET, START, STORAGE, Schedule, Stretch, Terrain

#: Seconds of one solve: at most, and as a part of what is left.
MOST_SECONDS, SHARE = 3.0, 0.1
#: Nodes of branch and bound in one solve, where iterations are the limit.
NODES = 50
#: Seconds left below which no neighbourhood is begun.
_WORTHWHILE_SECONDS = 0.02
#: Iterations of annealing that follow each schedule made of a solution.
POLISH = 400


def _never() -> bool:
    return False


def improve(search: CoreSearch, limits: Limits, *, seed: int, is_over: Callable[[], bool] = _never) -> Iterator[int]:
    """Improve the best schedule of a search until the limits or until ``is_over``; yields 1 for each neighbourhood.

    To improve a schedule from elsewhere, ``search.adopt`` its rows before.
    """
    terrain = Terrain(search.core)
    if not terrain.touches:
        return
    random = Random(seed)
    schedule = Schedule.of(search.core, search.best)
    choice = Choice(terrain, schedule, random)
    done = 0
    while limits.iterations is None or done < limits.iterations:
        left = limits.deadline - time.monotonic()
        if limits.iterations is None and (left < _WORTHWHILE_SECONDS or is_over()):
            return
        before = search.best_seconds
        seconds = None if limits.iterations is not None else min(MOST_SECONDS, max(SHARE * left, 0.2), left)
        effort = Effort(seconds, NODES if seconds is None else 2**30)
        _visit(search, terrain, schedule, choice, random, effort, lambda: is_over() or limits.over)
        if search.best_seconds < before:
            schedule = Schedule.of(search.core, search.best)
        done += 1
        yield 1


def _visit(
    search: CoreSearch,
    terrain: Terrain,
    schedule: Schedule,
    choice: Choice,
    random: Random,
    effort: Effort,
    is_over: Callable[[], bool],
) -> None:
    """One neighbourhood."""
    before = search.best_seconds
    kind, stretch = choice.draw(schedule)
    if not stretch.pieces:
        choice.learn(kind, stretch, 0.0, 0.0, True)
        return
    neighbourhood = stretch.neighbourhood()
    start: dict[int, float] = {}
    for k, piece in enumerate(stretch.pieces):
        start |= neighbourhood.start(k, stretch.courses(piece))
    answer = solve(neighbourhood, start, effort, random.randrange(2**31), is_over)
    for values in answer.solutions:
        wishes = [
            stretch.wish(piece, course)
            for k, piece in enumerate(stretch.pieces)
            for course in neighbourhood.courses(k, values)
        ]
        _realise(search, terrain, stretch, np.array(wishes, dtype=np.int64).reshape(-1, ROW_FIELDS), is_over)
        if is_over():
            break
    lost = stretch.seconds() - answer.bound_seconds
    choice.learn(kind, stretch, lost, before - search.best_seconds, answer.optimal)


def _realise(search: CoreSearch, terrain: Terrain, stretch: Stretch, wishes: Rows, is_over: Callable[[], bool]) -> None:
    """Make schedules of wishes in several ways; the search keeps the best."""
    rows = stretch.schedule.rows
    for order in range(4):
        kept, wanted = rows[~stretch.free], wishes
        if order:
            beside = rows[stretch.beside]
            kept, wanted = rows[~stretch.free & ~stretch.beside], np.concatenate([beside, wishes])
            wanted[:, OFFSET] = -1
        sizes = np.array([terrain.core.program.storages[s].size_bytes for s in wanted[:, STORAGE].tolist()])
        sizes = sizes.reshape(-1).astype(np.float64)
        lengths = wanted[:, END] - wanted[:, START] + 1.0
        keys = (
            np.where(wanted[:, OFFSET] >= 0, -np.inf, -sizes * lengths),
            -sizes * lengths,
            -sizes,
            wanted[:, START].astype(np.float64),
        )
        search.rebuild(kept, wanted[np.argsort(keys[order], kind="stable")])
        search.polish(POLISH)
        if is_over():
            return
