"""Plans of other planners as games: actions, improvement, files, processes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from game_problems import random_problem, unit_problem
from small_problems import part, problem

from memstow import planners
from memstow.errors import UnknownNameError
from memstow.planners import Effort
from memstow.planners.residency import Residency, Transfer, build_plan
from memstow.rl_agent.game import Action, Game
from memstow.rl_agent.training.experts import (
    ExpertSettings,
    actions_from,
    actions_of,
    collect_experts,
    expert_history,
    improve,
    play_plan,
    wishes_of,
)
from memstow.rl_agent.training.programs import ProblemSettings, TrainingProblems
from memstow.timing import Roofline

QUICK = ExpertSettings(planner="greedy", iterations=200)
DROP, NO_COPY, COPY = Action


def two_steps(capacity: int) -> Game:
    """i0 computes 8 s and writes x, i1 reads w and x, 4 bytes each: 8 + 8 = 16 s in slow memory."""
    buffers = {"w": ("parameter", 4), "x": ("intermediate", 4)}
    return Game(problem(part(capacity), buffers, [(8.0, [], ["x"]), (0.0, ["w", "x"], [])]))  # type: ignore[arg-type]


def test_a_stay_begins_by_its_prefetch_and_goes_on_without() -> None:
    game = two_steps(8)
    stays = [Residency(0, 0, 0, 1, 1, 1, prefetch=Transfer(0, 1)), Residency(1, 4, 0, 1, 0, 1)]
    plan = build_plan(game.problem, stays, planner="hand", seed=0)
    # Decided in this order: x at 0, w at 1, x at 1.
    assert actions_of(game, plan).tolist() == [NO_COPY, COPY, NO_COPY]
    assert play_plan(game, plan).seconds == plan.simulated_seconds == 10.0
    nothing = build_plan(game.problem, (), planner="hand", seed=0)
    assert actions_of(game, nothing).tolist() == [DROP, DROP, DROP]


def test_illegal_wishes_become_the_nearest_legal_action() -> None:
    large, small = two_steps(8), two_steps(4)
    stays = [Residency(0, 0, 0, 1, 1, 1, prefetch=Transfer(0, 1)), Residency(1, 4, 0, 1, 0, 1)]
    plan = build_plan(large.problem, stays, planner="hand", seed=0)
    assert wishes_of(small, plan).tolist() == [NO_COPY, COPY, NO_COPY]
    # Room for one of the two: once w is there, x cannot have stayed, nor was there time for it to leave and come back.
    end = play_plan(small, plan)
    assert actions_of(small, plan).tolist() == [NO_COPY, COPY, DROP] and end.num_backups == 1


def test_plans_of_planners_are_games_of_about_their_seconds() -> None:
    planned = played = 0.0
    for seed in range(12):
        offered, _ = random_problem(seed, 30)
        offered = replace(offered, accelerator=offered.accelerator.with_cross_program_prefetches(0))
        game = Game(offered)
        plan = planners.get("local-search").plan(offered, Effort(0.0, iterations=2000), seed=0)
        assert plan.simulated_seconds is not None
        end = play_plan(game, plan)
        assert game.restore("".join(map(str, actions_of(game, plan)))).seconds == end.seconds
        planned += 1.0 - plan.simulated_seconds / game.slow_seconds
        played += end.returns / game.slow_seconds
    assert played > 0.8 * planned


def test_climbing_is_never_slower_and_ends_at_a_summit() -> None:
    game = Game(random_problem(5, 40)[0])
    start = game.new_state()
    start.play_randomly(0)
    assert improve(start, 0) is start
    some, best = improve(start, 500), improve(start, 10**6)
    assert best.seconds <= some.seconds <= start.seconds and best.seconds < start.seconds
    assert best.is_terminal and improve(best, 10**6) is best


def test_climbing_begins_from_any_plan() -> None:
    game = Game(unit_problem())
    nothing = play_plan(game, planners.get("all-slow").plan(game.problem, Effort(0.0), seed=0))
    assert nothing.returns == 0.0 < improve(nothing, 10**4).returns


def test_histories_are_kept_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    game = Game(random_problem(3, 30)[0])
    first = expert_history(game, QUICK, tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    assert game.restore(first.history).seconds == first.seconds
    assert np.array_equal(first.actions, actions_from(first.history)) and len(first.actions) == game.num_decisions
    other = expert_history(game, ExpertSettings(planner="greedy", iterations=200, climb=0), tmp_path / "new")
    assert len(list((tmp_path / "new").iterdir())) == 2 and other.seconds >= first.seconds
    with monkeypatch.context() as patch:
        patch.setattr(planners, "get", lambda name: pytest.fail("planned again"))
        assert expert_history(game, QUICK, tmp_path / "new") == first
    for text in ("{", first.model_copy(update={"seconds": 1.5 * first.seconds}).model_dump_json()):
        file.write_text(text, encoding="utf-8")
        assert expert_history(game, QUICK, tmp_path / "new") == first


def test_names_of_accelerators_do_not_matter_but_rates_do(tmp_path: Path) -> None:
    offered = random_problem(3, 30)[0]
    renamed = replace(offered, accelerator=offered.accelerator.model_copy(update={"name": "other"}))
    larger = replace(offered, accelerator=offered.accelerator.with_capacity(2 * offered.accelerator.capacity))
    for count, problem_ in ((1, offered), (1, renamed), (2, larger)):
        expert_history(Game(problem_), QUICK, tmp_path)
        assert len(list(tmp_path.iterdir())) == count


def test_prices_without_a_fingerprint_are_not_kept(tmp_path: Path) -> None:
    offered = random_problem(3, 30)[0]

    class Doubled(Roofline):
        def seconds(self, instruction: int, operands_fast: object, results_fast: object) -> float:
            return 2.0 * super().seconds(instruction, operands_fast, results_fast)  # type: ignore[arg-type]

    class Opaque:
        def __init__(self) -> None:
            self.inner = Roofline(offered.program, offered.accelerator)

        def seconds(self, instruction: int, operands_fast: object, results_fast: object) -> float:
            return 2.0 * self.inner.seconds(instruction, operands_fast, results_fast)  # type: ignore[arg-type]

    for cost in (Doubled(offered.program, offered.accelerator), Opaque()):
        expert_history(Game(replace(offered, cost=cost)), QUICK, tmp_path)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []


def test_unknown_planners_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'greedy'"):
        expert_history(Game(unit_problem()), ExpertSettings(planner="gready"))


def test_experts_play_in_several_processes(tmp_path: Path) -> None:
    keys = [f"generated_feed_forward/20#{seed}" for seed in range(3)]
    found = dict(collect_experts(ProblemSettings(), keys, QUICK, tmp_path, workers=2))
    assert sorted(found) == keys and len(list(tmp_path.iterdir())) == 3
    problem = TrainingProblems(ProblemSettings()).by_key(keys[1]).problem
    assert expert_history(Game(problem), QUICK) == found[keys[1]]
