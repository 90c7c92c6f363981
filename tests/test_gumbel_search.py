"""The tree search: its trees, its optimum on small programs, and that games depend on their seeds alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from game_problems import random_problem, unit_problem
from small_problems import part, problem

from memstow.rl_agent.game import Action, Game, State
from memstow.rl_agent.search import SearchSettings, play, play_games, search, search_tree, unit_seconds, write_tree
from memstow.validator import validate

TREES = Path(__file__).parent / "search_trees"


def best_seconds(state: State) -> float:
    """The fewest seconds of all ends, by going to all of them."""
    if state.is_terminal:
        return state.seconds
    best = math.inf
    for action in state.legal_actions:
        state.apply(action)
        best = min(best, best_seconds(state))
        state.undo()
    return best


def small_games() -> list[Game]:
    """Random games with 3 to 8 decisions, where fast memory is worth something."""
    games = [Game(random_problem(seed, 6)[0]) for seed in range(150)]
    games = [game for game in games if 3 <= game.num_decisions <= 8]
    return [game for game in games if best_seconds(game.new_state()) < game.slow_seconds]


@pytest.mark.parametrize("value_range", ["tree", "siblings"])
def test_small_programs_are_solved_to_the_optimum(value_range: Literal["tree", "siblings"]) -> None:
    games = small_games()
    settings = SearchSettings(simulations=64, rollouts=64, gumbel_scale=0.0, discount=1.0, value_range=value_range)
    optimal_ends = 0
    for game in games:
        played = play_games([game.new_state()], settings, [0])[0]
        best = best_seconds(game.new_state())
        assert math.isclose(played.best.seconds, best, rel_tol=1e-9), game.problem.program.fingerprint
        optimal_ends += math.isclose(played.end.seconds, best, rel_tol=1e-9)
    # Where search decides by the mean of random games it need not end where the best of them did.
    assert len(games) > 30 and optimal_ends > 0.9 * len(games)


def recorded() -> dict[str, tuple[State, SearchSettings, int]]:
    unit, random = Game(unit_problem()), Game(random_problem(7, 40)[0])
    siblings = SearchSettings(simulations=24, value_range="siblings", rollouts=2)
    return {
        "unit": (unit.new_state(), SearchSettings(simulations=16), 0),
        "random": (random.restore("211"), siblings, 3),
        "end": (unit.restore("21212"), SearchSettings(simulations=12, discount=1.0), 1),
    }


@pytest.mark.parametrize("name", ["unit", "random", "end"])
def test_recorded_trees_grow_again(name: str) -> None:
    state, settings, seed = recorded()[name]
    history = state.serialise()
    assert write_tree(state, settings, seed) == (TREES / f"{name}.txt").read_text(encoding="utf-8")
    assert state.serialise() == history


def test_trees_add_up() -> None:
    state = Game(random_problem(7, 40)[0]).new_state()
    settings = SearchSettings(simulations=50)
    found, nodes = search_tree(state, settings, seed=0)
    assert nodes[0].visits == 51 and nodes[0].value == found.value and int(found.visits.sum()) == 50
    for number, node in enumerate(nodes):
        below = [child for child in nodes if child.parent == number]
        assert all(node.legal >> child.action & 1 for child in below)
        assert node.visits == (1 if node.legal else node.visits) + sum(child.visits for child in below)
        returns = sum(child.visits * (child.reward + settings.discount * child.value) for child in below)
        assert math.isclose(node.value * node.visits, node.evaluation + returns, abs_tol=1e-9)


def test_illegal_actions_are_left_out() -> None:
    state = Game(random_problem(7, 40)[0]).new_state()
    legal_at = []
    while not state.is_terminal:
        legal = [action in state.legal_actions for action in Action]
        found = search(state, SearchSettings(simulations=8), seed=1)
        assert legal[found.action] and math.isclose(found.policy.sum(), 1.0, rel_tol=1e-6)
        for array in (found.visits, found.q, found.policy):
            assert not array[np.logical_not(legal)].any()
        legal_at.append(sum(legal))
        state.apply(found.action)
    assert {1, 2, 3} == set(legal_at)


def test_forced_decisions_are_not_searched_unless_asked() -> None:
    # Room for one: once y is written at 1, x from 0 can neither stay until 2 nor be evicted from 1 on.
    buffers = {"x": ("intermediate", 4), "y": ("intermediate", 4)}
    steps = [(0.0, [], ["x"]), (0.0, [], ["y"]), (0.0, ["x"], []), (0.0, ["y"], [])]
    state = Game(problem(part(4), buffers, steps)).restore("11")  # type: ignore[arg-type]
    found = search(state, SearchSettings(), seed=0)
    assert found.action == Action.DROP and found.visits.tolist() == [0, 0, 0] and found.policy.tolist() == [1, 0, 0]
    # Dropping x costs 3 s, the read of y saves 3 s or none: -1 or 0 in units of 12 s / 4 decisions.
    asked = search(state, SearchSettings(search_forced=True, discount=1.0, simulations=64), seed=0)
    assert asked.visits.tolist() == [64, 0, 0] and -1.0 < asked.value < 0.0


def test_finished_games_cannot_be_searched() -> None:
    state = Game(unit_problem()).new_state()
    state.play_randomly(0)
    with pytest.raises(ValueError, match="the game is over: there is nothing to search for"):
        search(state, SearchSettings(), seed=0)
    assert play_games([state], SearchSettings(), [0])[0].actions.size == 0


def test_simulations_are_halved_sequentially() -> None:
    # Two legal actions share 16 simulations. Three have 2 each, the best two then 4 each and what is left.
    state = Game(random_problem(7, 40)[0]).new_state()
    shares = {2: [0, 8, 8], 3: [2, 7, 7]}
    seen = set()
    while not state.is_terminal:
        found = search(state, SearchSettings(simulations=16), seed=0)
        count = len(state.legal_actions)
        if count > 1:
            assert sorted(found.visits.tolist()) == shares[count]
            seen.add(count)
        state.apply(found.action)
    assert seen == {2, 3}


def test_one_simulation_draws_from_the_prior() -> None:
    state = Game(random_problem(7, 40)[0]).restore("211")
    assert len(state.legal_actions) == 3
    actions = [search(state, SearchSettings(simulations=1), seed).action for seed in range(600)]
    # Even by the rollout evaluator: 200 each, give or take four standard deviations.
    assert all(abs(actions.count(action) - 200) < 47 for action in Action)


def test_games_depend_on_their_seeds_alone() -> None:
    states = [Game(random_problem(seed, 20)[0]).new_state() for seed in range(8)]
    states[0].apply(states[0].legal_actions[0])
    settings = SearchSettings(simulations=8)
    seeds = list(range(8))
    alone = play_games(states, settings, seeds)
    together = play_games(states, settings, seeds, threads=4)
    for one, other in zip(alone, together, strict=True):
        assert one.end.serialise() == other.end.serialise() and one.best_history == other.best_history
        for name in ("legal", "actions", "visits", "q", "policy", "values", "rewards"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
    reverse = play_games(states[::-1], settings, seeds[::-1], threads=2)[::-1]
    assert [game.end.serialise() for game in reverse] == [game.end.serialise() for game in alone]
    other_seeds = play_games(states, settings, [seed + 1 for seed in seeds])
    assert [game.end.serialise() for game in other_seeds] != [game.end.serialise() for game in alone]
    assert states[0].num_decided == 1 and states[1].num_decided == 0


def test_played_games_are_searches_applied() -> None:
    game, settings = Game(random_problem(7, 40)[0]), SearchSettings(simulations=8)
    played = play_games([game.new_state()], settings, [5])[0]
    state, rewards = game.new_state(), []
    for k in range(game.num_decisions):
        found = search(state, settings, seed=5)
        assert played.legal[k] == state.legal_mask and played.actions[k] == found.action
        assert np.array_equal(played.policy[k], found.policy) and played.values[k] == found.value
        rewards.append(state.apply(found.action))
    assert state.serialise() == played.end.serialise()
    assert np.allclose(np.array(rewards), played.rewards * unit_seconds(game))
    assert game.restore(played.best_history).seconds == played.best_seconds
    assert played.best.seconds == min(played.end.seconds, played.best_seconds)
    assert play(game, settings, seed=5).serialise() == played.best.serialise()
    plan = played.best.to_plan(planner="test", seed=5)
    assert validate(game.problem.program, game.problem.accelerator, plan) == ()


def test_reward_one_is_what_a_decision_could_save_on_average() -> None:
    # i0 is bound by its 20 s of compute, i2 by its 9 s; i1 and i3 read 8 bytes at 1 or 4 bytes/s, i3 writes 4 more; i4
    # computes 6 s. Slow 20 + 8 + 9 + 12 + 6, fast 20 + 2 + 9 + 3 + 6 s; y, an output of i3, could get out during i4.
    game = Game(unit_problem())
    assert unit_seconds(game) == (55 - 40) / game.num_decisions


def test_search_beats_as_many_random_games() -> None:
    games = [Game(random_problem(seed, 25)[0]) for seed in range(40)]
    games = [game for game in games if game.num_decisions > 10]
    settings = SearchSettings(simulations=32, gumbel_scale=0.0)
    found = np.array([play(game, settings, seed=0).seconds for game in games])
    random = np.array([game.random_playouts(32 * game.num_decisions, seed=0).min() for game in games])
    assert np.exp(np.log(found / random).mean()) < 0.97 and np.mean(found <= random * (1 + 1e-9)) > 0.7


def test_wrong_settings_are_named() -> None:
    state = Game(unit_problem()).new_state()
    wrong = {
        "simulations: expected at least 0, found -1": SearchSettings(simulations=-1),
        "considered: expected at least 1": SearchSettings(considered=0),
        "discount: expected more than 0 and at most 1, found 2": SearchSettings(discount=2.0),
        "value_range: expected one of tree, siblings, found 'node'": SearchSettings(value_range="node"),  # type: ignore[arg-type]
        "at least 1 random game, found 0": SearchSettings(rollouts=0),
        "simulations: 5000000000 is too large": SearchSettings(simulations=5_000_000_000),
    }
    for message, settings in wrong.items():
        with pytest.raises(ValueError, match=message):
            search(state, settings, seed=0)
    with pytest.raises(ValueError, match="expected a seed for each of 1 states, found 2"):
        play_games([state], SearchSettings(), [0, 1])
    with pytest.raises(ValueError, match="expected at least 1 thread, found 0"):
        play_games([state], SearchSettings(), [0], threads=0)
