"""The agent's networks as files, and as the arrays that the core evaluates."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from agent_batches import FEATURES, F, P, batch, network

from memstow.errors import InvalidInputError
from memstow.rl_agent.networks import (
    Learner,
    LearnerSettings,
    NetworkConfig,
    core_arrays,
    embeddings_of,
    load_network,
    save_network,
)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_a_network_is_read_as_it_was_written(tmp_path):
    learner = Learner(network(reader_layers=1), LearnerSettings(), "cpu")
    learner.step(batch())
    card = save_network(learner.network, FEATURES, tmp_path / "a", made_by={"steps": "1"})
    found, again = load_network(tmp_path / "a", FEATURES)
    assert again == card
    assert again.made_by == {"steps": "1"}
    for one, two in zip(core_arrays(learner.network), core_arrays(found), strict=True):
        assert np.array_equal(one, two)
    program = np.random.default_rng(0).normal(size=(30, P)).astype(np.float32)
    assert np.array_equal(embeddings_of(found, program), embeddings_of(learner.network, program))


def test_other_features_are_refused(tmp_path):
    save_network(network(), FEATURES, tmp_path)
    newer = FEATURES.model_copy(update={"version": 2})
    with pytest.raises(InvalidInputError, match=r"expected features of version 2, found version 1; train the agent"):
        load_network(tmp_path, newer)
    renamed = FEATURES.model_copy(update={"program": (*FEATURES.program[:-1], "size")})
    with pytest.raises(InvalidInputError, match="expected program feature 5 to be size, found p5"):
        load_network(tmp_path, renamed)
    longer = FEATURES.model_copy(update={"state": (*FEATURES.state, "fill")})
    with pytest.raises(InvalidInputError, match="expected state feature 5 to be fill, found none"):
        load_network(tmp_path, longer)
    with pytest.raises(InvalidInputError, match="expected names of 6 program features and 5 state features, found 6"):
        save_network(network(), longer, tmp_path / "b")


def test_damaged_files_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"network\.json: cannot be read"):
        load_network(tmp_path, FEATURES)
    save_network(network(), FEATURES, tmp_path)
    weights, card = tmp_path / "network.safetensors", tmp_path / "network.json"
    data = weights.read_bytes()
    weights.write_bytes(data[:-9])
    with pytest.raises(InvalidInputError, match=r"expected the weights that network\.json describes"):
        load_network(tmp_path, FEATURES)
    weights.unlink()
    with pytest.raises(InvalidInputError, match=r"network\.safetensors: cannot be read"):
        load_network(tmp_path, FEATURES)
    weights.write_bytes(data)
    changed = json.loads(card.read_text())
    changed["config"]["hidden"] = 17
    card.write_text(json.dumps(changed))
    with pytest.raises(InvalidInputError, match=r"expected weights of the network in network\.json, found: .*size"):
        load_network(tmp_path, FEATURES)


def test_configurations_that_do_not_fit_together_are_refused():
    with pytest.raises(InvalidInputError, match="reader_width to be a multiple of reader_heads, found 64 and 5"):
        NetworkConfig.parse({"program_features": 3, "state_features": 3, "reader_heads": 5}, where="agent.toml")
    with pytest.raises(InvalidInputError, match="expected 3 state features from first_outlook 2 on, found 4 in all"):
        NetworkConfig.parse({"program_features": 3, "state_features": 4, "first_outlook": 2}, where="agent.toml")
    with pytest.raises(InvalidInputError, match="expected value_range to ascend"):
        NetworkConfig.parse({"program_features": 3, "state_features": 3, "value_range": (1, 0)}, where="agent.toml")


def evaluate(arrays: list[np.ndarray], embedding: np.ndarray, state: np.ndarray, action: int, following: np.ndarray):
    """What the core does with the arrays: policy logits of a seen and an imagined state, value, next latent, reward."""
    w1, b1, w2, b2, wt, bt, wp, bp, wo, bo, wv, bv, values, d1, e1, d2, e2, wr, br, rewards = arrays

    def expectation(logits: np.ndarray, support: np.ndarray) -> float:
        if not len(support):
            return float(logits[0])
        powers = np.exp(logits - logits.max())
        return float(powers @ support / powers.sum())

    latent = np.tanh(w2 @ np.maximum(w1 @ np.concatenate([embedding, state]) + b1, 0) + b2)
    trunk = np.maximum(wt @ latent + bt, 0)
    hidden = np.maximum(d1 @ np.concatenate([latent, np.eye(3)[action], following]) + e1, 0)
    return (
        wp @ trunk + bp + 2.0 * state[:3],
        wp @ trunk + bp + 2.0 * (wo @ trunk + bo),
        expectation(wv @ trunk + bv, values),
        np.tanh(d2 @ hidden + e2),
        expectation(wr @ hidden + br, rewards),
    )


@pytest.mark.parametrize("options", [{}, {"value": "scalar"}])
def test_the_core_arrays_say_what_the_network_says(options):
    found = network(**options)
    arrays = core_arrays(found)
    assert all(each.dtype == np.float32 and each.flags.c_contiguous for each in arrays)
    embeddings = embeddings_of(found, torch.randn(9, P).numpy())
    state = torch.randn(F)
    seen, imagined, value, following, reward = evaluate(arrays, embeddings[3], state.numpy(), 2, embeddings[4])
    with torch.inference_mode():
        latent = found.represent(torch.tensor(embeddings[3]), state)
        prediction = found.predict(latent)
        prediction_of_seen = found.predict(latent, found.outlooks(state))
        next_latent, reward_logits = found.dynamics(latent, torch.eye(3)[2], torch.tensor(embeddings[4]))
    np.testing.assert_allclose(imagined, prediction.policy_logits.numpy(), atol=1e-5)
    np.testing.assert_allclose(seen, prediction_of_seen.policy_logits.numpy(), atol=1e-5)
    assert value == pytest.approx(found.value.expectation(prediction.value_logits).item(), abs=1e-5)
    np.testing.assert_allclose(following, next_latent.numpy(), atol=1e-5)
    assert reward == pytest.approx(found.reward.expectation(reward_logits).item(), abs=1e-5)


def test_core_arrays_are_copies():
    found = network()
    arrays = core_arrays(found)
    before = arrays[0].copy()
    with torch.no_grad():
        found.represent_hidden.weight.add_(1.0)
    assert np.array_equal(arrays[0], before)
