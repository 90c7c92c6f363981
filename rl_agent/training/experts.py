"""What other planners would play: their memory plans as actions of the game, improved there and kept in files."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ... import planners
from ...core.stay import ABSENT
from ...errors import InvalidInputError
from ...plan import MemoryPlan
from ...planners import Effort, Planner, Problem
from ...planners.base import configured
from ...planners.core_search import first_touches, rows_of
from ...schema import Document
from ...timing import ModelPrices, Roofline
from ..game import Action, Game, State
from .programs import ProblemSettings, TrainingProblems

#: Actions of a whole game, ``(D,)``.
Actions = NDArray[np.uint8]

#: What comes nearest to an action that is illegal, in order. To be in fast memory by other means comes first.
_NEAREST = {
    Action.DROP: (Action.NO_COPY, Action.COPY),
    Action.NO_COPY: (Action.COPY, Action.DROP),
    Action.COPY: (Action.NO_COPY, Action.DROP),
}
#: Games whose seconds differ by less than this part are equally fast.
_TOLERANCE = 1e-9


class ExpertSettings(Document):
    """How a problem is planned, and how far the game is improved from there.

    ``budget_seconds`` and ``iterations`` are the planner's effort, ``threads`` its threads where it has several.
    ``climb`` is how many decisions :func:`improve` may play: 0 leaves the game as the plan has it.
    """

    planner: str = "portfolio"
    budget_seconds: Annotated[float, Field(ge=0.0)] = 3.0
    iterations: Annotated[int, Field(ge=1)] | None = None
    seed: int = 0
    threads: Annotated[int, Field(ge=1)] | None = 1
    climb: Annotated[int, Field(ge=0)] = 1_000_000


class ExpertHistory(Document):
    """A game of an expert: ``history`` as :meth:`State.serialise` writes it, its seconds and those of the plan."""

    history: str
    seconds: float
    plan_seconds: float

    @property
    def actions(self) -> Actions:
        """The actions, ``(D,)``."""
        return actions_from(self.history)


def wishes_of(game: Game, plan: MemoryPlan) -> Actions:
    """What each decision would be if all went as in the plan, legal or not: ``(D,)``.

    The first touch of a stay is copied where a prefetch begins the stay, the others stay; what is served from slow
    memory is dropped.
    """
    wishes = np.full(len(game.core.touches.time), Action.DROP, dtype=np.uint8)
    first_touch = first_touches(game.core)
    for storage, first, last, into, *_ in rows_of(game.core, plan).tolist():
        begin = first_touch[storage]
        wishes[begin + first : begin + last + 1] = Action.NO_COPY
        if into != ABSENT:
            wishes[begin + first] = Action.COPY
    return wishes[game.decisions]


def play_plan(game: Game, plan: MemoryPlan) -> State:
    """The end of the game in which every decision is the plan's, or the nearest legal one.

    The game times copies and finds offsets by itself, so the end may be slower than the plan, or faster.
    """
    return _follow(game.new_state(), wishes_of(game, plan))


def actions_of(game: Game, plan: MemoryPlan) -> Actions:
    """The actions of :func:`play_plan`: ``(D,)``."""
    return actions_from(play_plan(game, plan).serialise())


def actions_from(history: str) -> Actions:
    """The actions of a history as :meth:`State.serialise` writes it: ``(D,)``."""
    digits: Actions = np.frombuffer(history.encode("ascii"), dtype=np.uint8)
    return digits - np.uint8(ord("0"))


def improve(end: State, most_decisions: int) -> State:
    """Climb from the end of a game: other actions for one decision at a time, the rest of the game as it was.

    Copies are looked at first, for one that waits in the queue delays all after it; then everything. The first change
    that makes the program faster is kept. It ends when no decision can be improved, or after about so many decisions
    played. An end as fast as ``end`` or faster.
    """
    best, left = end, most_decisions
    for only_copies in (True, False):
        has_improved = True
        while has_improved and left > 0:
            before = best.seconds
            best, left = _sweep(best, left, only_copies=only_copies)
            has_improved = best.seconds < before
    return best


def _sweep(best: State, left: int, *, only_copies: bool) -> tuple[State, int]:
    """One look at every decision: the best end, and how many decisions may still be played."""
    actions = actions_from(best.serialise())
    walker = best.game.new_state()
    for i in range(len(actions)):
        if left <= 0:
            break
        others = walker.legal_actions if actions[i] == Action.COPY or not only_copies else ()
        for action in others:
            if action == actions[i]:
                continue
            trial = walker.clone()
            trial.apply(action)
            _follow(trial, actions[i + 1 :])
            left -= len(actions) - i
            if trial.seconds < best.seconds * (1.0 - _TOLERANCE):
                best, actions = trial, actions_from(trial.serialise())
        walker.apply(int(actions[i]))
    return best, left


def expert_history(game: Game, settings: ExpertSettings, folder: Path | None = None) -> ExpertHistory:
    """The game of an expert, from ``folder`` where it is there and still what the game makes of it.

    A file's name is a checksum of program, accelerator, prices and settings. Problems whose prices have no fingerprint
    are planned every time.

    Raises:
        UnknownNameError: there is no planner of that name.
        InvalidInputError: the folder cannot be written.
    """
    name = _fingerprint(game.problem, settings)
    path = folder / f"{name}.expert.json" if folder is not None and name else None
    known = _read(path, game) if path is not None else None
    if known is not None:
        return known
    effort = Effort(settings.budget_seconds, settings.iterations)
    plan = _planner(settings).plan(game.problem, effort, seed=settings.seed)
    assert plan.simulated_seconds is not None, "planners simulate their plans"
    end = improve(play_plan(game, plan), settings.climb)
    found = ExpertHistory(history=end.serialise(), seconds=end.seconds, plan_seconds=plan.simulated_seconds)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        found.save(path)
    return found


def collect_experts(
    problems: ProblemSettings, keys: Iterable[str], settings: ExpertSettings, folder: Path, *, workers: int
) -> Iterator[tuple[str, ExpertHistory]]:
    """Experts' games of the problems with these keys, as they come, from several processes.

    When it is interrupted, games that have begun are finished and kept in ``folder``; the next call finds them there.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(problems, settings, folder))
    try:
        waiting = {pool.submit(_play_key, key): key for key in keys}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _follow(state: State, wishes: Actions) -> State:
    """Play on with the wished actions, or the nearest legal ones."""
    for wish in wishes.tolist():
        try:
            state.apply(wish)
        except ValueError:
            legal = state.legal_mask
            state.apply(next(action for action in _NEAREST[Action(wish)] if legal >> action & 1))
    return state


