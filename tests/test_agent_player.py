"""The player of training: whole episodes, the same for the same seed, and what becomes of their targets."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from game_problems import random_problem
from tiny_agents import tiny_config, tiny_network

from memstow.planners import Problem
from memstow.rl_agent.agent import agent_game, feature_names
from memstow.rl_agent.search import DISCOUNT
from memstow.rl_agent.training.actor import Weights
from memstow.rl_agent.training.episode import Episode
from memstow.rl_agent.training.experts import ExpertSettings
from memstow.rl_agent.training.player import CorePlayer, PlayerSettings
from memstow.rl_agent.training.programs import NamedProblem, generate_problem

EXPERTS = ExpertSettings(planner="local-search", iterations=50, climb=500)
KEYS = ("random/3", "random/5", "generated/1")


class Problems:
    """A few problems by key."""

    def by_key(self, key: str) -> NamedProblem:
        kind, number = key.split("/")
        offered: Problem = generate_problem("transformer", 30, int(number))
        if kind == "random":
            offered = random_problem(int(number), 40)[0]
        return NamedProblem(key, offered)


def player(**options: object) -> CorePlayer:
    given = {"simulations": 3, "horizon": 3, "experts": EXPERTS, **options}
    return CorePlayer(Problems(), tiny_config(), PlayerSettings.model_validate(given))


def weights(seed: int = 0) -> Weights:
    arrays = {name: tensor.numpy() for name, tensor in tiny_network(seed).state_dict().items()}
    return Weights(seed, arrays)


def same(one: Episode, other: Episode) -> bool:
    names = ("states", "legal", "actions", "policy", "rewards", "values")
    return one.seconds == other.seconds and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def check_episode(found: Episode, key: str) -> None:
    """The episode is the game of its actions; values are discounted returns in parts of the potential."""
    state = agent_game(Problems().by_key(key).problem).new_state()
    slow, saved = state.seconds, []
    for legal, action in zip(found.legal.tolist(), found.actions.tolist(), strict=True):
        assert state.legal_mask == legal
        saved.append(state.apply(action))
    assert found.key == key and state.is_terminal and state.seconds == found.seconds
    bits = found.legal[:, None] >> np.arange(3) & 1
    assert np.array_equal(found.states[:, :3], bits) and not found.policy[bits == 0].any()
    np.testing.assert_allclose(found.policy.sum(1), 1.0, atol=1e-5)
    assert (np.abs(found.states) <= 4.0).all() and (found.values >= -0.5).all() and (found.values <= 1.5).all()
    if any(saved):
        units = np.abs(found.rewards).sum() / np.abs(saved).sum()
        np.testing.assert_allclose(found.rewards, np.array(saved) * units, rtol=1e-4, atol=1e-6)
        assert math.isclose(found.rewards.sum() / units, slow - found.seconds, rel_tol=1e-4, abs_tol=1e-6 * slow)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("priced", [0.0, 1.0])
def test_demonstrations_are_whole_episodes(key: str, priced: float, tmp_path: Path) -> None:
    one = player(priced=priced, expert_folder=tmp_path / "a")
    found = one.demonstrate(key, 3)
    check_episode(found, key)
    assert same(found, player(priced=priced, expert_folder=tmp_path / "b").demonstrate(key, 3))
    assert same(found, one.demonstrate(key, 3))
    if priced == 0.0:
        assert np.array_equal(found.policy, np.eye(3, dtype=np.float32)[found.actions])
        assert len(list((tmp_path / "a").iterdir())) == 1


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("options", [{}, {"from_middle": 1.0}, {"learned_model": True, "from_middle": 0.0}])
def test_games_are_whole_episodes(key: str, options: dict[str, object]) -> None:
    one, other = player(**options), player(**options)
    other.demonstrate(KEYS[0], 9)  # what was played before does not matter
    other.play(KEYS[0], weights(1), 2)
    found = one.play(key, weights(), 4)
    check_episode(found, key)
    assert same(found, other.play(key, weights(), 4))
    games = {one.play(key, weights(step), seed).actions.tobytes() for step in (0, 1, 2) for seed in range(3)}
    assert len(games) > 1


def test_games_from_the_middle_begin_as_a_good_one() -> None:
    one = player(from_middle=1.0, snapshot_iterations=20)
    observer = one._observer("generated/1")
    common = []
    for seed in range(4):
        found = one.play("generated/1", weights(), seed)
        known = one._best_known(one._guide(observer, weights()), seed)
        differs = np.flatnonzero(found.actions != known)
        common.append(int(differs[0]) if differs.size else len(known))
        check_episode(found, "generated/1")
        state = observer.game.new_state()
        state.apply_all(known.tolist())
        assert state.is_terminal
    assert max(common) > 0.25 * observer.game.num_decisions


def test_reanalysed_games_keep_their_actions_and_returns() -> None:
    for key in KEYS:
        one = player()
        found = one.play(key, weights(), 4)
        again = one.reanalyse(found, weights(7), 1)
        check_episode(again, key)
        assert again.same_game(found) and np.array_equal(again.values, found.values)
        assert np.array_equal(again.states, found.states) and again.seconds == found.seconds
        assert not np.array_equal(again.policy, found.policy)
        assert same(again, player().reanalyse(found, weights(7), 1))


def test_values_are_returns_in_parts_of_the_potential() -> None:
    one = player(from_middle=0.0)
    found = one.play("random/5", weights(), 0)
    observer = one._observer("random/5")
    returns, later = np.zeros(len(found)), 0.0
    for i in reversed(range(len(found))):
        returns[i] = later = float(found.rewards[i]) + DISCOUNT * later
    expected = np.clip(returns / observer.potential, -0.5, 1.5)
    np.testing.assert_allclose(found.values, expected, atol=1e-4)


def test_what_players_see_is_what_networks_are_named_for() -> None:
    one = player()
    assert one.features == feature_names()
    assert one.program("random/5").shape[1] == len(one.features.program)
    for number in range(40):  # more games than are kept
        one.program(f"random/{3 + number % 35}")
    assert np.array_equal(one.program("random/5"), player().program("random/5"))


def test_prices_demonstrate_where_the_search_imagines() -> None:
    for key in KEYS:
        imagining = player(priced=1.0, learned_model=True).demonstrate(key, 0)
        assert same(imagining, player(priced=1.0).demonstrate(key, 0))


def test_actors_need_no_writable_weights() -> None:
    given = weights()
    frozen = {name: array.copy() for name, array in given.arrays.items()}
    for array in frozen.values():
        array.flags.writeable = False
    found = player(from_middle=0.0).play(KEYS[0], replace(given, arrays=frozen), 1)
    assert same(found, player(from_middle=0.0).play(KEYS[0], given, 1))
