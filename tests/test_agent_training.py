from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from memstow.errors import InvalidInputError
from memstow.rl_agent.networks import load_network
from memstow.rl_agent.training.actor import Kind, LocalActors, Task, Weights
from memstow.rl_agent.training.batches import ProgramCache
from memstow.rl_agent.training.checkpoint import Checkpoints, RunState
from memstow.rl_agent.training.config import TrainingConfig, load_config
from memstow.rl_agent.training.trainer import Progress, TrainingResult, train

from . import fake_player as fake

TINY = {
    "batch": {"size": 8, "games": 2, "unroll": 2},
    "warm_start": {"games": 3, "steps": 2, "is_fixed": False},
    "self_play": {"rounds": 2, "games": 2, "reanalysed": 2, "steps": 3},
    "replay": {"capacity_bytes": 2500, "best_boost": 2.0},
    "network": {"embedding": 4, "latent": 8, "hidden": 8, "trunk": 8, "reader_layers": 1, "reader_width": 8},
    "learner": {"warmup_steps": 2},
    "tensorboard": False,
}
#: A round has a beginning, its games and its steps.
ADVANCES = (1 + 3 + 2) + 2 * (1 + 4 + 3)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def config(**changes: object) -> TrainingConfig:
    return TrainingConfig.parse({**TINY, **changes}, where="test")


def run(
    out: Path, given: TrainingConfig | None = None, *, advances: int = 10**6, resume: bool = False
) -> TrainingResult:
    """Train until the end, or for a number of advances."""
    seen: list[Progress] = []
    return train(
        given or config(),
        fake.FakePlayer(),
        fake.FakeProblems(),
        out,
        resume=resume,
        on_progress=seen.append,
        should_stop=lambda: len(seen) >= advances,
    )


def state_of(out: Path) -> RunState:
    """The last state, without what the clock says."""
    checkpoints = Checkpoints(out)
    return RunState.load(checkpoints.folder / f"{checkpoints.numbers()[-1]:08d}" / "state.json").model_copy(
        update={"seconds": 0.0}
    )


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "curves.csv").open(encoding="utf-8") as stream:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(stream)]


def assert_same_run(one: Path, other: Path) -> None:
    """Bit by bit, but for what the clock says."""
    state = state_of(one)
    assert state == state_of(other)
    assert rows_of(one) == rows_of(other)
    folders = [Checkpoints(out).folder / f"{Checkpoints(out).numbers()[-1]:08d}" for out in (one, other)]
    assert (folders[0] / "powers.npy").read_bytes() == (folders[1] / "powers.npy").read_bytes()
    for game in state.replay:
        assert (one / "replay" / game.file).read_bytes() == (other / "replay" / game.file).read_bytes()
    ours, theirs = (torch.load(folder / "learner.pt", weights_only=True) for folder in folders)
    assert ours.pop("config") == theirs.pop("config")
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    torch.set_num_threads(1)
    assert run(out).is_finished
    return out


def test_run_to_the_end(whole: Path) -> None:
    rows = rows_of(whole)
    assert [row["round"] for row in rows] == ["0", "1", "2"]
    assert [row["step"] for row in rows] == ["2", "5", "8"]
    assert [row["games"] for row in rows] == ["3", "5", "7"]
    assert rows[0]["score_demonstrate"] == "1"
    assert 0 < float(rows[2]["score_play"]) < 1
    assert rows[1]["loss"]
    state = state_of(whole)
    assert (state.rounds_done, state.is_open, state.pending, state.steps_left) == (3, False, (), 0)
    network, card = load_network(whole / "network", fake.FakePlayer().features)
    assert card.made_by == {"steps": "8", "games": "7", "seed": "0"}
    assert network.config.latent == 8


@pytest.mark.parametrize("stops", [(1,), (3,), (5,), (6,), (7,), (9,), (11,), (14,), (18,), (21,), (2, 6, 8, 1, 1)])
def test_stopped_and_resumed_is_as_uninterrupted(whole: Path, tmp_path: Path, stops: tuple[int, ...]) -> None:
    for advances in stops:
        assert not run(tmp_path, advances=advances, resume=True).is_finished
    assert run(tmp_path, resume=True).is_finished
    assert_same_run(whole, tmp_path)


