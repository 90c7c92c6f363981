from __future__ import annotations

import json
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from memstow import planners
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Planner, Problem
from memstow.rl_agent.training import assembly, ray_actors
from memstow.rl_agent.training.actor import LocalActors, Weights
from memstow.rl_agent.training.episode import Episode

from .. import fake_player as fake
from .. import worked_example as example
from ..bench_planners import Raising, nothing
from ..test_formats import XLA
from .harness import memstow, refused

CONFIG = """
tensorboard = false
[batch]
size = 8
games = 2
[warm_start]
games = 2
steps = 2
[self_play]
rounds = 2
games = 2
reanalysed = 1
steps = 2
[network]
reader = "mlp"
latent = 8
hidden = 8
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small run of a made-up game."""
    torch.set_num_threads(1)
    monkeypatch.setattr(assembly, "make_player", lambda config: fake.FakePlayer())
    monkeypatch.setattr(assembly, "make_problems", lambda config: fake.FakeProblems())
    path = tmp_path / "train.toml"
    path.write_text(CONFIG)
    return path


def test_train(config: Path) -> None:
    result = memstow("agent", "train", "--config", config, "--out", "out")
    assert result.code == 0
    assert "6 steps, 6 games, 2 rounds after the warm start" in result.out
    assert f"{Path('out/network')}: the network" in result.out
    assert "s  round 0 of 2: step 2, 2 games, demonstrated 1.000, loss" in result.err
    assert "s  round 2 of 2: step 6, 6 games, " in result.err
    assert {path.name for path in Path("out").iterdir()} == {
        "checkpoints",
        "config.json",
        "curves.csv",
        "network",
        "programs.txt",
        "replay",
    }


def test_train_says_it_in_json(config: Path) -> None:
    result = memstow("agent", "train", "--config", config, "--json")
    network = str(Path("memstow-out/agent/network"))
    assert result.document == {"network": network, "steps": 6, "games": 6}


def test_seed_of_the_command_line(config: Path) -> None:
    memstow("agent", "train", "--config", config, "--out", "one")
    memstow("agent", "train", "--config", config, "--out", "other", "--seed", 7)
    assert json.loads(Path("other/config.json").read_text())["seed"] == 7
    weights = Path("one/network/network.safetensors"), Path("other/network/network.safetensors")
    assert weights[0].read_bytes() != weights[1].read_bytes()


class Interrupted(fake.FakePlayer):
    """Ctrl-C comes during its games."""

    def __init__(self, times: int) -> None:
        self._times = times

    def play(self, key: str, weights: Weights, seed: int) -> Episode:
        for _ in range(self._times):
            signal.raise_signal(signal.SIGINT)
        return super().play(key, weights, seed)


