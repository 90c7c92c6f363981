"""The agent's planners: a network's advice, alone or with search over games. No other search comes after it."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

import numpy as np

from ..plan import MemoryPlan
from ..planners import Effort, Problem
from ..planners.base import Limits
from ..planners.incumbent import Incumbent
from ..planners.residency import never_slower
from .agent import DEFAULT_AGENT, agent_game, load_agent
from .game import Game
from .guide import Actions, Guide, GuidedSearch, Trajectories

#: Seconds that the main thread sleeps between two looks at signals.
_POLL_SECONDS = 0.02
#: Seconds to make a plan of a game, as a multiple of those to make the game, and the most of the budget for it.
_ENDING, _MOST_ENDING = 2.0, 0.25
#: Part of the budget that the searched first game may take; what it takes is estimated from the advice's own.
_FIRST_SHARE = 0.25


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
    search: GuidedSearch = GuidedSearch()

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of the best game."""
        begin = time.monotonic()
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        ending = min(_MOST_ENDING * effort.budget_seconds, _ENDING * (time.monotonic() - begin))
        guide = load_agent(self.agent).guide(game)
        deadline = begin + effort.budget_seconds - ending
        best = search_games(guide, Limits(deadline, effort.iterations), effort, seed=seed, settings=self)
        return plan_of_game(game, best, self.name, seed)


def search_games(
    guide: Guide, limits: Limits, effort: Effort, *, seed: int, settings: AgentPlanner, start: Actions | None = None
) -> Actions:
    """Actions of the best game found (D).

    Args:
        guide: advises.
        limits: when to end.
        effort: told of improvements.
        seed: with iterations the result depends on it and the number of threads alone.
        settings: of the search.
        start: a game to begin from, beside the guide's own.
    """
    threads = settings.threads or len(os.sched_getaffinity(0))
    searches = [Trajectories(guide, seed * threads + k) for k in range(threads)]
    incumbent = Incumbent(effort)
    try:
        begin = time.monotonic()
        searches[0].play()
        played = time.monotonic() - begin
        is_enough = incumbent.offer(searches[0].best_seconds)
        if start is not None:
            searches[0].adopt(start)
            is_enough = incumbent.offer(searches[0].best_seconds)
        # A searched decision plays so many more.
        estimate = played * settings.search.search.simulations * abs(settings.search.horizon)
        if not is_enough and (
            limits.iterations is not None or estimate < _FIRST_SHARE * (limits.deadline - time.monotonic())
        ):
            searches[0].adopt(guide.play(settings.search, seed).actions)
            is_enough = incumbent.offer(searches[0].best_seconds)
        for number in range(settings.rounds):
            if is_enough:
                break
            is_enough = _round(searches, number, settings.rounds, limits, incumbent)
    except KeyboardInterrupt:
        pass  # the best so far is the answer
    played_ones = [search for search in searches if len(search.best)]
    return min(played_ones, key=lambda search: search.best_seconds).best


def _round(searches: list[Trajectories], number: int, rounds: int, limits: Limits, incumbent: Incumbent) -> bool:
    """Search in every thread from the best game so far; whether the best is enough."""
    start = min((s for s in searches if len(s.best)), key=lambda search: search.best_seconds).best
    if limits.iterations is not None:
        ends = [limits.iterations * k // rounds for k in (number, number + 1)]
        seconds, iterations = 0.0, ends[1] - ends[0]
    else:
        now = time.monotonic()
        seconds, iterations = max(0.0, limits.deadline - now) / (rounds - number), None
    stop = threading.Event()
    failures: list[BaseException] = []

    def work(search: Trajectories) -> None:
        try:
            search.adopt(start)
            for _ in search.slices(deadline_in=seconds, iterations=iterations):
                if incumbent.offer(search.best_seconds):
                    stop.set()
                if stop.is_set():
                    return
        except BaseException as error:  # handed on to the main thread
            failures.append(error)

    workers = [threading.Thread(target=work, args=(search,)) for search in searches]
    is_over = False
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            time.sleep(_POLL_SECONDS)
        is_over = stop.is_set()
    finally:
        stop.set()
        for worker in workers:
            if worker.ident is not None:
                worker.join()
    if failures:
        raise failures[0]
    return is_over


def plan_of_game(game: Game, actions: Actions, planner: str, seed: int) -> MemoryPlan:
    """The plan of a game's actions, or the one without fast memory where that is faster."""
    state = game.new_state()
    state.apply_all(actions.tolist())
    return never_slower(game.problem, state.to_plan(planner=planner, seed=seed))
