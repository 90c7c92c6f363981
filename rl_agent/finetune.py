"""The ``agent-finetune`` planner: the agent goes on learning on the one program at hand, as in arXiv 2305.07440."""

from __future__ import annotations

import contextlib
import copy
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..plan import MemoryPlan
from ..planners import Effort, Problem
from ..planners.base import Limits
from ..planners.incumbent import Incumbent
from .agent import DEFAULT_AGENT, Agent, agent_game, load_agent
from .guide import Actions, Guide, GuidedSearch
from .networks import Learner, LearnerSettings
from .observation import Observer
from .planning import AgentPlanner, plan_of_game, search_games
from .search import SearchSettings
from .training.batches import ProgramCache, to_batch
from .training.config import ReplaySettings
from .training.episode import Episode
from .training.player import episode_of
from .training.replay import Replay

#: Parts of a round that go to search and to self-play; the learner has the rest.
_SEARCH_SHARE, _PLAY_SHARE = 0.6, 0.2
#: Seconds of a round, and the most rounds of a budget.
_ROUND_SECONDS, _MOST_ROUNDS = 20.0, 12
#: Iterations of search and steps of the learner in a round that is not timed.
_ROUND_ITERATIONS, _ROUND_STEPS = 200, 4
_KEY = "program"


@dataclass(frozen=True)
class AgentFinetune:
    """Rounds of search, self-play and learning, each with the network of the one before.

    The best game so far teaches beside the games of self-play, whose targets are those of their tree searches. An
    iteration is one round.
    """

    name: str = "agent-finetune"
    description: str = "the learned agent, which keeps training on this program"
    agent: str = DEFAULT_AGENT
    threads: int | None = None
    learning_rate: float = 3e-4
    batch: int = 256
    search: GuidedSearch = GuidedSearch(SearchSettings(simulations=4, gumbel_scale=0.5, value_range="siblings", least_range=0.2))

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of the best game."""
        begin = time.monotonic()
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        run = _Run(self, Observer(game), effort, seed, begin + 0.98 * effort.budget_seconds)
        with contextlib.suppress(KeyboardInterrupt):  # the best so far is the answer
            run.go()
        return plan_of_game(game, run.best, self.name, seed)


class _Run:
    """One call of the planner: the best game so far, and the network as it has learned."""

    def __init__(self, planner: AgentFinetune, observer: Observer, effort: Effort, seed: int, deadline: float) -> None:
        self._planner, self._observer, self._effort, self._seed = planner, observer, effort, seed
        self._deadline = deadline
        self._incumbent = Incumbent(effort)
        network = copy.deepcopy(load_agent(planner.agent).network)
        settings = LearnerSettings(learning_rate=planner.learning_rate, warmup_steps=10)
        self._learner = Learner(network, settings, device="cpu")
        self._replay = Replay(ReplaySettings(best_boost=4.0))
        self._programs = ProgramCache(lambda key: observer.program, 1)
        self._rng = np.random.default_rng(seed)
        self.best: Actions = np.zeros(len(observer.game.decisions), dtype=np.uint8)
        self._best_seconds = float("inf")

    def go(self) -> None:
        """Rounds until the effort's limits."""
        number, iterations = 0, self._effort.iterations
        while iterations is None or number < iterations:
            left = self._deadline - time.monotonic()
            if iterations is None and left <= 0.0:
                return
            length = max(_ROUND_SECONDS, self._effort.budget_seconds / _MOST_ROUNDS)
            seconds = left if left < 1.5 * length else length
            if self._round(number, seconds, is_timed=iterations is None):
                return
            number += 1

    def _round(self, number: int, seconds: float, *, is_timed: bool) -> bool:
        """Whether the best is enough."""
        begin = time.monotonic()
        guide = Agent(copy.deepcopy(self._learner.network)).guide_of(self._observer)
        limits = Limits(begin + _SEARCH_SHARE * seconds, None if is_timed else _ROUND_ITERATIONS)
        settings = AgentPlanner(threads=self._planner.threads, rounds=1)
        start = self.best if number else None
        found = search_games(guide, limits, self._effort, seed=self._seed + number, settings=settings, start=start)
        self._offer(guide, found)
        if is_timed and self._effort.is_enough(self._best_seconds):
            return True
        ends = Limits(begin + (_SEARCH_SHARE + _PLAY_SHARE) * seconds, None if is_timed else 0)
        for k in _turns(ends, least=1):
            self._add(guide, self._seed + 1000 * number + k)
        with _all_threads():
            last = Limits(begin + seconds, None if is_timed else _ROUND_STEPS)
            for _ in _turns(last, least=_ROUND_STEPS):
                self._learn()
        return False

    def _offer(self, guide: Guide, actions: Actions) -> None:
        """Keep a game if it is the best, and learn from it: its actions and the searches beside them."""
        record = guide.play(GuidedSearch(), 0, given=actions)
        if record.seconds < self._best_seconds:
            self._best_seconds, self.best = record.seconds, record.actions
        self._incumbent.offer(self._best_seconds)
        taken = np.eye(3, dtype=np.float32)[record.actions]
        self._put(episode_of(_KEY, self._observer, record, taken))

    def _add(self, guide: Guide, seed: int) -> None:
        """A game of self-play."""
        search = self._planner.search
        noise = float(self._rng.uniform(0.0, search.search.gumbel_scale))
        how = replace(search, search=replace(search.search, gumbel_scale=noise))
        record = guide.play(how, seed)
        if record.seconds < self._best_seconds:
            self._best_seconds, self.best = record.seconds, record.actions
            self._incumbent.offer(record.seconds)
        self._put(episode_of(_KEY, self._observer, record, record.policy))

    def _put(self, episode: Episode) -> None:
        self._replay.add(episode, self._learner.steps, is_fixed=True)

    def _learn(self) -> None:
        windows = self._replay.draw(self._rng, self._planner.batch, 1, 3)
        report = self._learner.step(to_batch(windows, self._programs))
        self._replay.update(windows, report.value_errors)


def _turns(limits: Limits, *, least: int) -> Iterator[int]:
    """Count until the limits, ``least`` at least."""
    k = 0
    while k < least or not (limits.over or (limits.iterations is not None and k >= limits.iterations)):
        yield k
        k += 1


@contextmanager
def _all_threads() -> Iterator[None]:
    """PyTorch on all cores that this process may use, and afterwards as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