def _planner(settings: ExpertSettings) -> Planner:
    """The planner with the settings' threads and, as it is to teach one, without an agent."""
    return configured(planners.get(settings.planner), threads=settings.threads, agent=None)


def _fingerprint(problem: Problem, settings: ExpertSettings) -> str | None:
    """Checksum of all that an expert's game depends on, but for the rules of the game; ``None`` for unknown prices."""
    if type(problem.cost) is Roofline:
        prices = "roofline"
    elif isinstance(problem.cost, ModelPrices):
        prices = problem.cost.fingerprint
    else:
        return None
    accelerator = problem.accelerator.model_dump(mode="json", exclude={"name", "description", "sources"})
    text = json.dumps([problem.program.fingerprint, accelerator, prices, settings.model_dump()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _read(path: Path, game: Game) -> ExpertHistory | None:
    """A kept game, if it can be played again and ends as fast."""
    try:
        known = ExpertHistory.load(path)
        end = game.restore(known.history)
    except (InvalidInputError, ValueError):
        return None
    return known if end.is_terminal and math.isclose(end.seconds, known.seconds, rel_tol=_TOLERANCE) else None


#: What a process of :func:`collect_experts` works on.
_work: tuple[TrainingProblems, ExpertSettings, Path]


def _begin(problems: ProblemSettings, settings: ExpertSettings, folder: Path) -> None:
    global _work
    # An interrupt is for the main process: a planner would end early and its poor plan be kept.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = TrainingProblems(problems), settings, folder


def _play_key(key: str) -> ExpertHistory:
    problems, settings, folder = _work
    return expert_history(Game(problems.by_key(key).problem), settings, folder)