def test_cut_off_run_goes_on_from_its_last_checkpoint(whole: Path, tmp_path: Path) -> None:
    run(tmp_path, advances=8)

    class CutOffError(Exception):
        pass

    def cut_off(progress: Progress) -> None:
        if progress.round == 2 and progress.waiting == 1:
            raise CutOffError

    with pytest.raises(CutOffError):
        train(config(), fake.FakePlayer(), fake.FakeProblems(), tmp_path, resume=True, on_progress=cut_off)
    assert run(tmp_path, resume=True).is_finished
    assert_same_run(whole, tmp_path)


def test_every_advance_is_told(tmp_path: Path) -> None:
    told: list[Progress] = []
    train(config(), fake.FakePlayer(), fake.FakeProblems(), tmp_path, on_progress=told.append)
    assert len(told) == ADVANCES
    assert [p.is_warm_start for p in told[:7]] == [True] * 5 + [False] * 2
    assert (told[-1].round, told[-1].rounds, told[-1].games, told[-1].steps) == (3, 3, 7, 8)
    assert {"loss", "score_play"} <= told[-1].figures.keys()


def test_rounds_can_be_added(whole: Path, tmp_path: Path) -> None:
    short = config(self_play={**TINY["self_play"], "rounds": 1})
    assert run(tmp_path, short).is_finished
    assert run(tmp_path, resume=True).is_finished
    assert_same_run(whole, tmp_path)


def test_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    result = run(tmp_path)
    again = run(tmp_path, resume=True)
    assert replace(again, seconds=0) == replace(result, seconds=0)


def test_seed_makes_a_difference(whole: Path, tmp_path: Path) -> None:
    run(tmp_path, config(seed=1))
    assert rows_of(tmp_path) != rows_of(whole)


def test_without_warm_start(tmp_path: Path) -> None:
    assert run(tmp_path, config(warm_start={"games": 0})).games == 4
    assert [row["games"] for row in rows_of(tmp_path)] == ["0", "2", "4"]
    assert [row["step"] for row in rows_of(tmp_path)] == ["0", "3", "6"]


def test_it_learns(tmp_path: Path) -> None:
    given = config(
        self_play={"rounds": 3, "games": 2, "steps": 60},
        learner={"warmup_steps": 5, "learning_rate": 0.01},
        replay={"capacity_bytes": 1 << 20},
        batch={"size": 32, "games": 4, "unroll": 2},
    )
    run(tmp_path, given)
    losses = [float(row["policy"]) for row in rows_of(tmp_path)]
    assert losses[-1] < 0.3 * losses[0]


def test_two_checkpoints_are_kept_and_their_games(tmp_path: Path) -> None:
    train(config(checkpoint_seconds=0), fake.FakePlayer(), fake.FakeProblems(), tmp_path)
    checkpoints = Checkpoints(tmp_path)
    numbers = checkpoints.numbers()
    assert numbers == [ADVANCES, ADVANCES + 1]
    states = [RunState.load(checkpoints.folder / f"{number:08d}" / "state.json") for number in numbers]
    needed = {game.file for state in states for game in state.replay}
    assert needed == {path.name for path in checkpoints.games.iterdir()}
    assert len(list(checkpoints.folder.iterdir())) == 2


@pytest.mark.parametrize(("every", "expected"), [(50.0, 4 + 1), (7.0, ADVANCES + 1)])
def test_checkpoints_by_the_clock(tmp_path: Path, every: float, expected: int) -> None:
    """The clock goes on by 10 s at each of 22 advances; one more checkpoint ends the run."""
    now = [0.0]

    def tick(progress: Progress) -> None:
        now[0] += 10.0

    given = config(checkpoint_seconds=every)
    train(given, fake.FakePlayer(), fake.FakeProblems(), tmp_path, on_progress=tick, clock=lambda: now[0])
    assert Checkpoints(tmp_path).numbers()[-1] == expected


