"""The agent's planners: a network's advice, alone or with search over games. No other search comes after it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import numpy as np

from ..hardware import core_count
from ..plan import MemoryPlan
from ..planners import Effort, Problem
from ..planners.base import Limits
from ..planners.incumbent import Incumbent
from ..planners.residency import never_slower
from ..planners.threads import run_in_threads
from .agent import DEFAULT_AGENT, agent_game, load_agent
from .game import Game
from .guide import Actions, Guide, GuidedSearch, Trajectories

#: Seconds to make a plan of a game, as a multiple of those to make the game, and the most of the budget for it.
_ENDING, _MOST_ENDING = 2.0, 0.25
#: Part of the budget that searched first games may take, estimated from the advice's own game; and the noise of others.
_FIRST_SHARE = 0.25
_NOISE = 0.5
_SEARCH = GuidedSearch()


@dataclass(frozen=True)
class AgentGreedy:
    """Plays the game once, by the network's best advice."""

    name: str = "agent-greedy"
    description: str = "the learned agent's policy, one pass without search"
    agent: str = DEFAULT_AGENT

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of one game."""
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        search = Trajectories(load_agent(self.agent).guide(game), seed)
        search.play()
        effort.on_improvement(search.best_seconds)
        return plan_of_game(game, search.best, self.name, seed)


@dataclass(frozen=True)
class AgentPlanner:
    """Gumbel MuZero's search decides a first game; then games from the middle of the best one, in a thread per core.

    Iterations are those of each of ``threads`` searches (left out: the cores that this process may use).
    """

    name: str = "agent"
    description: str = "the learned agent with tree search, then games from the middle of its best one"
    agent: str = DEFAULT_AGENT
    threads: int | None = None
    rounds: int = 4
    search: GuidedSearch = _SEARCH

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of the best game."""
        begin = time.monotonic()
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        limits = game_limits(effort, begin)
        guide = load_agent(self.agent).guide(game)
        found = search_games(guide, limits, Incumbent(effort), seed=seed, settings=self)
        if found.interrupted:
            effort.on_interrupt()
        return plan_of_game(game, found.actions, self.name, seed)


@dataclass(frozen=True, eq=False)
class FoundGame:
    """The best game that a search has found: its ``actions`` (D), and whether an interrupt ended the search."""

    actions: Actions
    interrupted: bool


def game_limits(effort: Effort, begin: float) -> Limits:
    """When to stop playing, so that there is time for a plan. Asked once the game, begun at ``begin``, is made."""
    making = time.monotonic() - begin
    ending = min(_MOST_ENDING * effort.budget_seconds, _ENDING * making)
    return Limits(begin + effort.budget_seconds - ending, effort.iterations)


def search_games(
    guide: Guide,
    limits: Limits,
    incumbent: Incumbent,
    *,
    seed: int,
    settings: AgentPlanner,
    start: Actions | None = None,
) -> FoundGame:
    """The best game found.

    Args:
        guide: advises.
        limits: when to end.
        incumbent: told of every improvement; says when the best is enough.
        seed: with iterations the result depends on it and the number of threads alone.
        settings: of the search.
        start: a game to begin from, beside the guide's own.
    """
    threads = settings.threads or core_count()
    searches = [Trajectories(guide, seed * threads + k) for k in range(threads)]
    is_interrupted = False
    try:
        is_enough = _begin(searches, limits, incumbent, seed, settings, start)
        for number in range(settings.rounds):
            if is_enough or limits.over:
                break
            is_enough = _round(searches, number, settings.rounds, limits, incumbent)
    except KeyboardInterrupt:  # the best so far is the answer
        is_interrupted = True
    played = [search for search in searches if len(search.best)]
    if not played:
        nothing = np.zeros(len(guide.observer.game.decisions), dtype=np.uint8)
        return FoundGame(nothing if start is None else start, is_interrupted)
    return FoundGame(min(played, key=lambda search: search.best_seconds).best, is_interrupted)


def _begin(
    searches: list[Trajectories],
    limits: Limits,
    incumbent: Incumbent,
    seed: int,
    settings: AgentPlanner,
    start: Actions | None,
) -> bool:
    """First games: the advice's own, the given one, and a searched one a thread; whether one is enough.

    A timed search looks no further ahead than there is time for.
    """
    first = searches[0]
    begin = time.monotonic()
    first.play()
    played = time.monotonic() - begin
    is_enough = incumbent.offer(first.best_seconds)
    if start is not None:
        first.adopt(start)
        is_enough = incumbent.offer(first.best_seconds)
    how = settings.search
    if limits.iterations is None:
        games = _FIRST_SHARE * (limits.deadline - time.monotonic()) / max(played, 1e-6)
        how = how.shortened(len(first.best), games)
    if is_enough or how.horizon == 0:
        return is_enough

    def work(number: int) -> None:
        # All threads but the first add noise, so that they play other games.
        noise = _NOISE if number else how.search.gumbel_scale
        mine = replace(how, search=replace(how.search, gumbel_scale=noise))
        searches[number].adopt(first.guide.play(mine, seed + number).actions)
        incumbent.offer(searches[number].best_seconds)

    run_in_threads(len(searches), work, threading.Event())
    return incumbent.offer(first.best_seconds)


def _round(searches: list[Trajectories], number: int, rounds: int, limits: Limits, incumbent: Incumbent) -> bool:
    """Search in every thread; whether the best is enough.

    In the first half of the rounds a thread begins in turn with its own best game and with the advice's, since what can
    be reached depends on where a search begins; then with the best of all.
    """
    best = min((s for s in searches if len(s.best)), key=lambda search: search.best_seconds).best
    is_open = 2 * number < rounds
    mine = limits.round(number, rounds)
    stop = threading.Event()

    def work(thread: int) -> None:
        search = searches[thread]
        if is_open and (number + thread) % 2:
            search.play()
        else:
            search.adopt(search.best if is_open and len(search.best) else best)
        for _ in search.slices(deadline_in=mine.deadline - time.monotonic(), iterations=mine.iterations):
            if incumbent.offer(search.best_seconds):
                stop.set()
            if stop.is_set():
                return

    return run_in_threads(len(searches), work, stop)


def plan_of_game(game: Game, actions: Actions, planner: str, seed: int) -> MemoryPlan:
    """The plan of a game's actions, or the one without fast memory where that is faster."""
    state = game.new_state()
    state.apply_all(actions.tolist())
    return never_slower(game.problem, state.to_plan(planner=planner, seed=seed))
