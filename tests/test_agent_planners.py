"""The agent's planners: valid plans, never slower than all-slow, the same again, in time, and interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from game_problems import random_problem, unit_problem
from small_problems import part, problem
from tiny_agents import tiny_agent

from memstow import planners
from memstow.errors import UnknownNameError
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Planner, Problem
from memstow.planners.base import Limits
from memstow.planners.incumbent import Incumbent
from memstow.rl_agent import finetune, planning
from memstow.rl_agent.agent import agent_game, load_agent
from memstow.rl_agent.finetune import AgentFinetune
from memstow.rl_agent.guide import Guide, GuidedSearch, Trajectories
from memstow.rl_agent.planning import AgentGreedy, AgentPlanner, search_games
from memstow.rl_agent.search import SearchSettings
from memstow.rl_agent.training.programs import generate_problem
from memstow.simulator import simulate
from memstow.validator import validate

QUICK = GuidedSearch(SearchSettings(simulations=2, gumbel_scale=0.0, least_range=0.5), horizon=2)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_agent(tmp_path_factory.mktemp("agent") / "tiny")


def made(name: str, agent: str, threads: int = 1) -> Planner:
    """A planner with a tiny network."""
    planner = planners.get(name)
    options = {"agent": agent} if name == "agent-greedy" else {"agent": agent, "threads": threads, "search": QUICK}
    return replace(planner, **options)  # type: ignore[type-var]


NAMES = ["agent", "agent-finetune", "agent-greedy"]
by_name = pytest.mark.parametrize("name", NAMES)


def seconds(plan: MemoryPlan, offered: Problem) -> float:
    """Simulated seconds of a plan, which must be valid and no slower than the one without fast memory."""
    assert validate(offered.program, offered.accelerator, plan) == ()
    found = simulate(offered.program, offered.accelerator, plan).total_seconds
    slow = planners.get("all-slow").plan(offered, Effort(1.0), seed=0)
    assert slow.simulated_seconds is not None and plan.simulated_seconds is not None
    assert found <= slow.simulated_seconds * (1 + 1e-9)
    assert math.isclose(found, plan.simulated_seconds, rel_tol=1e-9, abs_tol=1e-12)
    return found


def test_planners_are_registered() -> None:
    assert set(NAMES) <= set(planners.names())
    assert [type(planners.get(name)) for name in NAMES] == [AgentPlanner, AgentFinetune, AgentGreedy]
    with pytest.raises(UnknownNameError, match="Or give a folder, with a slash in its name"):
        replace(planners.get("agent-greedy"), agent="nobody").plan(unit_problem(), Effort(1.0), seed=0)  # type: ignore[type-var]


@pytest.mark.parametrize(("name", "count", "iterations"), [("agent", 60, 8), ("agent-greedy", 80, 1)])
def test_random_problems_get_valid_plans(name: str, count: int, iterations: int, agent: str) -> None:
    planner = made(name, agent, threads=2)
    for seed in range(count):
        offered, _ = random_problem(seed, 30)
        plan = planner.plan(offered, Effort(60.0, iterations), seed=seed)
        assert plan.planner == name and plan.seed == seed
        seconds(plan, offered)


def test_fine_tuning_gives_valid_plans(agent: str) -> None:
    for seed in range(4):
        offered, _ = random_problem(seed, 25)
        seconds(made("agent-finetune", agent).plan(offered, Effort(60.0, 2), seed=seed), offered)


@by_name
def test_realistic_programs_get_valid_plans(name: str, agent: str) -> None:
    offered = generate_problem("transformer", 40, 1)
    seconds(made(name, agent).plan(offered, Effort(60.0, 1), seed=0), offered)


@by_name
@pytest.mark.parametrize("iterations", [1, None])
def test_programs_without_anything_to_decide(name: str, iterations: int | None, agent: str) -> None:
    planner, effort = made(name, agent), Effort(0.5, iterations)
    for offered, expected in (
        (problem(part(8), {}, []), 0.0),
        (problem(part(8), {}, [(2.0, [], []), (1.0, [], [])]), 3.0),
        (problem(part(8), {"w": ("parameter", 9)}, [(0.0, ["w"], [])]), 9.0),  # 9 bytes do not fit
        (problem(part(0), {"w": ("parameter", 4)}, [(0.0, ["w"], [])]), 4.0),
        # A copy of 4 s at the first instruction saves 3 s.
        (problem(part(8), {"w": ("parameter", 4)}, [(0.0, ["w"], [])]), 4.0),
    ):
        plan = planner.plan(offered, effort, seed=0)
        assert seconds(plan, offered) == expected and plan.copies == ()


@by_name
def test_the_same_seed_gives_the_same_plan(name: str, agent: str) -> None:
    offered = generate_problem("transformer", 30, 2)
    threads = 2 if name == "agent" else 1
    planner, effort = made(name, agent, threads), Effort(1e-3, 6 if name == "agent" else 2)
    first = planner.plan(offered, effort, seed=5)
    again = planner.plan(offered, effort, seed=5)
    assert again == first


@by_name
@pytest.mark.parametrize("budget", [0.0, 0.05, 1.0])
def test_budgets_are_kept(name: str, budget: float, agent: str) -> None:
    offered = generate_problem("transformer", 60, 3)
    planner = made(name, agent)
    planner.plan(offered, Effort(60.0, 1), seed=0)  # what is loaded once
    begin = time.monotonic()
    plan = planner.plan(offered, Effort(budget), seed=0)
    spent = time.monotonic() - begin
    seconds(plan, offered)
    assert spent < budget + 1.0
    if name != "agent-greedy":
        assert spent > 0.5 * budget


def told(effort: Effort) -> tuple[Effort, list[float]]:
    found: list[float] = []
    return replace(effort, on_improvement=found.append), found


@by_name
def test_improvements_are_told_once_each(name: str, agent: str) -> None:
    offered = generate_problem("transformer", 40, 4)
    effort, found = told(Effort(60.0, 12 if name == "agent" else 3))
    plan = made(name, agent).plan(offered, effort, seed=0)
    assert found and found == sorted(set(found), reverse=True)
    assert seconds(plan, offered) <= found[-1] * (1 + 1e-9)


@pytest.mark.parametrize("name", ["agent", "agent-finetune"])
def test_what_is_enough_ends_the_search(name: str, agent: str) -> None:
    offered = generate_problem("transformer", 40, 4)
    begin = time.monotonic()
    plan = made(name, agent).plan(offered, Effort(1000.0, is_enough=lambda _: True), seed=0)
    assert time.monotonic() - begin < 30.0
    seconds(plan, offered)


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["agent", "agent-finetune"])
def test_an_interrupt_ends_the_threads_and_keeps_the_best(
    name: str, agent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = generate_problem("transformer", 40, 4)
    greedy = made("agent-greedy", agent).plan(offered, Effort(1.0), seed=0)
    monkeypatch.setattr(planning.time, "sleep", interrupt)
    # With so many iterations the threads would run for hours.
    begin = time.monotonic()
    plan = made(name, agent, threads=2).plan(offered, Effort(1000.0, 10**9), seed=0)
    assert seconds(plan, offered) <= seconds(greedy, offered) * (1 + 1e-9)
    assert time.monotonic() - begin < 30.0


def test_interrupts_anywhere_give_a_plan(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = generate_problem("transformer", 40, 4)
    places: list[tuple[object, str]] = [
        (Trajectories, "play"),
        (Trajectories, "adopt"),
        (Guide, "play"),
        (finetune._Run, "_learn"),
        (finetune._Run, "_add"),
    ]
    for place, function in places:
        with monkeypatch.context() as patched:
            patched.setattr(place, function, interrupt)
            plan = made("agent-finetune", agent).plan(offered, Effort(1000.0, 3), seed=0)
        seconds(plan, offered)
    for function in ("play", "adopt"):
        with monkeypatch.context() as patched:
            patched.setattr(Trajectories, function, interrupt)
            plan = made("agent", agent).plan(offered, Effort(1000.0, 3), seed=0)
        seconds(plan, offered)


def test_a_failure_in_a_thread_is_not_lost(agent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Trajectories, deadline_in: float, iterations: int | None) -> Iterator[int]:
        raise MemoryError("no memory for the search")
        yield 0

    monkeypatch.setattr(Trajectories, "_slices", fail)
    with pytest.raises(MemoryError, match="no memory for the search"):
        made("agent", agent, threads=2).plan(generate_problem("transformer", 30, 2), Effort(1.0, 10), seed=0)


def test_searches_begin_from_a_given_game(agent: str) -> None:
    game = agent_game(generate_problem("transformer", 40, 4))
    guide = load_agent(agent).guide(game)
    settings = replace(AgentPlanner(), threads=2, search=QUICK)

    def search(iterations: int, start: np.ndarray | None) -> float:
        found = search_games(
            guide, Limits(iterations=iterations), Incumbent(Effort()), seed=1, settings=settings, start=start
        )
        assert not found.interrupted
        return game.restore("".join(map(str, found.actions.tolist()))).seconds

    alone = search_games(guide, Limits(iterations=40), Incumbent(Effort()), seed=1, settings=settings).actions
    best = game.restore("".join(map(str, alone.tolist()))).seconds
    assert search(0, None) >= search(40, None) == best
    assert search(0, alone) <= best


def test_long_programs_are_planned_in_time(agent: str) -> None:
    offered = generate_problem("transformer_train", 1500, 0)
    assert agent_game(offered).num_decisions > 3000
    load_agent(agent)
    times: dict[str, float] = {}
    plans: dict[str, Callable[[], MemoryPlan]] = {
        "greedy": lambda: made("agent-greedy", agent).plan(offered, Effort(1.0), seed=0),
        "agent": lambda: made("agent", agent).plan(offered, Effort(4.0), seed=0),
    }
    found = {}
    for name, plan in plans.items():
        begin = time.monotonic()
        found[name] = seconds(plan(), offered)
        times[name] = time.monotonic() - begin
    assert found["agent"] <= found["greedy"] * (1 + 1e-9)
    # A plan of so many decisions takes some seconds itself, beside the validation here.
    assert times["agent"] < 4.0 + times["greedy"] + 3.0


def test_agents_of_a_folder_that_is_gone_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown agent"):
        made("agent", str(tmp_path / "gone")).plan(unit_problem(), Effort(1.0, 1), seed=0)