def test_ctrl_c_keeps_a_checkpoint_and_resume_goes_on(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memstow("agent", "train", "--config", config, "--out", "whole")
    monkeypatch.setattr(assembly, "make_player", lambda config: Interrupted(1))
    result = memstow("agent", "train", "--config", config, "--out", "out")
    assert (result.code, result.out) == (130, "")
    assert "stopping after the current game or step; Ctrl-C again stops at once" in result.err
    assert "interrupted: after step 4 and 3 games; --resume goes on from there" in result.err
    message = refused("agent", "train", "--config", config, "--out", "out")
    assert "has checkpoints of a run; resume it (--resume) or name another folder" in message
    monkeypatch.setattr(assembly, "make_player", lambda config: fake.FakePlayer())
    assert memstow("agent", "train", "--config", config, "--out", "out", "--resume").code == 0
    weights = Path("whole/network/network.safetensors"), Path("out/network/network.safetensors")
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_second_ctrl_c_stops_at_once(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "make_player", lambda config: Interrupted(2))
    result = memstow("agent", "train", "--config", config, "--out", "out")
    assert (result.code, result.out) == (130, "")
    assert "interrupted: --resume goes on from the last checkpoint in out, if there is one" in result.err


@pytest.mark.parametrize(
    ("options", "expected"),
    [(("--actors", 2), (2, None)), (("--cluster", "host:1"), (None, "host:1")), (("--actors", 0), None)],
)
def test_actors_by_ray(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: Sequence[object],
    expected: tuple[int | None, str | None] | None,
) -> None:
    if expected is None:
        assert "actors: expected 1 or more of them, found 0" in refused("agent", "train", "--config", config, *options)
        return
    made: list[object] = []

    class Actors(LocalActors):
        def __init__(self, make_player: object, count: int | None, *, address: str | None) -> None:
            super().__init__(make_player())  # type: ignore[operator]
            made.append((count, address))

        def close(self) -> None:
            made.append("closed")

    monkeypatch.setattr(ray_actors, "RayActors", Actors)
    assert memstow("agent", "train", "--config", config, *options).code == 0
    assert made == [expected, "closed"]


def test_train_refuses_a_wrong_config(config: Path) -> None:
    config.write_text("[self_play]\nround = 3\n")
    assert f"{config}: unknown key 'self_play.round'" in refused("agent", "train", "--config", config)


def test_problems_of_a_config(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    config.write_text("[problems]\nfolder = 3\n")
    assert "problems: unknown key 'folder'" in refused("agent", "train", "--config", config)


class Shares:
    """All in slow memory by seed 0, and where the worked example's plan is of another program."""

    name = description = "shares"

    def __init__(self) -> None:
        self.seeds: list[int] = []

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        self.seeds.append(seed)
        return example.plan() if seed and problem.program.name != "tiny_v4c8" else nothing(problem)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "suite"
    path.mkdir()
    example.program("a").model_copy(update={"accelerator": "unit"}).save(path / "a.program.json")
    (path / "tiny.json").write_text(json.dumps(XLA), encoding="utf-8")
    (path / "prices.json").write_text("{}", encoding="utf-8")
    return path


def install(monkeypatch: pytest.MonkeyPatch, **known: Planner) -> None:
    real, names = planners.get, planners.names()
    monkeypatch.setattr(planners, "names", lambda: sorted([*names, *known]))
    monkeypatch.setattr(planners, "get", lambda name: known[name] if name in known else real(name))


def test_evaluate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planner = Shares()
    install(monkeypatch, agent=planner)
    line = ("agent", "evaluate", folder, "--reference", "all-slow", "--seeds", 4, "--iterations", 5)
    result = memstow(*line, "--json")
    assert result.code == 0
    assert f"{folder / 'prices.json'}: no program, skipped" in result.err
    assert planner.seeds == [0, 1, 2, 3] * 2
    found = result.document
    assert (found["reference"], found["seeds"], found["iterations"]) == ("all-slow", [0, 1, 2, 3], 5)
    first, tiny = found["cases"]
    slow, fast = first["planners"][1]["seconds"][:2]
    assert first["planners"][0]["seconds"] == [slow] * 4
    assert first["planners"][1]["to_reference"] == pytest.approx((slow + 3 * fast) / 4 / slow)
    assert tiny["planners"][1]["to_recorded"] == tiny["planners"][0]["to_recorded"]
    reference, agent = found["planners"]
    assert reference["to_reference"] == {"middle": 1.0, "low": 1.0, "high": 1.0, "cases": 2}
    assert fast > slow, "else the middle half below is another"
    assert agent["to_reference"]["middle"] == pytest.approx((3 + fast / slow) / 4)
    assert 1.0 == agent["to_reference"]["low"] < agent["to_reference"]["high"] < fast / slow
    assert (agent["better"], agent["worse"], agent["to_recorded"]["cases"]) == (0, 1, 1)
    table = memstow(*line)
    assert "Planners by 4 seeds" in table.out and "Interquartile means over programs and seeds" in table.out


def test_evaluate_tells_of_failures(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, agent=Raising())
    result = memstow("agent", "evaluate", folder, "--seeds", 2, "--reference", "all-slow")
    assert result.code == 1
    assert re.search(r"  a \(unit, .*\), agent: seed 0: RuntimeError: no idea\n", result.out)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--seeds", 0), "--seeds: expected 1 or more, found 0"),
        (("--planners", "agnt", "--reference", "greedy"), "unknown planner 'agnt'"),
        (("--budget", -1), "--budget: expected a number of seconds"),
    ],
)
def test_evaluate_refuses(folder: Path, options: Sequence[object], found: str) -> None:
    assert found in refused("agent", "evaluate", folder, *options)


def test_interquartile_mean_and_interval_are_rliables() -> None:
    from memstow.rl_agent.evaluation import interquartile_mean, stratified_interval

    assert interquartile_mean(np.array([[100.0, 1.0, 2.0, 3.0], [0.0, 2.0, 2.0, -7.0]])) == 1.75
    scores = np.random.default_rng(1).random((5, 12))
    low, high = stratified_interval(scores)
    assert low < interquartile_mean(scores) < high
    pytest.importorskip("rliable")
    from rliable import library, metrics

    assert interquartile_mean(scores) == pytest.approx(metrics.aggregate_iqm(scores))
    _, theirs = library.get_interval_estimates({"x": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=2000)
    assert [low, high] == pytest.approx(theirs["x"][:, 0].tolist(), abs=0.02)
