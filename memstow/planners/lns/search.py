"""The loop: choose a neighbourhood, solve it, make a schedule of the solution, keep that if it is faster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from numpy.typing import NDArray

from ..base import Limits
from ..core_search import ROW_FIELDS, CoreSearch, Rows
from .choice import MOST_SIZE, Choice
from .solver import solve
from .stretch import END, OFFSET, START, STORAGE, Schedule, Stretch, Terrain

#: Seconds of one solve: at most, and as a part of what is left.
MOST_SECONDS, SHARE = 2.0, 0.1
#: Touches that are free at most where iterations are the limit, and the solver's time is not.
STEADY_SIZE = 40.0
#: Seconds left below which no neighbourhood is begun.
_WORTHWHILE_SECONDS = 0.02
#: Iterations of annealing that follow each schedule made of a solution.
POLISH = 400
#: The same where there is nothing to solve.
SHAKE = 5000
#: Part of the seconds of a stretch that is not worth a longer solve.
NEGLIGIBLE = 2e-5


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
    choice = Choice(terrain, schedule, random, MOST_SIZE if limits.iterations is None else STEADY_SIZE)
    done = 0
    while limits.iterations is None or done < limits.iterations:
        left = limits.deadline - time.monotonic()
        if limits.iterations is None and (left < _WORTHWHILE_SECONDS or is_over()):
            return
        before = search.best_seconds
        seconds = None if limits.iterations is not None else min(MOST_SECONDS, max(SHARE * left, 0.2), 0.8 * left)
        _visit(search, terrain, schedule, choice, random, seconds, lambda: is_over() or limits.over)
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
    seconds: float | None,
    is_over: Callable[[], bool],
) -> None:
    """One neighbourhood."""
    before = search.best_seconds
    drawn = choice.draw(schedule)
    if drawn is None:
        search.return_to_best()
        search.polish(SHAKE)
        return
    stretch = drawn.stretch
    neighbourhood = stretch.neighbourhood(drawn.grain)
    start: dict[int, float] = {}
    for k, piece in enumerate(stretch.pieces):
        start |= neighbourhood.start(k, stretch.courses(piece))
    answer = solve(neighbourhood, start, seconds, seed=random.randrange(2**31), is_over=is_over)
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
    optimal = answer.optimal or lost <= NEGLIGIBLE * stretch.seconds()
    choice.learn(drawn, lost, before - search.best_seconds, optimal)


def _realise(search: CoreSearch, terrain: Terrain, stretch: Stretch, wishes: Rows, is_over: Callable[[], bool]) -> None:
    """Make schedules of wishes in several ways; the search keeps the best."""
    rows, beside = stretch.schedule.rows, stretch.schedule.rows[stretch.beside]
    alone, everything = rows[~stretch.free & ~stretch.beside], np.concatenate([beside, wishes])
    known = stretch.as_it_is(wishes)
    ways = (
        (rows[~stretch.free], known, np.where(known[:, OFFSET] >= 0, -np.inf, _area(terrain, known))),
        (rows[~stretch.free], wishes, _area(terrain, wishes)),
        (alone, _loose(everything), _area(terrain, everything)),
        (alone, _loose(everything), _sizes(terrain, everything)),
        (alone, _loose(everything), everything[:, START].astype(np.float64)),
    )
    for kept, wanted, key in ways:
        search.rebuild(kept, wanted[np.argsort(key, kind="stable")])
        search.polish(POLISH)
        if is_over():
            return


def _loose(rows: Rows) -> Rows:
    """The same at any offset."""
    rows = rows.copy()
    rows[:, OFFSET] = -1
    return rows


def _sizes(terrain: Terrain, rows: Rows) -> NDArray[np.float64]:
    """Keys that sort stays by falling size."""
    storages = terrain.core.program.storages
    return np.array([-storages[s].size_bytes for s in rows[:, STORAGE].tolist()], dtype=np.float64)


def _area(terrain: Terrain, rows: Rows) -> NDArray[np.float64]:
    """Keys that sort stays by falling size and length."""
    return _sizes(terrain, rows) * (rows[:, END] - rows[:, START] + 1.0)
