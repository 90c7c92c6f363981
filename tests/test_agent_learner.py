"""The agent's losses and its learner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from agent_batches import CONFIG, batch, network
from torch.nn import functional

from memstow.errors import InvalidInputError, MemstowError
from memstow.rl_agent.networks import Learner, LearnerSettings, MemstowNetwork, muzero_loss, symlog
from memstow.rl_agent.networks.losses import mask_logits, unroll, window_embeddings


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_loss_is_the_sum_of_its_weighted_parts():
    parts = muzero_loss(network(), batch())
    expected = parts.policy + 0.5 * parts.value + parts.reward + parts.consistency + 0.5 * parts.outlook
    torch.testing.assert_close(parts.total.detach(), expected)
    assert parts.value_errors.shape == (32,)


def test_a_window_by_hand():
    """The first state counts whole, the moves by their mean."""
    found, given = network(), batch(n=1, k=2, lengths=(9,))
    given = replace(given, decision=torch.tensor([4]), mask=torch.ones(1, 3, dtype=torch.bool), weights=torch.ones(1))
    embeddings = found.read(given.programs[0])
    latent = found.represent(embeddings[4], given.states[0, 0])
    policy = reward = consistency = outlook = 0.0
    for k in range(3):
        share, outlooks = 1.0 if k == 0 else 0.5, given.states[0, k, :3]
        prediction = found.predict(latent, outlooks)
        logits = mask_logits(prediction.policy_logits, given.legal[0, k])
        policy += share * functional.cross_entropy(logits, given.policy[0, k])
        apart = functional.smooth_l1_loss(prediction.outlooks, outlooks, reduction="none")
        outlook += share * apart[given.legal[0, k]].sum()
        if k == 2:
            break
        action = functional.one_hot(given.actions[0, k], 3).float()
        latent, logits = found.dynamics(latent, action, embeddings[5 + k])
        reward += 0.5 * found.reward.loss(logits, symlog(given.rewards[0, k]))
        target = found.represent(embeddings[5 + k], given.states[0, k + 1])
        consistency += 0.5 * (1.0 - functional.cosine_similarity(latent, target, dim=0))
    parts = muzero_loss(found, given)
    torch.testing.assert_close(parts.policy, policy.detach())
    torch.testing.assert_close(parts.reward, reward.detach())
    torch.testing.assert_close(parts.consistency, consistency.detach())
    torch.testing.assert_close(parts.outlook, outlook.detach())


def test_embeddings_of_windows_are_zero_past_the_end():
    found, given = network(), batch(n=3, k=3, lengths=(5, 9))
    given = replace(given, program=torch.tensor([0, 0, 1]), decision=torch.tensor([0, 3, 8]))
    windows = window_embeddings(found, given)
    first, second = (found.read(program) for program in given.programs)
    torch.testing.assert_close(windows[0], first[:4])
    torch.testing.assert_close(windows[1], torch.cat([first[3:], torch.zeros(2, CONFIG.embedding)]))
    torch.testing.assert_close(windows[2], torch.cat([second[8:], torch.zeros(3, CONFIG.embedding)]))


def test_what_is_masked_does_not_count():
    given = batch(n=16)
    mask = given.mask.clone()
    mask[:, 2:] = False
    given = replace(given, mask=mask)
    beyond = torch.arange(4) >= 2
    other = replace(
        given,
        values=torch.where(beyond, 7.0, given.values),
        policy=torch.where(beyond[:, None], torch.eye(3)[1], given.policy),
        rewards=torch.where(beyond[:3], -9.0, given.rewards),
        states=torch.where(beyond[:, None], 3.0, given.states),
    )
    for one, two in zip(muzero_loss(network(), given), muzero_loss(network(), other), strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)


def test_weights_scale_windows():
    given = batch(n=2)
    one, two = (muzero_loss(network(), replace(given, weights=torch.eye(2)[i])).total for i in range(2))
    both = muzero_loss(network(), replace(given, weights=torch.ones(2))).total
    torch.testing.assert_close(one + two, both)


def test_no_gradient_reaches_illegal_actions():
    logits = torch.randn(50, 3, requires_grad=True)
    legal = torch.rand(50, 3) < 0.6
    legal[:, 2] = True
    targets = torch.rand(50, 3) * legal
    masked = functional.log_softmax(mask_logits(logits, legal), dim=-1)
    assert bool((torch.exp(masked)[~legal] == 0).all())
    (-(targets * masked).sum()).backward()
    assert bool((logits.grad[~legal] == 0).all())
    assert bool((logits.grad[legal & (legal.sum(-1, keepdim=True) > 1)] != 0).all())


def test_consistency_teaches_the_dynamics_and_not_what_it_is_compared_with():
    found = network()
    assert not unroll(found, batch()).represented.requires_grad
    muzero_loss(found, batch()).total.backward()
    assert all(each.grad is not None and bool(torch.isfinite(each.grad).all()) for each in found.parameters())


def test_a_batch_of_wrong_shapes_is_refused():
    given = batch()
    with pytest.raises(InvalidInputError, match=r"expected rewards \(32, 3\) torch.float32, found \(32, 2\)"):
        replace(given, rewards=given.rewards[:, :2])
    with pytest.raises(InvalidInputError, match=r"expected legal .* torch.bool, found .* torch.uint8"):
        replace(given, legal=given.legal.to(torch.uint8))
    with pytest.raises(InvalidInputError, match="one move or more"):
        replace(given, actions=given.actions[:, :0])
    with pytest.raises(InvalidInputError, match="targets of 0 for illegal actions"):
        replace(given, policy=torch.full_like(given.policy, 1 / 3))


@pytest.mark.parametrize("options", [{}, {"reader": "mlp"}, {"value": "scalar"}])
def test_a_learner_learns_a_small_batch(options):
    learner = Learner(network(**options), LearnerSettings(learning_rate=3e-3, warmup_steps=10), "cpu")
    given = batch()
    first = learner.step(given)
    for _ in range(80):
        last = learner.step(given)
    entropy = -torch.special.xlogy(given.policy, given.policy).sum(-1) * given.mask
    least = (entropy @ torch.tensor([1, 1 / 3, 1 / 3, 1 / 3]) * given.weights).mean().item()
    assert 0 < last.losses["policy"] - least < 0.7 * (first.losses["policy"] - least)
    for part in ("loss", "reward", "consistency"):
        assert last.losses[part] < 0.9 * first.losses[part]
    assert last.losses["value_error"] < 0.3 * first.losses["value_error"]
    assert last.value_errors.shape == (32,)


@pytest.mark.parametrize("options", [{}, {"value": "scalar"}])
def test_a_resumed_learner_goes_on_as_if_it_had_not_stopped(options, tmp_path):
    settings = LearnerSettings(schedule="cosine", warmup_steps=2, total_steps=10)
    learner = Learner(network(**options), settings, "cpu")
    for seed in range(3):
        learner.step(batch(seed=seed))
    torch.save(learner.state_dict(), tmp_path / "checkpoint")
    reports = [learner.step(batch(seed=seed)) for seed in range(3, 6)]

    torch.manual_seed(99)
    resumed = Learner(MemstowNetwork(CONFIG.model_copy(update=options)), settings, "cpu")
    resumed.load_state_dict(torch.load(tmp_path / "checkpoint"))
    for seed, report in zip(range(3, 6), reports, strict=True):
        again = resumed.step(batch(seed=seed))
        assert again.losses == report.losses
        assert np.array_equal(again.value_errors, report.value_errors)
    for one, two in zip(learner.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_state_is_a_copy():
    learner = Learner(network(), LearnerSettings(), "cpu")
    learner.step(batch())
    state = learner.state_dict()
    before = state["network"]["trunk.weight"].clone()
    learner.step(batch())
    assert torch.equal(state["network"]["trunk.weight"], before)
    assert state["steps"] == 1


def test_a_state_of_another_network_is_refused():
    state = Learner(network(hidden=32), LearnerSettings(), "cpu").state_dict()
    with pytest.raises(InvalidInputError, match="with hidden 128, found 32; resume with the configuration of before"):
        Learner(network(), LearnerSettings(), "cpu").load_state_dict(state)


def test_a_gradient_that_is_not_finite_stops_the_learner_and_spares_the_network():
    learner = Learner(network(), LearnerSettings(), "cpu")
    given = batch()
    before = [each.clone() for each in learner.network.parameters()]
    with pytest.raises(MemstowError, match="finite gradient at step 0"):
        learner.step(replace(given, states=given.states * float("nan")))
    assert all(torch.equal(one, two) for one, two in zip(before, learner.network.parameters(), strict=True))


def test_learning_rates():
    settings = LearnerSettings(learning_rate=1.0, warmup_steps=4, total_steps=14, final_fraction=0.2)
    assert [settings.rate_at(step) for step in (0, 1, 3, 4, 1000)] == [0.25, 0.5, 1.0, 1.0, 1.0]
    cosine = settings.model_copy(update={"schedule": "cosine"})
    assert [cosine.rate_at(step) for step in (3, 4, 9, 14, 99)] == pytest.approx([1.0, 1.0, 0.6, 0.2, 0.2])
