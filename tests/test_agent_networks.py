"""The agent's networks: the reader, states, predicted numbers."""

from __future__ import annotations

import pytest
import torch
from agent_batches import CONFIG, F, P, network
from torch import nn

from memstow.rl_agent.networks import HlGauss, Scalar, symexp, symlog
from memstow.rl_agent.networks.chunks import Chunks, with_neighbours
from memstow.rl_agent.networks.gating import Gate
from memstow.rl_agent.networks.local_attention import LocalAttention

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


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
