from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from memstow import models
from memstow.errors import UnknownModelError

NAMES = [
    "bert",
    "convnext",
    "dlrm",
    "gpt2",
    "gpt2_train",
    "llama",
    "llama_decode",
    "lstm",
    "mlp_mixer",
    "mobilenet_v2",
    "moe",
    "resnet50",
    "t5_encoder",
    "unet",
    "vgg16",
    "vit",
    "wavenet",
    "whisper_encoder",
]
DEEP = {"gpt2_train": 48, "llama": 80, "vit": 40}
"""Layers of the deep sizes."""

# Counts of parameters, published:
#   resnet50, vgg16, convnext (tiny), vit (b_16), mobilenet_v2: "num_params" in torchvision's model documentation.
#     mobilenet_v2 there has 1000 classes: one more (weights of 1280 features and a bias) is 1281.
#     vit there has a classifier of 768 * 1000 + 1000, which is left out here.
#   bert: bert-base-uncased has 109,482,240 with its pooler of 768 * 768 + 768, which is left out here.
#   mlp_mixer: timm's mixer_b16_224.
# Derived from the dimensions (h hidden, i intermediate, k = h * key-value heads / heads, v vocabulary, p positions):
#   gpt2, gpt2_train: 12 h**2 + 13 h per layer, (v + p) h of embeddings, 2 h of the last norm:
#     full: 12 * 7,087,872 + 51,283 * 768; deep: 48 * 30,740,800 + 51,283 * 1600, where 51,283 = 50,257 + 1,024 + 2.
#   llama: 2 h**2 + 2 h k + 3 h i + 2 h per layer, v h of each embedding (full: tied), h of the last norm:
#     full: 32 * 9,832,320 + 49,152 * 960 + 960; deep: 80 * 855,654,400 + 2 * 32,000 * 8,192 + 8,192.
PUBLISHED = {
    ("bert", "full"): 109_482_240 - 590_592,
    ("convnext", "full"): 28_589_128,
    ("gpt2", "full"): 124_439_808,
    ("gpt2_train", "deep"): 1_557_611_200,
    ("llama", "deep"): 68_976_648_192,
    ("llama", "full"): 361_821_120,
    ("llama_decode", "full"): 361_821_120,
    ("mlp_mixer", "full"): 59_880_472,
    ("mobilenet_v2", "full"): 3_504_872 + 1_281,
    ("resnet50", "full"): 25_557_032,
    ("vgg16", "full"): 138_357_544,
    ("vit", "full"): 86_567_656 - 769_000,
}


