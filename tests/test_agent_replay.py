from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memstow.errors import InvalidInputError
from memstow.rl_agent.training.config import ReplaySettings
from memstow.rl_agent.training.episode import Episode
from memstow.rl_agent.training.replay import Replay, Windows
from memstow.rl_agent.training.sum_tree import SumTree

from . import fake_player as fake

PLAYER = fake.FakePlayer()
LARGE = 1 << 30


def game(number: int = 0, seed: int = 0) -> Episode:
    return PLAYER.demonstrate(f"game-{number}", seed)


def filled(settings: ReplaySettings, count: int = 6) -> Replay:
    replay = Replay(settings)
    for number in range(count):
        replay.add(game(number), 0)
    return replay


def drawn(replay: Replay, size: int, games: int, unroll: int = 2, seed: int = 0) -> Windows:
    return replay.draw(np.random.default_rng(seed), size, games, unroll)


def test_sum_tree_draws_in_proportion() -> None:
    tree = SumTree()
    weights = [3.0, 0.0, 1.0, 2.0, 4.0]
    for leaf, weight in enumerate(weights):
        tree[leaf] = weight
    assert tree.total == 10.0
    found = [tree.find(mass) for mass in np.arange(0.5, 10.0)]
    assert [found.count(leaf) for leaf in range(5)] == weights
    assert [tree[leaf] for leaf in (4, 100)] == [4.0, 0.0]


def test_sum_tree_depends_on_its_leaves_alone() -> None:
    rng = np.random.default_rng(0)
    weights = rng.random(37)
    one, other = SumTree(), SumTree()
    for leaf in range(37):
        one[leaf] = weights[leaf]
    for leaf in rng.permutation(37).tolist():
        other[leaf] = 7.0
        other[leaf] = weights[leaf]
    assert one.total == other.total
    masses = (rng.random(50) * one.total).tolist()
    assert [one.find(mass) for mass in masses] == [other.find(mass) for mass in masses]


def test_sum_tree_never_finds_an_empty_leaf() -> None:
    tree = SumTree()
    tree[2], tree[5] = 0.1, 0.2
    assert {tree.find(mass) for mass in (0.0, 0.05, np.nextafter(tree.total, 1.0), 10.0)} == {2, 5}


def test_windows_hold_what_comes_after_and_zeros_past_the_end() -> None:
    replay = Replay(ReplaySettings(alpha=0.0))
    episode = game(3)
    replay.add(episode, 0)
    windows = drawn(replay, 200, 1, unroll=4)
    assert windows.keys == ("game-3",)
    assert set(windows.decision.tolist()) == set(range(len(episode)))
    for n, i in enumerate(windows.decision.tolist()):
        for k in range(5):
            inside = i + k < len(episode)
            assert windows.mask[n, k] == inside
            expected = episode.states[i + k] if inside else np.zeros(3)
            assert np.array_equal(windows.states[n, k], expected)
            legal = [bool(episode.legal[i + k] >> a & 1) and inside for a in range(3)] if inside else [False] * 3
            assert windows.legal[n, k].tolist() == legal
            assert windows.policy[n, k].sum() == inside
            assert windows.values[n, k] == (episode.values[i + k] if inside else 0)
            if k < 4:
                assert windows.actions[n, k] == (episode.actions[i + k] if inside else 0)
                assert windows.rewards[n, k] == (episode.rewards[i + k] if inside else 0)


@pytest.mark.parametrize(("size", "games"), [(32, 4), (10, 4), (3, 8), (1, 1)])
def test_batch_has_few_programs(size: int, games: int) -> None:
    windows = drawn(filled(ReplaySettings()), size, games)
    assert windows.states.shape == (size, 3, 3)
    assert len(windows.keys) == len(set(windows.keys)) <= games
    assert set(windows.program.tolist()) == set(range(len(windows.keys)))


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_games_are_drawn_by_their_size(exponent: float) -> None:
    replay = filled(ReplaySettings(alpha=0.0, size_exponent=exponent), count=2)
    counts = np.bincount(drawn(replay, 4000, 4000).serials)
    lengths = np.array([len(entry.episode) for entry in replay.entries.values()], dtype=float)
    assert counts / counts.sum() == pytest.approx(lengths**exponent / (lengths**exponent).sum(), abs=0.03)


def test_positions_are_drawn_by_their_errors_and_weighted_against_them() -> None:
    replay = Replay(ReplaySettings(alpha=1.0, beta=1.0))
    episode = game(0)
    replay.add(episode, 0)
    windows = drawn(replay, 100, 1)
    replay.update(windows, np.where(windows.decision == 2, 0.899, 0.099).astype(np.float32))
    windows = drawn(replay, 20_000, 1)
    shares = np.bincount(windows.decision) / 20_000
    expected = np.where(np.arange(len(episode)) == 2, 0.9, 0.1)
    assert shares == pytest.approx(expected / expected.sum(), abs=0.02)
    assert windows.weights[windows.decision == 2] == pytest.approx(1 / 9, rel=1e-4)
    assert windows.weights.max() == 1.0


