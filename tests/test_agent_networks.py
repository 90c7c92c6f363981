"""The agent's networks: reader, heads, losses, learner, files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from memstow.errors import InvalidInputError, MemstowError
from memstow.rl_agent.networks import (
    Batch,
    FeatureNames,
    HlGauss,
    Learner,
    LearnerSettings,
    MemstowNetwork,
    NetworkConfig,
    Scalar,
    core_arrays,
    embeddings_of,
    load_network,
    muzero_loss,
    save_network,
    symexp,
    symlog,
)
from memstow.rl_agent.networks.chunks import Chunks, with_neighbours
from memstow.rl_agent.networks.gating import Gate
from memstow.rl_agent.networks.local_attention import LocalAttention
from memstow.rl_agent.networks.losses import mask_logits, unroll, window_embeddings

P, F = 6, 5
CONFIG = NetworkConfig(program_features=P, state_features=F, chunk=8)
FEATURES = FeatureNames(version=1, program=tuple(f"p{i}" for i in range(P)), state=tuple(f"s{i}" for i in range(F)))
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def network(**options) -> MemstowNetwork:
    torch.manual_seed(1)
    return MemstowNetwork(CONFIG.model_copy(update=options))


def batch(n: int = 32, k: int = 3, lengths: tuple[int, ...] = (5, 20, 33), seed: int = 0) -> Batch:
    """Windows of random games; the rewards and values follow from the states, so that they can be learned."""
    generator = torch.Generator().manual_seed(seed)
    programs = tuple(torch.randn(length, P, generator=generator) for length in lengths)
    program = torch.randint(len(lengths), (n,), generator=generator)
    decision = (torch.rand(n, generator=generator) * torch.tensor(lengths)[program]).long()
    states = torch.randn(n, k + 1, F, generator=generator)
    legal = torch.rand(n, k + 1, 3, generator=generator) < 0.7
    legal[..., 0] = True
    policy = torch.rand(n, k + 1, 3, generator=generator) * legal
    actions = torch.randint(3, (n, k), generator=generator)
    return Batch(
        programs=programs,
        program=program,
        decision=decision,
        states=states,
        legal=legal,
        actions=actions,
        rewards=actions * states[:, :-1, 0],
        policy=policy / policy.sum(-1, keepdim=True),
        values=0.5 + 0.3 * torch.tanh(states[..., 1]),
        mask=decision[:, None] + torch.arange(k + 1) < torch.tensor(lengths)[program, None],
        weights=0.5 + torch.rand(n, generator=generator),
    )


# Reader


@pytest.mark.parametrize("reader", ["gtrxl", "mlp"])
def test_shapes(reader):
    found = network(reader=reader)
    embeddings = found.read(torch.randn(21, P))
    assert embeddings.shape == (21, CONFIG.embedding)
    latent = found.represent(embeddings, torch.randn(21, F))
    assert latent.shape == (21, CONFIG.latent)
    assert latent.abs().max() < 1
    prediction = found.predict(latent)
    assert prediction.policy_logits.shape == (21, 3)
    assert prediction.value_logits.shape == (21, CONFIG.value_bins)
    following, reward = found.dynamics(latent, torch.eye(3)[torch.zeros(21, dtype=torch.long)], embeddings)
    assert following.shape == latent.shape
    assert following.abs().max() < 1
    assert reward.shape == (21, CONFIG.reward_bins)


@pytest.mark.parametrize("reader", ["gtrxl", "mlp"])
def test_programs_read_together_are_read_as_alone(reader):
    found = network(reader=reader)
    programs = [torch.randn(length, P) for length in (1, 8, 9, 0, 40)]
    torch.testing.assert_close(found.read_many(programs), torch.cat([found.read(each) for each in programs]))


@pytest.mark.parametrize("reader", ["gtrxl", "mlp"])
def test_a_program_without_decisions_has_no_embeddings(reader):
    assert network(reader=reader).read(torch.zeros(0, P)).shape == (0, CONFIG.embedding)


def test_chunks_of_two_programs():
    chunks = Chunks.of([5, 0, 3], 4, CPU)
    assert chunks.valid.int().tolist() == [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]]
    assert chunks.first.tolist() == [True, False, True]
    assert chunks.last.tolist() == [False, True, True]
    assert chunks.members.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert chunks.visible().int().tolist() == [
        [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0],
    ]
    programs = [torch.randn(length, P) for length in (5, 0, 3)]
    packed = chunks.pack(programs)
    torch.testing.assert_close(chunks.unpack(packed), torch.cat(programs))
    means = chunks.mean(packed)
    torch.testing.assert_close(means, torch.stack([programs[0].mean(0), torch.zeros(P), programs[2].mean(0)]))
    torch.testing.assert_close(chunks.spread(means)[:, 0], means[[0, 0, 2]])


def test_a_chunk_comes_with_its_neighbours():
    x = torch.arange(1.0, 7.0).view(3, 2, 1)
    assert with_neighbours(x)[..., 0].tolist() == [[0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 0, 0]]


def full_attention(attention: LocalAttention, x: torch.Tensor) -> torch.Tensor:
    """Of all decisions (D, width) to all, head by head."""
    places = torch.arange(len(x))
    reach = (attention.bias.shape[1] + 1) // 2 - 1
    distance = places - places[:, None] + reach
    query, (key, value) = attention.query(x), attention.key_value(x).chunk(2, dim=-1)
    heads = []
    for h, part in enumerate(torch.arange(x.shape[1]).chunk(attention.heads)):
        scores = query[:, part] @ key[:, part].T / len(part) ** 0.5 + attention.bias[h][distance]
        heads.append(torch.softmax(scores, -1) @ value[:, part])
    return attention.output(torch.cat(heads, dim=-1))


@pytest.mark.parametrize("length", [1, 5, 8])
def test_attention_within_a_chunk_is_full_attention(length):
    attention = LocalAttention(16, 4, 8)
    nn.init.normal_(attention.bias)
    chunks = Chunks.of([length], 8, CPU)
    x = torch.randn(length, 16)
    local = chunks.unpack(attention(chunks.pack([x]), chunks))
    torch.testing.assert_close(local, full_attention(attention, x))


@pytest.mark.parametrize("length", [9, 16])
def test_attention_within_two_chunks_is_full_attention(length):
    attention = LocalAttention(16, 4, 8)
    nn.init.normal_(attention.bias)
    chunks = Chunks.of([length, 11], 8, CPU)
    x = torch.randn(length, 16)
    local = chunks.unpack(attention(chunks.pack([x, torch.randn(11, 16)]), chunks))[:length]
    torch.testing.assert_close(local, full_attention(attention, x))


def test_many_chunks_are_attended_to_in_blocks_as_at_once(monkeypatch):
    attention = LocalAttention(16, 4, 8)
    chunks = Chunks.of([70, 30], 8, CPU)
    x = chunks.pack([torch.randn(70, 16), torch.randn(30, 16)])
    at_once = attention(x, chunks)
    monkeypatch.setattr("memstow.rl_agent.networks.local_attention._AT_ONCE", 3)
    torch.testing.assert_close(attention(x, chunks), at_once)


@pytest.mark.parametrize("layers", [1, 2])
def test_a_decision_sees_its_neighbour_chunks_per_layer_and_the_rest_by_the_summary(layers):
    found = network(reader_layers=layers)
    program = torch.randn(64, P, requires_grad=True)
    decision = 28  # in chunk 3 of 0..7
    with torch.no_grad():
        for layer in found.reader.layers:
            layer.summary.weight.zero_()
    found.read(program)[decision].sum().backward()
    seen = program.grad.abs().sum(-1) > 0
    assert torch.nonzero(seen)[:, 0].tolist() == list(range(8 * (3 - layers), min(64, 8 * (4 + layers))))

    program.grad = None
    network(reader_layers=layers).read(program)[decision].sum().backward()
    assert bool((program.grad.abs().sum(-1) > 0).all())


def test_gates_begin_near_the_identity():
    gate = Gate(64)
    x, y = torch.randn(500, 64), torch.relu(torch.randn(500, 64))
    assert (gate(x, y) - x).norm() / x.norm() < 0.25
    with torch.no_grad():
        gate.bias.fill_(20.0)
    torch.testing.assert_close(gate(x, y), x, atol=1e-5, rtol=0)


def test_a_gate_follows_the_paper():
    gate = Gate(4)
    x, y = torch.randn(3, 4), torch.randn(3, 4)
    w, u, v = gate.of_output.weight.split(4), gate.of_stream.weight.split(4), gate.of_reset.weight
    r = torch.sigmoid(y @ w[0].T + x @ u[0].T)
    z = torch.sigmoid(y @ w[1].T + x @ u[1].T - 2.0)
    h = torch.tanh(y @ w[2].T + (r * x) @ v.T)
    torch.testing.assert_close(gate(x, y), (1 - z) * x + z * h)


# Predicted numbers


def test_expectations_of_targets_are_the_numbers():
    output = HlGauss(-0.5, 1.5, 51)
    numbers = torch.linspace(-0.4, 1.4, 301)
    targets = output.targets(numbers)
    assert targets.shape == (301, 51)
    torch.testing.assert_close(targets.sum(-1), torch.ones(301))
    torch.testing.assert_close(output.expectation(torch.log(targets)), numbers, atol=2e-4, rtol=0)


def test_a_target_has_the_shape_of_a_bell():
    # One bin is 1 wide, so sigma is 0.75: P(|x| < 1/2) = erf(0.5 / (0.75 sqrt 2)) = 0.4950.
    targets = HlGauss(-10.5, 10.5, 21).targets(torch.tensor(0.0))
    assert targets[10].item() == pytest.approx(0.49501, abs=1e-4)
    torch.testing.assert_close(targets, targets.flip(0))


def test_numbers_outside_count_as_the_nearest_end():
    output = HlGauss(-1.0, 1.0, 21)
    torch.testing.assert_close(output.targets(torch.tensor(50.0)), output.targets(torch.tensor(1.0)))
    assert torch.isfinite(output.loss(torch.randn(21), torch.tensor(-50.0)))


def test_no_reward_is_expected_exactly():
    output = network().reward
    assert output.support[20].item() == 0.0
    assert output.expectation(torch.log(output.targets(torch.tensor(0.0)))).item() == pytest.approx(0.0, abs=1e-6)


def test_the_histogram_loss_is_least_at_the_target():
    output = HlGauss(-1.0, 1.0, 21)
    logits = torch.log(output.targets(torch.tensor(0.3))).requires_grad_()
    output.loss(logits, torch.tensor(0.3)).backward()
    assert logits.grad.abs().max() < 1e-5


def test_a_scalar_is_its_output():
    found = network(value="scalar")
    assert isinstance(found.value, Scalar)
    logits = found.predict(torch.randn(4, CONFIG.latent)).value_logits
    assert logits.shape == (4, 1)
    torch.testing.assert_close(found.value.expectation(logits), logits[:, 0])
    torch.testing.assert_close(found.value.loss(logits, torch.zeros(4)), logits[:, 0] ** 2)


def test_symlog_and_back():
    x = torch.tensor([-50.0, -1.0, 0.0, 0.001, 3.0, 50.0])
    torch.testing.assert_close(symexp(symlog(x)), x)
    assert symlog(torch.tensor(torch.e - 1)).item() == pytest.approx(1.0)


# Loss


def test_the_loss_is_the_sum_of_its_weighted_parts():
    parts = muzero_loss(network(), batch())
    expected = parts.policy + 0.5 * parts.value + parts.reward + parts.consistency
    torch.testing.assert_close(parts.total.detach(), expected)
    assert parts.value_errors.shape == (32,)


def test_a_window_by_hand():
    """The first state counts whole, the moves by their mean."""
    found, given = network(), batch(n=1, k=2, lengths=(9,))
    given = replace(given, decision=torch.tensor([4]), mask=torch.ones(1, 3, dtype=torch.bool), weights=torch.ones(1))
    embeddings = found.read(given.programs[0])
    latent = found.represent(embeddings[4], given.states[0, 0])
    policy = reward = consistency = 0.0
    for k in range(3):
        logits = mask_logits(found.predict(latent).policy_logits, given.legal[0, k])
        policy += functional.cross_entropy(logits, given.policy[0, k]) * (1.0 if k == 0 else 0.5)
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


# Learner


@pytest.mark.parametrize("options", [{}, {"reader": "mlp"}, {"value": "scalar"}])
def test_a_learner_learns_a_small_batch(options):
    learner = Learner(network(**options), LearnerSettings(learning_rate=3e-3, warmup_steps=10), "cpu")
    given = batch()
    first = learner.step(given)
    for _ in range(120):
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


# Files


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
    with pytest.raises(InvalidInputError, match="expected value_range to ascend"):
        NetworkConfig.parse({"program_features": 3, "state_features": 3, "value_range": (1, 0)}, where="agent.toml")


def evaluate(arrays: list[np.ndarray], embedding: np.ndarray, state: np.ndarray, action: int, following: np.ndarray):
    """What the core does with the arrays: policy logits, value, next latent, reward in symlog units."""
    w1, b1, w2, b2, wt, bt, wp, bp, wv, bv, values, d1, e1, d2, e2, wr, br, rewards = arrays

    def expectation(logits: np.ndarray, support: np.ndarray) -> float:
        if not len(support):
            return float(logits[0])
        powers = np.exp(logits - logits.max())
        return float(powers @ support / powers.sum())

    latent = np.tanh(w2 @ np.maximum(w1 @ np.concatenate([embedding, state]) + b1, 0) + b2)
    trunk = np.maximum(wt @ latent + bt, 0)
    hidden = np.maximum(d1 @ np.concatenate([latent, np.eye(3)[action], following]) + e1, 0)
    return (
        wp @ trunk + bp,
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
    policy, value, following, reward = evaluate(arrays, embeddings[3], state.numpy(), 2, embeddings[4])
    with torch.inference_mode():
        latent = found.represent(torch.tensor(embeddings[3]), state)
        prediction = found.predict(latent)
        next_latent, reward_logits = found.dynamics(latent, torch.eye(3)[2], torch.tensor(embeddings[4]))
    np.testing.assert_allclose(policy, prediction.policy_logits.numpy(), atol=1e-5)
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