def outputs_of(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    with torch.no_grad():
        result = module(*inputs)
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def on_meta(name: str, size: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    entry = models.entry(name)
    with torch.device("meta"):
        return entry.builder(**entry.configs[size])


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep torch's threads from waiting for each other over tiny kernels on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def tiny() -> Any:
    """Build each tiny model with seed 0 once: name -> (module, inputs)."""
    built: dict[str, tuple[nn.Module, tuple[Tensor, ...]]] = {}

    def get(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
        if name not in built:
            built[name] = models.build(name, "tiny", seed=0)
        return built[name]

    return get


def test_the_zoo_is_complete() -> None:
    assert models.names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_description(name: str) -> None:
    assert models.sizes(name) == (("tiny", "full", "deep") if name in DEEP else ("tiny", "full"))
    description = models.describe(name)
    assert description == description.strip()
    assert 10 < len(description) <= 120
    assert "\n" not in description


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_finite_and_of_order_one(name: str, tiny: Any) -> None:
    module, inputs = tiny(name)
    outputs = outputs_of(module, inputs)
    for output in outputs:
        assert torch.isfinite(output).all()
        assert 1e-2 < output.abs().max() < 100
    # A network that ends in nearly one value everywhere would make a comparison of numerics void.
    assert all(output.std() > 0.02 * output.abs().max() for output in outputs if output.numel() > 1)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_depend_on_inputs_and_weights(name: str, tiny: Any) -> None:
    module, inputs = tiny(name)
    other_module, other_inputs = models.build(name, "tiny", seed=1)
    reference = outputs_of(module, inputs)[0]
    floor = 0.01 * reference.abs().max()
    assert (outputs_of(module, other_inputs)[0] - reference).abs().max() > floor
    assert (outputs_of(other_module, inputs)[0] - reference).abs().max() > floor


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_and_the_global_generator_is_untouched(name: str, tiny: Any) -> None:
    torch.manual_seed(1234)
    before = torch.random.get_rng_state()
    module, inputs = models.build(name, "tiny", seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)

    expected_module, expected_inputs = tiny(name)
    expected = dict(expected_module.state_dict())
    actual = dict(module.state_dict())
    assert actual.keys() == expected.keys()
    assert all(torch.equal(actual[key], expected[key]) for key in expected)
    assert all(torch.equal(one, other) for one, other in zip(inputs, expected_inputs, strict=True))
    assert all(torch.is_tensor(value) and value.dtype in (torch.float32, torch.int64) for value in inputs)


@pytest.mark.parametrize("name", NAMES)
def test_modules_are_in_evaluation_mode_and_frozen(name: str, tiny: Any) -> None:
    module, _ = tiny(name)
    assert not any(layer.training for layer in module.modules())
    assert not any(parameter.requires_grad for parameter in module.parameters())
    assert models.parameter_bytes(module) == 4 * models.parameter_count(module) > 0


@pytest.mark.parametrize("name", NAMES)
def test_export_computes_the_same(name: str, tiny: Any) -> None:
    module, inputs = tiny(name)
    exported = torch.export.export(module, inputs)
    expected = outputs_of(module, inputs)
    actual = outputs_of(exported.module(), inputs)
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "size"), PUBLISHED)
def test_full_and_deep_sizes_have_the_published_parameters(name: str, size: str) -> None:
    if (name, size) == ("gpt2_train", "deep"):
        from memstow.models.language_models import gpt2_model

        # The network without its trace, which takes long: the step adds no parameters.
        config = dict(models.entry(name).configs[size])
        with torch.device("meta"):
            module = gpt2_model(positions=config.pop("tokens"), **config)
    else:
        module, _ = on_meta(name, size)
    assert models.parameter_count(module) == PUBLISHED[name, size]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "gpt2_train"])
def test_full_sizes_have_consistent_shapes(name: str) -> None:
    module, inputs = on_meta(name, "full")
    outputs = outputs_of(module.eval(), inputs)
    assert all(output.device.type == "meta" and output.numel() > 0 for output in outputs)


@pytest.mark.parametrize("name", ["llama", "vit"])
def test_deep_lives_on_meta(name: str) -> None:
    module, inputs = models.build(name, "deep")
    tensors = [*module.parameters(), *module.buffers(), *inputs]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert models.entry(name).configs["deep"]["layers"] == DEEP[name]


def test_a_training_step_is_traced_on_meta() -> None:
    # The deep step itself takes a minute; the tiny one goes the same way.
    module, inputs = on_meta("gpt2_train", "tiny")
    tensors = [*module.parameters(), *module.buffers(), *inputs, *outputs_of(module, inputs)]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert models.entry("gpt2_train").configs["deep"]["layers"] == DEEP["gpt2_train"]


def test_a_tensor_of_two_layers_counts_once() -> None:
    first, second = nn.Linear(3, 5, bias=False), nn.Linear(3, 5, bias=False)
    pair = nn.ModuleList([first, second])
    assert (models.parameter_count(pair), models.parameter_bytes(pair)) == (30, 120)
    second.weight = first.weight
    assert (models.parameter_count(pair), models.parameter_bytes(pair)) == (15, 60)
    assert models.parameter_bytes(pair.half()) == 30


def test_an_unknown_name_suggests_the_nearest() -> None:
    for function in (models.build, models.sizes, models.describe, models.entry):
        with pytest.raises(UnknownModelError, match=r"unknown model 'resnet-50': did you mean 'resnet50'\?"):
            function("resnet-50")


def test_an_unknown_size_suggests_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match=r"'bert/ful': did you mean 'bert/full'\? known: bert/full, bert/tiny"):
        models.build("bert", "ful")
    with pytest.raises(UnknownModelError, match="bert/deep"):
        models.build("bert", "deep")


