"""Small models of random layers and extents: kernels beside those of the zoo, fused and scheduled alike."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import nn
from torch.nn import functional

from ...cost_model.random_extent import random_extent

Built = tuple[nn.Module, tuple[torch.Tensor, ...]]
Function = Callable[..., torch.Tensor]
Kinds = tuple[Callable[[random.Random], Built], ...]
_MODELS_PER_PROGRAM = 100
#: Most extents of real models are multiples of a power of two.
_STEPS = (1, 4, 8, 16, 16, 32, 64)
#: What one model may compute and hold, so that a kernel runs in milliseconds.
_MAX_FLOPS, _MAX_ELEMENTS = 4e8, 1 << 21


class Expression(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self._function = function

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        """Apply the function."""
        return self._function(*tensors)


def generated_model(seed: int, kinds: Kinds) -> Built:
    """A model of one to three layers with example inputs; the same seed gives the same layers and extents."""
    rng = random.Random(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module, inputs = rng.choice(kinds)(rng)
    return module.eval().requires_grad_(False), inputs


def generated_models(program: str) -> Iterator[Built]:
    """The models of one of :data:`GENERATED`."""
    first = list(GENERATED).index(program) * _MODELS_PER_PROGRAM
    for seed in range(first, first + _MODELS_PER_PROGRAM):
        yield generated_model(seed, GENERATED[program])


def _extent(rng: random.Random, low: int, high: int) -> int:
    return random_extent(rng, low, high, _STEPS)


def _activation(rng: random.Random) -> nn.Module:
    kinds = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Sigmoid, nn.Tanh, nn.Identity)
    return rng.choice(kinds)()


def _depthwise(rng: random.Random) -> Built:
    return _convolution(rng, depthwise_share=1.0)


def _convolution(rng: random.Random, depthwise_share: float = 0.3) -> Built:
    while True:
        inputs, outputs, size = _extent(rng, 3, 512), _extent(rng, 4, 512), _extent(rng, 4, 128)
        window, stride = rng.choice((1, 1, 3, 3, 5, 7)), rng.choice((1, 1, 2))
        depthwise = rng.random() < depthwise_share
        groups = inputs if depthwise else 1
        outputs = inputs if depthwise else outputs
        flops = 2.0 * size**2 / stride**2 * outputs * inputs / groups * window**2
        if flops <= _MAX_FLOPS and max(inputs, outputs) * size**2 <= _MAX_ELEMENTS:
            break
    padding = window // 2 if rng.random() < 0.8 else 0
    bias, window = rng.random() < 0.4, min(window, size)
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, window, stride, padding, groups=groups, bias=bias)]
    if rng.random() < 0.6:
        layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers, _activation(rng)), (torch.randn(1, inputs, size, size),)


def _residual(rng: random.Random) -> Built:
    channels, size = _extent(rng, 8, 512), _extent(rng, 4, 64)
    norm, other = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
    activation, both = _activation(rng), rng.random() < 0.5

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.other, self.activation = norm, other, activation

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            left = self.norm(x) + (self.other(y) if both else y)
            result: torch.Tensor = self.activation(left)
            return result

    shape = (1, channels, size, size)
    return Residual(), (torch.randn(shape), torch.randn(shape))


def _linear(rng: random.Random) -> Built:
    while True:
        rows, k, n = _extent(rng, 1, 1024), _extent(rng, 8, 4096), _extent(rng, 8, 4096)
        if 2.0 * rows * k * n <= _MAX_FLOPS and max(rows * k, rows * n, 4 * k * n // 16) <= _MAX_ELEMENTS:
            break
    return nn.Sequential(nn.Linear(k, n, bias=rng.random() < 0.7), _activation(rng)), (torch.randn(rows, k),)


def _feature_map(rng: random.Random) -> tuple[int, ...]:
    while True:
        shape = (
            (_extent(rng, 1, 512), _extent(rng, 8, 4096))
            if rng.random() < 0.6
            else (1, _extent(rng, 4, 512), _extent(rng, 4, 96), _extent(rng, 4, 96))
        )
        if torch.Size(shape).numel() <= _MAX_ELEMENTS:
            return shape


def _normalisation(rng: random.Random) -> Built:
    rows, columns = _extent(rng, 1, 1024), _extent(rng, 16, 4096)
    kind = rng.choice((nn.LayerNorm, nn.RMSNorm))
    return nn.Sequential(kind(columns), _activation(rng)), (torch.randn(1, rows, columns),)


def _softmax(rng: random.Random) -> Built:
    heads, rows, columns = _extent(rng, 1, 16), _extent(rng, 1, 256), _extent(rng, 8, 1024)
    scale = rng.random()
    log = rng.random() < 0.2
    function = functional.log_softmax if log else functional.softmax
    return Expression(lambda x: function(x * scale, dim=-1)), (torch.randn(heads, rows, columns),)


def _attention(rng: random.Random) -> Built:
    heads, rows, width = rng.choice((2, 4, 8, 12, 16)), _extent(rng, 8, 256), rng.choice((16, 32, 64, 128))

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        weights = functional.softmax(q @ k.transpose(-1, -2) / width**0.5, dim=-1)
        return (weights @ v).transpose(1, 2).reshape(1, rows, heads * width)

    return Expression(attend), tuple(torch.randn(1, heads, rows, width) for _ in range(3))


def _pooling(rng: random.Random) -> Built:
    channels, size = _extent(rng, 4, 512), _extent(rng, 6, 64)
    window, stride = rng.choice((2, 3)), rng.choice((1, 2))
    kind = rng.choice((nn.MaxPool2d, nn.AvgPool2d))
    layer = nn.AdaptiveAvgPool2d(1) if rng.random() < 0.25 else kind(window, stride)
    return layer, (torch.randn(1, channels, size, size),)


def _reduction(rng: random.Random) -> Built:
    shape = _feature_map(rng)
    dim = rng.randrange(len(shape))
    function = rng.choice((torch.sum, torch.mean))
    squared = rng.random() < 0.5
    return Expression(lambda x: function(x * x if squared else x, dim=dim)), (torch.randn(shape),)


_CHAIN: tuple[Function, ...] = (
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - y,
    lambda x, y: x / (y * y + 1.0),
    lambda x, y: torch.maximum(x, y),
    lambda x, y: functional.silu(x) * y,
    lambda x, y: torch.exp(-x) + y,
    lambda x, y: torch.sqrt(x * x + 1.0) * y,
    lambda x, y: torch.sigmoid(x) * torch.tanh(y),
    lambda x, y: functional.gelu(x) + y,
    lambda x, y: torch.where(x > y, x, 0.0),
    lambda x, y: 0.9 * x + 0.1 * y * y,
)


def _chain(rng: random.Random) -> Built:
    shape = _feature_map(rng)
    steps = [rng.choice(_CHAIN) for _ in range(rng.choice((1, 1, 2, 3, 4)))]
    row = rng.random() < 0.25

    def apply(*tensors: torch.Tensor) -> torch.Tensor:
        result = tensors[0]
        for i, step in enumerate(steps):
            result = step(result, tensors[1 + i % (len(tensors) - 1)])
        return result

    others = [torch.randn(shape[-1:] if row else shape) for _ in range(rng.choice((1, 1, 2, 3)))]
    return Expression(apply), (torch.randn(shape), *others)


def _movement(rng: random.Random) -> Built:
    shape = _feature_map(rng)
    choice = rng.randrange(5)
    if choice == 0:
        order = list(range(len(shape)))
        rng.shuffle(order)
        return Expression(lambda x: x.permute(order).contiguous() + 1.0), (torch.randn(shape),)
    if choice == 1:
        dim = rng.randrange(len(shape))
        return Expression(lambda x, y: torch.cat([x, y], dim=dim)), (torch.randn(shape), torch.randn(shape))
    if choice == 2:
        return Expression(lambda x: functional.pad(x, (1, 1))), (torch.randn(shape),)
    if choice == 3:
        half = max(1, shape[-1] // 2)
        return Expression(lambda x: torch.cat([-x[..., half:], x[..., :half]], dim=-1)), (torch.randn(shape),)
    table, count = _extent(rng, 16, 8192), _extent(rng, 1, 512)
    width = _extent(rng, 8, 256)
    return nn.Embedding(table, width), (torch.randint(table, (1, count)),)


_KINDS: Kinds = (
    *(_convolution, _convolution, _convolution, _residual, _linear, _linear, _normalisation, _softmax),
    *(_attention, _pooling, _reduction, _chain, _chain, _chain, _movement, _movement),
)
#: Programs of such models by what they may consist of.
GENERATED: Mapping[str, Kinds] = {
    **{f"generated_{i}": _KINDS for i in range(10)},
    **{f"generated_depthwise_{i}": (_depthwise,) for i in range(2)},
    **{f"generated_rows_{i}": (_normalisation, _softmax, _reduction) for i in range(2)},
    **{f"generated_chain_{i}": (_chain, _residual) for i in range(3)},
    "generated_movement_0": (_movement,),
    **{f"generated_linear_{i}": (_linear, _attention) for i in range(2)},
}
