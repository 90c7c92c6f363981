"""The ``agent-finetune`` planner: the agent goes on learning on the one program at hand, as in arXiv 2305.07440."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..hardware import core_count
from ..plan import MemoryPlan
from ..planners import Effort, Problem
from ..planners.base import Limits
from ..planners.incumbent import Incumbent
from .agent import DEFAULT_AGENT, Agent, agent_game, load_agent
from .guide import Actions, GameRecord, Guide, GuidedSearch
from .networks import Learner, LearnerSettings
from .observation import Observer
from .planning import AgentPlanner, game_limits, plan_of_game, search_games
from .search import SearchSettings
from .training.batches import ProgramCache, to_batch
from .training.config import ReplaySettings
from .training.episode import Episode
from .training.player import episode_of
from .training.replay import Replay

_SEARCH = GuidedSearch(SearchSettings(simulations=4, gumbel_scale=0.5, value_range="siblings", least_range=0.2))
#: Parts of a round that go to search and to self-play; the learner has the rest.
_SEARCH_SHARE, _PLAY_SHARE = 0.6, 0.2
#: Seconds of a round, and the most rounds of a budget.
_ROUND_SECONDS, _MOST_ROUNDS = 20.0, 12
#: Iterations of search and steps of the learner in a round that is not timed.
_ROUND_ITERATIONS, _ROUND_STEPS = 200, 4
#: Seconds of a step of the learner, as a multiple of those to read the program.
_LEARNING = 4.0
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
    search: GuidedSearch = _SEARCH

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of the best game."""
        begin = time.monotonic()
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        limits = game_limits(effort, begin)
        run = _Run(self, Observer(game), effort, seed, limits.deadline)
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
        """Whether to end: the best is enough, or the user interrupts."""
        begin = time.monotonic()
        guide = Agent(copy.deepcopy(self._learner.network)).guide_of(self._observer)
        reading = time.monotonic() - begin
        limits = Limits(begin + _SEARCH_SHARE * seconds, None if is_timed else _ROUND_ITERATIONS)
        settings = AgentPlanner(threads=self._planner.threads, rounds=1)
        start = self.best if number else None
        found = search_games(guide, limits, self._incumbent, seed=self._seed + number, settings=settings, start=start)
        playing = self._offer(guide, found.actions)
        if found.interrupted or (is_timed and self._effort.is_enough(self._best_seconds)):
            return True
        search, length = self._self_play(playing, _PLAY_SHARE * seconds if is_timed else math.inf)
        for k in _turns(begin + (_SEARCH_SHARE + _PLAY_SHARE) * seconds, length) if is_timed else range(1):
            self._add(guide, search, self._seed + 1000 * number + k)
        with _torch_threads(self._planner.threads or core_count()):
            for _ in _turns(begin + seconds, _LEARNING * reading) if is_timed else range(_ROUND_STEPS):
                self._learn()
        return False

    def _self_play(self, playing: float, seconds: float) -> tuple[GuidedSearch, float]:
        """A search whose leaves are played on as far as a game of self-play has time for, and the game's seconds."""
        decisions = len(self._observer.game.decisions)
        own = self._planner.search.shortened(decisions, seconds / max(playing, 1e-6))
        return own, playing * own.games(decisions)

    def _offer(self, guide: Guide, actions: Actions) -> float:
        """Keep a game if it is the best, and learn from it; how many seconds it takes to play one."""
        begin = time.monotonic()
        record = guide.play(GuidedSearch(), 0, given=actions)
        playing = time.monotonic() - begin
        self._keep(record)
        taken = np.eye(3, dtype=np.float32)[record.actions]
        self._put(episode_of(_KEY, self._observer, record, taken))
        return playing

    def _add(self, guide: Guide, search: GuidedSearch, seed: int) -> None:
        """A game of self-play."""
        noise = float(self._rng.uniform(0.0, search.search.gumbel_scale))
        how = replace(search, search=replace(search.search, gumbel_scale=noise))
        record = guide.play(how, seed)
        self._keep(record)
        self._put(episode_of(_KEY, self._observer, record, record.policy))

    def _keep(self, record: GameRecord) -> None:
        if record.seconds < self._best_seconds:
            self._best_seconds, self.best = record.seconds, record.actions
        self._incumbent.offer(record.seconds)

    def _put(self, episode: Episode) -> None:
        self._replay.add(episode, self._learner.steps, is_fixed=True)

    def _learn(self) -> None:
        windows = self._replay.draw(self._rng, self._planner.batch, 1, 3)
        report = self._learner.step(to_batch(windows, self._programs))
        self._replay.update(windows, report.value_errors)


def _turns(deadline: float, length: float) -> Iterator[int]:
    """Count as long as another turn, which takes as long as the longest so far, ends by the deadline.

    The first one takes ``length`` seconds.
    """
    k, begin = 0, time.monotonic()
    while begin + length < deadline:
        yield k
        now = time.monotonic()
        k, begin, length = k + 1, now, max(length, now - begin)


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """PyTorch on so many threads, and afterwards as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