def test_importing_the_zoo_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; from memstow import models; assert models.describe('bert'); assert models.sizes('llama');"
        "print(sorted({'torch', 'transformers', 'tvm'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


def test_gpt2_training_step_returns_the_gradients_of_autograd(tiny: Any) -> None:
    module, (ids, labels) = tiny("gpt2_train")
    # Equal ids accumulate into one row of the embedding's gradient.
    ids = ids.clone()
    ids[0, 3] = ids[0, 7] = ids[0, 11]
    loss, *gradients = outputs_of(module, (ids, labels))

    leaves = {name: value.clone().requires_grad_() for name, value in module.network.named_parameters()}
    arguments = {"input_ids": ids, "attention_mask": module.mask, "use_cache": False}
    logits = torch.func.functional_call(module.network, leaves, (), arguments).logits
    expected_loss = nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
    expected = torch.autograd.grad(expected_loss, list(leaves.values()))

    torch.testing.assert_close(loss, expected_loss.detach())
    for actual, wanted in zip(gradients, expected, strict=True):
        torch.testing.assert_close(actual, wanted, rtol=1e-4, atol=1e-6)


def test_llama_decode_continues_a_prefill(tiny: Any) -> None:
    # Same seed, same weights: llama over 32 tokens, and llama_decode for the last of them after 31 in the cache.
    prefill, (ids,) = tiny("llama")
    decode, _ = tiny("llama_decode")
    with torch.no_grad():
        mask = prefill.mask[..., :31, :31]
        past = decode.model(input_ids=ids[:, :31], attention_mask=mask, use_cache=True).past_key_values
        cache = [tensor for layer in past.layers for tensor in (layer.keys, layer.values)]
    logits, *grown = outputs_of(decode, (ids[:, 31:], *cache))
    torch.testing.assert_close(logits, outputs_of(prefill, (ids,))[0][:, 31:], rtol=1e-4, atol=1e-5)
    for before, after in zip(cache, grown, strict=True):
        assert after.shape[2] == 32
        assert torch.equal(after[:, :, :31], before)


def test_dense_dispatch_equals_the_sparse_layer_of_transformers() -> None:
    from transformers import MixtralConfig
    from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

    from memstow.models.modules.mixture_of_experts import DenseDispatch

    generator = torch.Generator().manual_seed(0)
    sparse = MixtralSparseMoeBlock(
        MixtralConfig(hidden_size=16, intermediate_size=24, num_local_experts=4, num_experts_per_tok=2)
    ).eval()
    for parameter in sparse.parameters():
        parameter.data.normal_(std=0.25, generator=generator)
    hidden = torch.randn(1, 10, 16, generator=generator)
    with torch.no_grad():
        expected = sparse(hidden)
        expected = expected[0] if isinstance(expected, tuple) else expected
        torch.testing.assert_close(DenseDispatch(sparse)(hidden), expected, rtol=1e-4, atol=1e-6)


def test_the_causal_mask_hides_the_future_and_the_padding_mask_the_end() -> None:
    from memstow.models.modules.adapters import causal_mask, padding_mask

    assert torch.equal(causal_mask(3)[0, 0] < 0, torch.tensor([[0, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=torch.bool))
    assert torch.equal(padding_mask(4, 1).flatten() < 0, torch.tensor([0, 0, 0, 1], dtype=torch.bool))
    assert not padding_mask(4, 0).any()


def test_the_unrolled_lstm_equals_torch() -> None:
    from memstow.models.modules.lstm import UnrolledLstm

    generator = torch.Generator().manual_seed(0)
    unrolled, reference = UnrolledLstm(2, 3, 4), nn.LSTM(3, 4, num_layers=2)
    for layer, cell in enumerate(unrolled.cells):
        for own, name in (("from_input", "ih"), ("from_hidden", "hh")):
            linear = cell.get_submodule(own)
            for kind in ("weight", "bias"):
                value = torch.randn(linear.get_parameter(kind).shape, generator=generator)
                linear.get_parameter(kind).data.copy_(value)
                reference.get_parameter(f"{kind}_{name}_l{layer}").data.copy_(value)
    features = torch.randn(5, 2, 3, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(unrolled(features), reference(features)[0])
