"""Advice: the core's network is PyTorch's, games by advice and search are the game's, and searches keep their best."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest
import torch
from game_problems import random_problem
from small_problems import part, problem
from tiny_agents import guided, tiny_agent, tiny_network

from memstow.errors import InvalidInputError, UnknownNameError
from memstow.rl_agent.agent import Agent, agent_game, feature_names, load_agent
from memstow.rl_agent.game import Game
from memstow.rl_agent.guide import OPEN, CoreNetwork, GameRecord, Guide, GuidedSearch, Trajectories
from memstow.rl_agent.networks import MemstowNetwork, core_arrays, embeddings_of, save_network
from memstow.rl_agent.observation import Observer
from memstow.rl_agent.search import DISCOUNT, SearchSettings
from memstow.rl_agent.training.programs import generate_problem

QUICK = GuidedSearch(SearchSettings(simulations=4, gumbel_scale=0.5, least_range=0.5), horizon=4)


def same(one: GameRecord, other: GameRecord) -> bool:
    names = ("states", "legal", "actions", "rewards", "policy", "q", "values")
    return one.seconds == other.seconds and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def latents_of(network: MemstowNetwork, guide: Guide, states: np.ndarray) -> torch.Tensor:
    embeddings = torch.from_numpy(embeddings_of(network, guide.observer.program))
    return network.represent(embeddings, torch.from_numpy(states))


@pytest.mark.parametrize("options", [{}, {"value": "scalar"}, {"reader": "mlp"}])
def test_the_core_evaluates_what_pytorch_does(options: dict[str, object]) -> None:
    network = tiny_network(**options)
    guide = guided(3, **options)
    # A search without simulations: the policy is the network's over the legal actions, the value its own.
    found = guide.play(GuidedSearch(SearchSettings(simulations=0, gumbel_scale=0.0, search_forced=True), horizon=0), 0)
    with torch.inference_mode():
        outlooks = network.outlooks(torch.from_numpy(found.states))
        prediction = network.predict(latents_of(network, guide, found.states), outlooks)
        values = network.value.expectation(prediction.value_logits).numpy()
        legal = torch.from_numpy(found.states[:, :3]).bool()
        policy = torch.softmax(prediction.policy_logits.masked_fill(~legal, -torch.inf), -1).numpy()
    np.testing.assert_allclose(found.values / guide.observer.potential, values, atol=1e-5)
    np.testing.assert_allclose(found.policy, policy, atol=1e-5)
    assert np.array_equal(found.actions, policy.argmax(1)) and len(found.actions) > 10


@pytest.mark.parametrize("options", [{}, {"value": "scalar"}])
def test_the_core_imagines_what_pytorch_does(options: dict[str, object]) -> None:
    network, guide = tiny_network(**options), guided(3, **options)
    # One simulation goes one action on: its completed value is reward + discount * value of what is imagined there.
    search = SearchSettings(simulations=1, gumbel_scale=0.0, search_forced=True)
    found = guide.play(GuidedSearch(search, learned_model=True), 0)
    count = len(found.actions)
    with torch.inference_mode():
        embeddings = torch.from_numpy(embeddings_of(network, guide.observer.program))
        following = torch.cat([embeddings[1:], torch.zeros(1, embeddings.shape[1])])
        states = torch.from_numpy(found.states)
        latents = network.represent(embeddings, states)
        policy = network.predict(latents, network.outlooks(states)).policy_logits
        policy = policy.masked_fill(~states[:, :3].bool(), -1e9)
        actions = policy.argmax(1)
        imagined, reward_logits = network.dynamics(latents, torch.eye(3)[actions], following)
        folded = network.reward.expectation(reward_logits).numpy().astype(np.float64)
        values = network.value.expectation(network.predict(imagined).value_logits).numpy()
    later = np.append(values[:-1] * guide.observer.potential[1:], 0.0)  # nothing after the last decision
    expected = np.sign(folded) * np.expm1(np.abs(folded)) + DISCOUNT * later
    np.testing.assert_allclose(found.q[np.arange(count), actions.numpy()], expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("seed", range(8))
def test_given_actions_are_played(seed: int) -> None:
    guide = guided(seed)
    game = guide.observer.game
    state = game.new_state()
    state.play_randomly(seed)
    given = np.frombuffer(state.serialise().encode(), dtype=np.uint8) - np.uint8(48)
    found = guide.play(QUICK, 0, given=given)
    again = game.new_state()
    rewards = [again.apply(action) for action in given.tolist()]
    assert found.actions.tolist() == given.tolist() and found.seconds == state.seconds
    np.testing.assert_allclose(found.rewards * guide.observer.unit_seconds, rewards, rtol=1e-12)
    assert not found.policy.any() and not found.values.any() and not found.q.any()
    # With a search beside them the game is the same.
    searched = guide.play(QUICK, 0, given=given, searched=np.arange(len(given)) % 2 == 0)
    assert np.array_equal(searched.states, found.states) and np.array_equal(searched.actions, given)
    np.testing.assert_allclose(searched.policy[::2].sum(1), 1.0, atol=1e-5)
    assert not searched.policy[1::2].any()
    assert not searched.policy[(searched.states[:, :3] == 0.0)].any()
    returns = found.returns()
    assert returns[-1] == found.rewards[-1]
    assert returns[0] == pytest.approx(sum(DISCOUNT**i * reward for i, reward in enumerate(found.rewards)))


def test_given_arrays_may_be_read_only() -> None:
    guide = guided(0)
    given = guide.play(QUICK, 0).actions
    given.setflags(write=False)
    searched = np.zeros(len(given), dtype=np.bool_)
    searched.setflags(write=False)
    assert np.array_equal(guide.play(QUICK, 0, given=given, searched=searched).actions, given)
    games = Trajectories(guide, 0)
    games.adopt(given)
    assert np.array_equal(games.best, given)


@pytest.mark.parametrize("learned_model", [False, True])
def test_searched_games_depend_on_their_seeds_alone(learned_model: bool) -> None:
    how = replace(QUICK, learned_model=learned_model, search=replace(QUICK.search, gumbel_scale=2.0))
    ends = set()
    for seed in range(4):
        guide = guided(7)
        found, other = guide.play(how, seed), guided(7).play(how, seed)
        assert same(found, other) and same(found, guide.play(how, seed))
        state = guide.observer.game.new_state()
        state.apply_all(found.actions.tolist())
        assert state.is_terminal and state.seconds == found.seconds
        np.testing.assert_allclose(found.policy.sum(1), 1.0, atol=1e-5)
        ends.add(found.actions.tobytes())
    assert len(ends) > 1


def test_what_is_given_up_to_somewhere_is_searched_from_there() -> None:
    guide = guided(7)
    whole = guide.play(QUICK, 3)
    given = whole.actions.copy()
    given[len(given) // 2 :] = OPEN
    assert np.array_equal(guide.play(QUICK, 3, given=given).actions, whole.actions)


def test_illegal_actions_give_way_to_advice() -> None:
    guide = guided(5)
    count = len(guide.observer.game.decisions)
    found = guide.play(QUICK, 0, given=np.full(count, 2, dtype=np.uint8))
    state = guide.observer.game.new_state()
    for action in found.actions.tolist():
        assert action == 2 or not state.legal_mask >> 2 & 1
        state.apply(action)
    assert np.array_equal(guide.play(QUICK, 0, given=np.full(count, 9, dtype=np.uint8)).actions, best_of(guide))
    with pytest.raises(ValueError, match=f"given: expected {count} elements, found 1"):
        guide.play(QUICK, 0, given=np.zeros(1, dtype=np.uint8))


def best_of(guide: Guide) -> np.ndarray:
    search = Trajectories(guide, 0)
    search.play()
    return search.best


def test_prices_guide_where_there_is_no_network() -> None:
    saved = []
    for seed in range(20):
        game = agent_game(generate_problem("transformer", 40, seed))
        guide = Guide(Observer(game))
        found = guide.play(GuidedSearch(), 0)
        state = game.new_state()
        state.play_randomly(seed)
        saved.append((game.slow_seconds - found.seconds) - state.returns)
        with pytest.raises(ValueError, match="learned model: expected a guide with a network"):
            guide.play(replace(QUICK, learned_model=True), 0)
        if seed == 4:
            break
    assert np.mean(saved) > 0.0


def test_networks_of_other_sizes_are_refused() -> None:
    observer = guided(1).observer
    network = tiny_network()
    embeddings = embeddings_of(network, observer.program)
    with pytest.raises(ValueError, match=r"guide: expected \d+ embeddings of 8 numbers, found"):
        Guide(observer, CoreNetwork(core_arrays(network)), embeddings[1:])
    other = tiny_network(state_features=12)
    with pytest.raises(ValueError, match=r"expected a network of \d+ state features, found 12"):
        Guide(observer, CoreNetwork(core_arrays(other)), embeddings)
    with torch.no_grad():
        network.trunk.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="expected finite weights"):
        Agent(network)


@pytest.mark.parametrize("seed", range(6))
def test_searches_are_never_worse_than_their_start(seed: int) -> None:
    guide = guided(seed, 60)
    game = guide.observer.game
    one, two = Trajectories(guide, seed), Trajectories(guided(seed, 60), seed)
    for search in (one, two):
        search.play()
    start = one.best_seconds
    steps = [list(search.slices(deadline_in=0.0, iterations=130)) for search in (one, two)]
    assert steps == [[50, 100, 130]] * 2
    assert one.best_seconds == two.best_seconds <= start and np.array_equal(one.best, two.best)
    assert (one.num_decisions, one.num_asked) == (two.num_decisions, two.num_asked)
    end = game.restore("".join(map(str, one.best.tolist())))
    assert end.is_terminal and end.seconds == one.best_seconds
    one.adopt(np.zeros(len(game.decisions), dtype=np.uint8))
    assert one.best_seconds == min(two.best_seconds, game.slow_seconds)
    one.play(1.0)
    assert one.best_seconds <= min(two.best_seconds, game.slow_seconds)


def test_long_games_are_swept() -> None:
    random = Random(3)
    count = 900
    buffers = {
        f"b{k}": ("parameter" if k % 3 == 0 else "intermediate", random.randint(1, 12)) for k in range(2 * count)
    }
    steps = []
    for t in range(count):
        fresh = [f"b{k}" for k in (2 * t, 2 * t + 1)]
        made = [name for name in fresh if buffers[name][0] == "intermediate"]
        read = [name for name in fresh if name not in made]
        earlier = {f"b{k}" for k in (2 * t - 2, 2 * t - 5, 2 * t - 7) if k >= 0}
        steps.append((float(random.randint(0, 9)), [*read, *sorted(earlier)], made))
    game = agent_game(problem(part(40), buffers, steps))  # type: ignore[arg-type]
    assert game.num_decisions > 3000
    guide = Guide(Observer(game))
    ends = []
    for _ in range(2):
        search = Trajectories(guide, 5)
        search.play()
        start = search.best_seconds
        for _ in search.slices(deadline_in=0.0, iterations=400):
            assert search.best_seconds <= start
        end = game.restore("".join(map(str, search.best.tolist())))
        assert end.is_terminal and end.seconds == search.best_seconds < start
        ends.append(search.best.tobytes())
    assert ends[0] == ends[1]


def test_searches_without_decisions_end() -> None:
    game = agent_game(problem(part(8), {}, [(1.0, [], [])]))
    for guide in (Guide(Observer(game)), Agent(tiny_network()).guide(game)):
        search = Trajectories(guide, 0)
        assert len(search.best) == 0
        search.play()
        assert list(search.slices(deadline_in=0.0, iterations=10)) == [] and search.best_seconds == 1.0
        assert len(search.best) == 0
        assert guide.play(QUICK, 0).seconds == 1.0


def test_searches_that_have_not_begun_end() -> None:
    assert list(Trajectories(guided(1), 0).slices(deadline_in=0.0, iterations=10)) == []


def test_agents_are_found_by_their_folders(tmp_path) -> None:
    agent = load_agent(tiny_agent(tmp_path / "tiny"))
    assert agent is load_agent(str(tmp_path / "tiny"))
    assert np.array_equal(best_of(agent.guide(guided(2).observer.game)), best_of(guided(2)))
    with pytest.raises(UnknownNameError, match=r"Or give a folder, with a slash in its name"):
        load_agent("nobody")
    with pytest.raises(UnknownNameError, match="unknown agent"):
        load_agent(str(tmp_path / "nowhere"))
    other = feature_names().model_copy(update={"version": 99})
    save_network(tiny_network(), other, tmp_path / "other")
    with pytest.raises(InvalidInputError, match="expected features of version"):
        load_agent(str(tmp_path / "other"))


def test_games_of_the_agent_look_for_room_less_hard() -> None:
    offered, _ = random_problem(5, 40)
    for game in (Game(offered, move_limit=0, node_limit=0), Game(offered, move_limit=10**12), agent_game(offered)):
        state = game.new_state()
        state.play_randomly(1)
        assert game.restore(state.serialise()).seconds == state.seconds
    with pytest.raises(ValueError, match="expected limits of at least 0, found 200, 512 and -1"):
        Game(offered, move_limit=-1)
