from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from memstow.errors import InvalidInputError, MemstowError
from memstow.rl_agent.training.actor import Kind, LocalActors, Task, Weights
from memstow.rl_agent.training.config import TrainingConfig
from memstow.rl_agent.training.episode import Episode
from memstow.rl_agent.training.ray_actors import RayActors
from memstow.rl_agent.training.trainer import train

from . import fake_player as fake

STORE_BYTES = 80 << 20


class TroubledPlayer(fake.FakePlayer):
    """Dies once at seed 666, each time at 667, and cannot play at 668."""

    def __init__(self, folder: Path) -> None:
        self._mark = folder / "died"

    def play(self, key: str, weights: Weights, seed: int) -> Episode:
        if seed == 667 or (seed == 666 and not self._mark.exists()):
            self._mark.touch()
            os._exit(1)
        if seed == 668:
            raise ValueError("no such opening")
        return super().play(key, weights, seed)


@pytest.fixture(scope="module")
def ray_here() -> Iterator[None]:
    ray = pytest.importorskip("ray")
    for module in (fake, sys.modules[__name__]):
        ray.cloudpickle.register_pickle_by_value(module)
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=STORE_BYTES, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def weights() -> Weights:
    return Weights(3, {"w": torch.ones(4).numpy()})


def tasks(*seeds: int) -> list[Task]:
    return [Task(Kind.PLAY, f"game-{seed % 6}", seed) for seed in seeds]


def test_results_are_those_of_one_process_in_its_order(ray_here: None, weights: Weights) -> None:
    here, there = LocalActors(fake.FakePlayer()), RayActors(fake.FakePlayer, 2)
    played = fake.FakePlayer().demonstrate("game-2", 0)
    todo = [
        *tasks(*range(9)),
        Task(Kind.DEMONSTRATE, "game-3", 1),
        Task(Kind.REANALYSE, "game-2", 2, serial=5, episode=played),
    ]
    for _ in range(2):
        for actors in (here, there):
            actors.submit(todo, weights)
        for _ in todo:
            there.poll()
            one, other = here.collect(), there.collect()
            assert one.same_game(other)
            assert one.values.tolist() == other.values.tolist()
    there.close()


def test_run_does_not_depend_on_the_actors(ray_here: None, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    config = TrainingConfig.parse(
        {
            "batch": {"size": 8, "games": 2, "unroll": 2},
            "warm_start": {"games": 3, "steps": 2},
            "self_play": {"rounds": 2, "games": 3, "reanalysed": 2, "steps": 2},
            "network": {"reader": "mlp", "latent": 8, "hidden": 8},
            "tensorboard": False,
        },
        where="test",
    )
    actors = RayActors(fake.FakePlayer, 2)
    train(config, fake.FakePlayer(), fake.FakeProblems(), tmp_path / "there", actors=actors)
    actors.close()
    train(config, fake.FakePlayer(), fake.FakeProblems(), tmp_path / "here")
    one, other = ((tmp_path / out / "network" / "network.safetensors").read_bytes() for out in ("here", "there"))
    assert one == other


def test_lost_actor_is_restarted_and_its_task_done(ray_here: None, tmp_path: Path, weights: Weights) -> None:
    actors = RayActors(lambda: TroubledPlayer(tmp_path), 2)
    actors.submit(tasks(1, 666, 2, 3), weights)
    found = [actors.collect() for _ in range(4)]
    assert (tmp_path / "died").exists()
    expected = [fake.FakePlayer().play(task.key, weights, task.seed) for task in tasks(1, 666, 2, 3)]
    assert all(one.same_game(other) for one, other in zip(found, expected, strict=True))
    actors.close()


def test_task_that_cannot_be_done(
    ray_here: None, tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memstow.rl_agent.training.ray_actors.RETRIES", 1)
    actors = RayActors(lambda: TroubledPlayer(tmp_path), 1)
    actors.submit(tasks(668, 667), weights)
    with pytest.raises(MemstowError, match="actor: play of 'game-2' failed: no such opening"):
        actors.collect()
    with pytest.raises(MemstowError, match=r"actor: play of 'game-1' was lost 2 times \(.*\); is there memory enough"):
        actors.collect()
    actors.close()


def test_no_actors() -> None:
    with pytest.raises(InvalidInputError, match="actors: expected 1 or more of them, found 0"):
        RayActors(fake.FakePlayer, 0)


def test_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def init(**options: object) -> None:
        raise ConnectionError(f"Could not find any running Ray instance at {options['address']}.\nLong story.")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(InvalidInputError, match=r"cluster host:1: cannot be reached \(Could not .*\.\); start it with"):
        RayActors(fake.FakePlayer, 1, address="host:1")


def test_ray_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InvalidInputError, match=r"actors .* found none; install it: pip install 'memstow\[ray\]'"):
        RayActors(fake.FakePlayer, 1)
