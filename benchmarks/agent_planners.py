"""Planners that only the agent's evaluation needs: with a part of the agent taken away, or with other prices."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from memstow.plan import MemoryPlan
from memstow.planners import Effort, Planner, Problem
from memstow.planners.base import Limits
from memstow.planners.portfolio import Portfolio
from memstow.rl_agent import agent as agent_module
from memstow.rl_agent.agent import DEFAULT_AGENT, agent_game
from memstow.rl_agent.guide import Guide, GuidedSearch, Trajectories
from memstow.rl_agent.observation import Observer
from memstow.rl_agent.planning import AgentPlanner, plan_of_game, search_games
from memstow.rl_agent.search import SearchSettings

#: A tree search that is none: the advice decides alone.
NO_TREE = GuidedSearch(SearchSettings(simulations=0, gumbel_scale=0.0), horizon=0)
#: Part of the budget that making a plan of a game may take, as in :class:`AgentPlanner`.
_ENDING = 0.25


@dataclass(frozen=True)
class PricedGreedy:
    """``agent-greedy`` by the prices' advice: no network, no training."""

    name: str = "priced-greedy"
    description: str = "the best action by the relaxation's prices, one pass"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of one game."""
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        search = Trajectories(Guide(Observer(game)), seed)
        search.play()
        effort.on_improvement(search.best_seconds)
        return plan_of_game(game, search.best, self.name, seed)


@dataclass(frozen=True)
class PricedAgent:
    """``agent`` by the prices' advice in the place of the network's: the same search over the same game."""

    name: str = "priced-agent"
    description: str = "the agent's search, advised by the relaxation's prices"
    settings: AgentPlanner = field(default_factory=AgentPlanner)

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The plan of the best game."""
        begin = time.monotonic()
        game = agent_game(problem)
        if not len(game.decisions):
            return plan_of_game(game, np.empty(0, dtype=np.uint8), self.name, seed)
        ending = min(_ENDING * effort.budget_seconds, 2.0 * (time.monotonic() - begin))
        limits = Limits(begin + effort.budget_seconds - ending, effort.iterations)
        best = search_games(Guide(Observer(game)), limits, effort, seed=seed, settings=self.settings)
        return plan_of_game(game, best, self.name, seed)


@dataclass(frozen=True)
class ByRoofline:
    """A planner that sees the roofline's prices, whatever the problem's are. It never ends early."""

    planner: Planner
    name: str = "by-roofline"
    description: str = "plans with the analytical cost model"

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        """The other planner's plan."""
        blind = Effort(effort.budget_seconds, effort.iterations)
        return self.planner.plan(Problem(problem.program, problem.accelerator), blind, seed=seed)


def portfolio(agent: str | None) -> Planner | None:
    """The portfolio with an agent, or without; None where it cannot ask for that one.

    It asks for a registered planner, and the one that is registered has the shipped network.
    """
    if agent not in (None, DEFAULT_AGENT):
        return None
    return Portfolio(agent=None if agent is None else AgentPlanner().name)


def agent_folder(name: str) -> Path:
    """Where an agent's network lies."""
    return Path(name) if "/" in name else Path(agent_module.__file__).parent / "trained" / name


def agent_digest(name: str) -> str:
    """Twelve digits of an agent's weights; empty where there is no such agent."""
    card = agent_folder(name) / "network.json"
    if not card.is_file():
        return ""
    return str(json.loads(card.read_text(encoding="utf-8"))["weights_sha256"])[:12]