def test_folder_of_another_run(tmp_path: Path) -> None:
    run(tmp_path, advances=2)
    with pytest.raises(InvalidInputError, match=r"has checkpoints of a run; resume it \(--resume\) or name another"):
        run(tmp_path)
    with pytest.raises(InvalidInputError, match=r"another config: batch\.size was 8, is 9; resume it with its own"):
        run(tmp_path, config(batch={**TINY["batch"], "size": 9}), resume=True)


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="cannot be made"):
        run(tmp_path / "file" / "out")


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda folder: _truncate(folder / "learner.pt"), "cannot be read .*; remove it to go on from the one before"),
        (lambda folder: _truncate(folder / "acting.npz"), "cannot be read"),
        (lambda folder: _truncate(folder / "powers.npy"), "cannot be read"),
        (lambda folder: _truncate(folder / "state.json"), "is the file truncated"),
        (lambda folder: _truncate(next((folder.parents[1] / "replay").iterdir())), "expected an episode"),
    ],
)
def test_damaged_checkpoint(tmp_path: Path, damage: Callable[[Path], None], found: str) -> None:
    run(tmp_path, advances=12)
    damage(tmp_path / "checkpoints" / "00000001")
    with pytest.raises(InvalidInputError, match=found):
        run(tmp_path, resume=True)


def test_checkpoint_of_another_format(tmp_path: Path) -> None:
    run(tmp_path, advances=2)
    path = tmp_path / "checkpoints" / "00000001" / "state.json"
    RunState.load(path).model_copy(update={"format": 0}).save(path)
    with pytest.raises(InvalidInputError, match="expected a checkpoint of format 1, found 0"):
        run(tmp_path, resume=True)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"network": {"latnt": 3}}, "network: unknown key 'latnt'"),
        ({"network": {"state_features": 3}}, "network: state_features is not for the config to say"),
        ({"learner": {"rate": 3}}, "learner: unknown key 'rate'"),
    ],
)
def test_tables_of_others(tmp_path: Path, changes: dict[str, object], found: str) -> None:
    with pytest.raises(InvalidInputError, match=found):
        run(tmp_path, config(**changes))


def test_config_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text("seed = 3\n[self_play]\ngames = 5\n[search]\nsimulations = 8\n")
    found = load_config(path)
    assert (found.seed, found.self_play.games, found.search) == (3, 5, {"simulations": 8})
    assert found.batch == TrainingConfig().batch


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("seeds = 1", "unknown key 'seeds'; remove it"),
        ("[self_play]\ngame = 1", "unknown key 'self_play.game'"),
        ("[batch]\nsize = 0", "batch.size: .*greater than or equal to 1, found 0"),
        ("checkpoint_seconds = 61", "checkpoint_seconds: .*less than or equal to 60"),
        ("seed = ", "expected TOML, found an error"),
    ],
)
def test_wrong_config(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=f"{path}: {found}"):
        load_config(path)


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"absent\.toml: cannot be read"):
        load_config(tmp_path / "absent.toml")


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run(tmp_path, config(tensorboard=True, self_play={"rounds": 0}))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("score_demonstrate")] == [(2, 1.0)]


def test_tensorboard_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InvalidInputError, match=r"expected tensorboard, found none; .* 'memstow\[train\]'"):
        run(tmp_path, config(tensorboard=True))


def test_local_actors_keep_the_order() -> None:
    actors = LocalActors(fake.FakePlayer())
    tasks = [Task(Kind.DEMONSTRATE, f"game-{number}", 0) for number in (4, 1, 3)]
    actors.submit(tasks, Weights(0, {}))
    assert [actors.collect().key for _ in tasks] == ["game-4", "game-1", "game-3"]


def test_program_cache_is_bounded() -> None:
    asked: list[str] = []

    def make(key: str) -> object:
        asked.append(key)
        return fake.FakePlayer().program(key)

    cache = ProgramCache(make, 12 * 2 * 4 + 5 * 2 * 4)
    for key in ("game-0", "game-1", "game-0", "game-2", "game-0", "game-1"):
        assert torch.equal(cache.get(key), torch.from_numpy(fake.FakePlayer().program(key)))
    assert asked == ["game-0", "game-1", "game-2", "game-1"]
