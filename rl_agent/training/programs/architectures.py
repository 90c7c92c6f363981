"""Architectures of networks, with random sizes, until a tape has about as many steps as were asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from .operators import (
    attention,
    concatenate,
    convolution,
    gather,
    linear,
    normalise,
    pointwise,
    pool,
    slice_of,
    transpose,
    upsample,
    view,
)
from .tape import Tape, Tensor

#: Fills a tape up to a number of steps and returns what the loss of a training step would be computed from.
Architecture = Callable[[Tape, int], Tensor]


def log_uniform(random: Random, low: float, high: float) -> float:
    """A number whose logarithm is even between the two."""
    return low * math.exp(random.random() * math.log(high / low))


def extent(random: Random, low: int, high: int, multiple: int = 1) -> int:
    """A whole number of that kind, a multiple of ``multiple``."""
    return max(multiple, round(log_uniform(random, low, high) / multiple) * multiple)


def feed_forward(tape: Tape, count: int) -> Tensor:
    """Dense layers of a few widths, some with a skip connection."""
    random = tape.random
    widths = [extent(random, 128, 4096, 64) for _ in range(random.choice([1, 1, 2, 4]))]
    x = tape.resident(extent(random, 1, 4096), random.choice(widths), "input", "x")
    skips = random.random() < 0.3
    while len(tape.steps) < count:
        y = pointwise(tape, linear(tape, x, random.choice(widths)))
        x = pointwise(tape, y, x, opcode="add") if skips and y.width == x.width else y
    return x


def transformer(tape: Tape, count: int) -> Tensor:
    """Blocks of attention and a feed-forward network; heads may share keys, networks may be gated, weights tied."""
    random = tape.random
    heads = random.choice([2, 4, 8, 12, 16])
    width = heads * random.choice([32, 64, 64, 128])
    tokens, shared = extent(random, 16, 2048, 8), random.choice([1, 1, 1, heads // 2])
    gated, hidden = random.random() < 0.4, extent(random, width, 4 * width, 64)
    table = tape.resident(extent(random, 1000, 60000), width, "parameter", "table", pinned=random.random() < 0.1)
    x = gather(tape, table, tokens)
    memory = tape.resident(extent(random, 16, 1024), width, "input", "memory") if random.random() < 0.15 else None
    fused = random.random() < 0.5
    while len(tape.steps) < count:
        x = _attend(tape, x, x, heads, shared, fused=fused)
        if memory is not None:
            x = _attend(tape, x, memory, heads, shared, fused=False)
        x = _network(tape, x, hidden, gated=gated)
    x = normalise(tape, x)
    return linear(tape, x, table.rows // 16, bias=False) if random.random() < 0.5 else x


def _attend(tape: Tape, x: Tensor, source: Tensor, heads: int, shared: int, *, fused: bool) -> Tensor:
    y = normalise(tape, x)
    keys = max(1, x.width // shared)
    if fused and source is x:
        joint = linear(tape, y, x.width + 2 * keys)
        query, key, value = (slice_of(tape, joint, x.rows, part) for part in (x.width, keys, keys))
    else:
        other = y if source is x else source
        query, key, value = linear(tape, y, x.width), linear(tape, other, keys), linear(tape, other, keys)
    if tape.random.random() < 0.3:
        key = transpose(tape, key)
    mixed = attention(tape, query, key, value, heads)
    if tape.random.random() < 0.3:
        mixed = view(tape, mixed)
    return pointwise(tape, linear(tape, mixed, x.width), x, opcode="add")


def _network(tape: Tape, x: Tensor, hidden: int, *, gated: bool) -> Tensor:
    y = normalise(tape, x)
    inner = pointwise(tape, linear(tape, y, hidden))
    if gated:
        inner = pointwise(tape, inner, linear(tape, y, hidden), opcode="multiply")
    return pointwise(tape, linear(tape, inner, x.width), x, opcode="add")


def convolutional(tape: Tape, count: int) -> Tensor:
    """Stages of residual, dense, inverted or plain blocks; the image shrinks as the channels grow."""
    random = tape.random
    block = random.choice([_residual, _residual, _dense, _inverted, _plain])
    side, batch = random.choice([32, 56, 112, 160, 224]), random.choice([1, 1, 1, 2, 8])
    x = tape.resident(batch * side * side, random.choice([3, 8]), "input", "image")
    x = pointwise(tape, convolution(tape, x, extent(random, 16, 96, 8), kernel=random.choice([3, 7]), stride=2))
    growth = extent(random, 12, 48, 4)
    stages = random.choice([3, 4, 5])
    for stage in range(stages):
        end = len(tape.steps) + max(1, (count - len(tape.steps)) // (stages - stage))
        if stage and x.rows > 4 * batch:
            x = convolution(tape, x, min(2048, 2 * x.width), stride=2) if random.random() < 0.6 else pool(tape, x)
        while len(tape.steps) < end:
            x = block(tape, x, growth)
    return linear(tape, pool(tape, x, max(1, int((x.rows / batch) ** 0.5))), extent(random, 10, 1000))


def _residual(tape: Tape, x: Tensor, growth: int) -> Tensor:
    inner = max(8, x.width // 4)
    y = pointwise(tape, convolution(tape, x, inner, kernel=1))
    y = pointwise(tape, convolution(tape, y, inner))
    return pointwise(tape, convolution(tape, y, x.width, kernel=1), x, opcode="add")


def _dense(tape: Tape, x: Tensor, growth: int) -> Tensor:
    y = pointwise(tape, convolution(tape, x, 4 * growth, kernel=1))
    return concatenate(tape, [x, convolution(tape, y, growth)])


def _inverted(tape: Tape, x: Tensor, growth: int) -> Tensor:
    wide = min(2048, 4 * x.width)
    y = pointwise(tape, convolution(tape, x, wide, kernel=1))
    y = pointwise(tape, convolution(tape, y, wide, groups=wide))
    return pointwise(tape, convolution(tape, y, x.width, kernel=1), x, opcode="add")


def _plain(tape: Tape, x: Tensor, growth: int) -> Tensor:
    return pointwise(tape, convolution(tape, x, x.width))


def unet(tape: Tape, count: int) -> Tensor:
    """An image made small and large again; every level's result is kept for the way back."""
    random = tape.random
    depth, side = min(random.choice([2, 3, 4]), 1 + count // 25), random.choice([32, 64, 96, 128])
    channels, cap = extent(random, 16, 96, 8), random.choice([256, 512, 1024])
    x = pointwise(tape, convolution(tape, tape.resident(side * side, 4, "input", "image"), channels))
    repeats = max(1, round(count / (2 * depth + 1) / 5))
    kept: list[Tensor] = []
    for level in range(depth):
        x = _level(tape, x, min(cap, channels << level), repeats)
        kept.append(x)
        x = pool(tape, x)
    x = _level(tape, x, min(cap, channels << depth), repeats)
    for level in reversed(range(depth)):
        x = concatenate(tape, [upsample(tape, x, kept[level].rows), kept[level]])
        x = _level(tape, x, min(cap, channels << level), repeats)
    return convolution(tape, x, 4, kernel=1)


def _level(tape: Tape, x: Tensor, channels: int, repeats: int) -> Tensor:
    x = pointwise(tape, convolution(tape, x, channels))
    for _ in range(repeats):
        y = pointwise(tape, convolution(tape, normalise(tape, x), channels))
        x = pointwise(tape, convolution(tape, y, channels), x, opcode="add")
    return x


def recurrent(tape: Tape, count: int) -> Tensor:
    """Cells with the same weights at every step of a sequence, unrolled or as a loop of one instruction."""
    random = tape.random
    width, batch = extent(random, 64, 2048, 64), extent(random, 1, 256)
    layers, gates = random.choice([1, 1, 2, 4]), random.choice([1, 3, 4])
    unrolled = max(1, count // (layers * 5))
    length = unrolled if random.random() < 0.8 else extent(random, 16, 256)
    sequence = tape.resident(length * batch, width, "input", "sequence")
    weights = [(tape.weight(width, gates * width), tape.weight(width, gates * width)) for _ in range(layers)]
    states = [tape.resident(batch, width, "input", "state") for _ in range(layers)]
    if length != unrolled:
        while len(tape.steps) < count:
            sequence = _loop(tape, sequence, states[0], weights[0], length)
            weights = [(tape.weight(width, gates * width), tape.weight(width, gates * width))]
        return sequence
    result = tape.tensor(sequence.rows, width, "sequence")
    for t in range(length):
        x = slice_of(tape, sequence, batch, width)
        for layer, (into, across) in enumerate(weights):
            gate = pointwise(tape, linear(tape, x, into.width, into), linear(tape, states[layer], into.width, across))
            before, x = states[layer], tape.tensor(batch, width, "state")
            tape.step("cell", [gate, before], [x], vector_flops=8.0 * gate.elements, saved=(gate, before))
            states[layer] = x
        updated = tape.tensor(result.rows, width, like=result) if t else result
        tape.step("update-slice", [x, *([(result, 0)] if t else [])], [(updated, x.size_bytes)])
        result = updated
    return result


def _loop(tape: Tape, x: Tensor, state: Tensor, weights: tuple[Tensor, Tensor], length: int) -> Tensor:
    result = tape.tensor(x.rows, x.width, "sequence")
    part = x.size_bytes // length
    flops = 2.0 * state.rows * sum(weight.elements for weight in weights)
    entries = [(x, part), (state, state.size_bytes), *((weight, weight.size_bytes) for weight in weights)]
    tape.step("while", entries, [(result, part)], matrix_flops=flops, trips=length, saved=(x, *weights))
    return pointwise(tape, result)


def branches(tape: Tape, count: int) -> Tensor:
    """Blocks whose branches of different lengths all read one tensor and are put side by side."""
    random = tape.random
    side = random.choice([14, 28, 35, 56])
    x = convolution(tape, tape.resident(side * side, 16, "input", "image"), extent(random, 32, 256, 16))
    while len(tape.steps) < count:
        parts = []
        for _ in range(random.randint(2, 5)):
            y = (
                pool(tape, x, 1)
                if random.random() < 0.2
                else convolution(tape, x, extent(random, 16, 192, 8), kernel=1)
            )
            for _ in range(random.randint(0, 2)):
                y = pointwise(tape, convolution(tape, y, extent(random, 16, 192, 8)))
            parts.append(y)
        x = concatenate(tape, parts)
        if x.width > 1024:
            x = convolution(tape, x, extent(random, 64, 256, 16), kernel=1)
    return x


def experts(tape: Tape, count: int) -> Tensor:
    """Transformer blocks in which each token goes to a few of several feed-forward networks."""
    random = tape.random
    width, tokens = 64 * random.randint(2, 16), extent(random, 8, 1024, 8)
    number = max(2, min(random.choice([4, 8, 16]), count // 8))
    hidden = extent(random, width, 4 * width, 64)
    x = tape.resident(tokens, width, "input", "x")
    while len(tape.steps) < count:
        x = _attend(tape, x, x, 8, 1, fused=False)
        y = normalise(tape, x)
        route = pointwise(tape, linear(tape, y, number, bias=False), opcode="softmax")
        total = None
        for _ in range(number):
            part = slice_of(tape, y, max(1, 2 * tokens // number), width)
            part = linear(tape, pointwise(tape, linear(tape, part, hidden)), width)
            total = pointwise(tape, x if total is None else total, part, route, opcode="add")
        x = total or x
    return x


def decode(tape: Tape, count: int) -> Tensor:
    """One token (of a few sequences) through large weights; every layer's cache grows in its place."""
    random = tape.random
    width, rows = 128 * random.randint(2, 24), random.choice([1, 1, 2, 8, 16])
    shared, context = random.choice([1, 1, 4, 8]), extent(random, 64, 4096, 64)
    hidden, gated = extent(random, 2 * width, 4 * width, 64), random.random() < 0.7
    x = tape.resident(rows, width, "input", "token")
    while len(tape.steps) < count:
        y = normalise(tape, x)
        caches = []
        for _ in range(2):
            new = linear(tape, y, max(1, width // shared), bias=False)
            old = tape.resident(rows * context, new.width, "input", "cache")
            grown = tape.tensor(old.rows, old.width, "cache", like=old)
            grown.kind = "output"
            tape.step("update-slice", [new, (old, 0)], [(grown, new.size_bytes)])
            caches.append(grown)
        query = linear(tape, y, width, bias=False)
        mixed = attention(tape, query, caches[0], caches[1], 8, length=context)
        x = pointwise(tape, linear(tape, mixed, width, bias=False), x, opcode="add")
        x = _network(tape, x, hidden, gated=gated)
    return linear(tape, normalise(tape, x), extent(random, 1000, 32000), bias=False)


#: Every architecture by its name in keys; those in :data:`TRAINABLE` come as training steps too.
ARCHITECTURES: dict[str, Architecture] = {
    "feed_forward": feed_forward,
    "transformer": transformer,
    "convolutional": convolutional,
    "unet": unet,
    "recurrent": recurrent,
    "branches": branches,
    "experts": experts,
    "decode": decode,
}
TRAINABLE = frozenset(ARCHITECTURES.keys() - {"decode"})