def test_new_games_have_the_largest_priority() -> None:
    replay = filled(ReplaySettings(alpha=1.0), count=1)
    windows = drawn(replay, 10, 1)
    replay.update(windows, np.full(10, 3.0, dtype=np.float32))
    serial = replay.add(game(1), 0)
    assert replay.entries[serial].powers == pytest.approx(3.001)


def test_best_game_of_a_problem_is_drawn_more_often() -> None:
    replay = Replay(ReplaySettings(alpha=0.0, best_boost=3.0))
    replay.add(game(0), 0)
    replay.add(replace(game(0), seconds=1.0), 0)
    counts = np.bincount(drawn(replay, 8000, 8000).serials)
    assert counts[1] / counts[0] == pytest.approx(3.0, rel=0.1)


def test_oldest_go_first_and_the_best_of_a_problem_last() -> None:
    size = filled(ReplaySettings(), count=1).nbytes
    replay = Replay(ReplaySettings(capacity_bytes=3 * size))
    for seconds in (5.0, 9.0, 8.0, 7.0, 6.0):
        replay.add(replace(game(0), seconds=seconds), 0)
        assert replay.nbytes <= 3 * size
    assert [entry.episode.seconds for entry in replay.entries.values()] == [5.0, 7.0, 6.0]
    replay.add(replace(game(0), seconds=4.0), 0)
    assert [(e.episode.seconds, e.is_best) for e in replay.entries.values()] == [
        (7.0, False),
        (6.0, False),
        (4.0, True),
    ]
    assert set(drawn(replay, 100, 100).serials.tolist()) == set(replay.entries)


def test_a_game_larger_than_the_replay_is_kept_alone() -> None:
    replay = Replay(ReplaySettings(capacity_bytes=1))
    replay.add(game(0), 0)
    serial = replay.add(game(1), 0)
    assert list(replay.entries) == [serial]
    assert drawn(replay, 4, 4).keys == ("game-1",)


def test_the_next_best_takes_over() -> None:
    size = filled(ReplaySettings(), count=1).nbytes
    replay = Replay(ReplaySettings(capacity_bytes=2 * size))
    replay.add(game(0), 0)
    replay.add(game(0, seed=1), 0)
    replay.add(replace(game(0), seconds=99.0), 0)
    assert [entry.is_best for entry in replay.entries.values()] == [True, False]


def test_reanalysed_targets_replace_the_old_ones() -> None:
    replay = filled(ReplaySettings(), count=3)
    replay.entries[1].is_fixed = True
    assert replay.stalest(5) == [0, 2]
    policy, values = game(0).policy.copy(), np.full(5, 0.25, dtype=np.float32)
    assert replay.retarget(0, game(0).with_targets(policy, values), 7)
    assert replay.entries[0].episode.values.tolist() == [0.25] * 5
    assert replay.stalest(5) == [2, 0]
    assert not replay.retarget(99, game(0), 7)
    with pytest.raises(ValueError, match="expected the game 2 of the replay"):
        replay.retarget(2, game(0), 7)


def test_nothing_to_draw_from() -> None:
    with pytest.raises(ValueError, match="no game to draw from"):
        drawn(Replay(ReplaySettings()), 1, 1)


def test_episode_from_a_file(tmp_path: Path) -> None:
    episode = game(2)
    episode.save(tmp_path / "a.npz")
    found = Episode.load(tmp_path / "a.npz")
    assert found.same_game(episode)
    assert (found.key, found.seconds, found.score) == ("game-2", episode.seconds, 1.0)
    for name in ("states", "legal", "actions", "policy", "rewards", "values"):
        assert np.array_equal(getattr(found, name), getattr(episode, name))


def test_damaged_episode(tmp_path: Path) -> None:
    game().save(tmp_path / "a.npz")
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInputError, match="expected an episode, found none that can be read"):
        Episode.load(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"rewards": np.zeros(4, np.float32)}, r"rewards float32 \(5,\), found float32 \(4,\)"),
        ({"policy": np.zeros((5, 2), np.float32)}, r"policy float32 \(5, 3\), found float32 \(5, 2\)"),
        ({"legal": np.full(5, 7, np.int64)}, "legal uint8 \\(5,\\), found int64"),
        ({"states": np.zeros(5, np.float32)}, r"states of shape \(D, F\)"),
        ({"actions": np.array([2, 0, 0, 0, 0], np.uint8)}, r"a legal action at decision 0 \(mask 0b011\), found 2"),
        ({"actions": np.array([0, 9, 0, 0, 0], np.uint8)}, "a legal action at decision 1"),
        ({"actions": np.zeros(0, np.uint8)}, "at least one decision"),
        ({"values": np.full(5, np.nan, np.float32)}, "finite values"),
        ({"policy": np.eye(3, dtype=np.float32)[[2, 0, 0, 0, 0]]}, "a policy of 0 for illegal actions"),
        ({"policy": np.full((5, 3), [0.5, 0.2, 0.0], np.float32)}, "a policy that sums to 1, found sums from 0.7"),
    ],
)
def test_wrong_episode(change: dict[str, np.ndarray], found: str) -> None:
    with pytest.raises(InvalidInputError, match=f"episode of 'game-0': expected {found}"):
        replace(game(), **change)
