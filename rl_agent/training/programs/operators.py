"""Operators of neural networks on a tape: their tensors, accessed bytes and arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from .tape import Entry, Tape, Tensor

#: Arithmetic per element of a pointwise operator, of a normalisation, of a softmax.
POINTWISE_FLOPS, NORM_FLOPS, SOFTMAX_FLOPS = 2.0, 8.0, 6.0


def linear(tape: Tape, x: Tensor, width: int, weight: Tensor | None = None, *, bias: bool = True) -> Tensor:
    """``x`` (rows, k) times a weight (k, width): a new one unless given."""
    weight = weight or tape.weight(x.width, width)
    result = tape.tensor(x.rows, width)
    reads = [x, weight, *([tape.weight(1, width, "bias")] if bias else [])]
    tape.step("dot", reads, [result], matrix_flops=2.0 * x.elements * width, saved=(x, weight))
    return result


def convolution(tape: Tape, x: Tensor, channels: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> Tensor:
    """``x`` (pixels, channels) by a square kernel; ``stride`` divides both sides of the image."""
    weight = tape.weight(max(1, x.width // groups) * kernel * kernel, channels)
    result = tape.tensor(max(1, x.rows // (stride * stride)), channels)
    flops = 2.0 * result.elements * weight.rows
    reads = [x, weight, tape.weight(1, channels, "bias")]
    if groups < x.width:
        tape.step("convolution", reads, [result], matrix_flops=flops, saved=(x, weight))
    else:
        tape.step("depthwise", reads, [result], vector_flops=flops, saved=(x, weight))
    return result


def pointwise(tape: Tape, *inputs: Tensor, flops: float = POINTWISE_FLOPS, opcode: str = "pointwise") -> Tensor:
    """One result of the first input's shape. Now and then it is written in the place of an input that is dead."""
    shape = inputs[0]
    saved = tuple(inputs) if len(inputs) > 1 and opcode == "multiply" else ()
    last = tape.steps[-1] if tape.steps else None
    fusible = last is not None and [entry[0] for entry in last.writes] == [shape] and last.trips == 1
    if last is not None and fusible and tape.random.random() < tape.fusion:
        # The operator before it writes this result instead of its own.
        result = tape.tensor(shape.rows, shape.width)
        last.writes = [(result, result.size_bytes)]
        last.reads += [(tensor, tensor.size_bytes) for tensor in inputs[1:] if tensor is not shape]
        last.vector_flops += flops * shape.elements
        last.saved = (*(tensor for tensor in (*last.saved, *saved) if tensor is not shape), result)
        return result
    result = tape.tensor(shape.rows, shape.width)
    tape.step(opcode, list(inputs), [result], vector_flops=flops * shape.elements, saved=saved or (result,))
    return result


def normalise(tape: Tape, x: Tensor) -> Tensor:
    """Layer normalisation; its statistics are often a step of their own."""
    scale = tape.weight(1, x.width, "scale")
    result = tape.tensor(x.rows, x.width)
    if tape.random.random() < tape.fusion:
        tape.step("normalise", [x, scale], [result], vector_flops=NORM_FLOPS * x.elements, saved=(x,))
        return result
    statistics = tape.tensor(x.rows, 2, "statistics")
    tape.step("reduce", [x], [statistics], vector_flops=NORM_FLOPS / 2 * x.elements)
    flops = NORM_FLOPS / 2 * x.elements
    tape.step("normalise", [x, statistics, scale], [result], vector_flops=flops, saved=(x, statistics))
    return result


def attention(tape: Tape, query: Tensor, key: Tensor, value: Tensor, heads: int, *, length: int = 0) -> Tensor:
    """Heads of attention, each query to ``length`` keys (all of them); scores are in memory unless all is fused."""
    length = length or key.rows
    result = tape.tensor(query.rows, query.width)
    scores = tape.tensor(query.rows * heads, length, "scores")
    flops = 2.0 * query.elements * length
    if tape.random.random() < tape.fusion / 2:
        saved, vector = (query, key, value, result), SOFTMAX_FLOPS * scores.elements
        tape.step("attention", saved[:3], [result], matrix_flops=2.0 * flops, vector_flops=vector, saved=saved)
        return result
    tape.step("dot", [query, key], [scores], matrix_flops=flops, saved=(query, key))
    weights = pointwise(tape, scores, flops=SOFTMAX_FLOPS, opcode="softmax")
    tape.step("dot", [weights, value], [result], matrix_flops=flops, saved=(weights, value))
    return result


def concatenate(tape: Tape, parts: Sequence[Tensor]) -> Tensor:
    """Parts side by side: copied in one step, or each written into one place."""
    result = tape.tensor(parts[0].rows, sum(part.width for part in parts))
    if tape.random.random() < 0.5:
        tape.step("concatenate", list(parts), [result])
        return result
    for k, part in enumerate(parts):
        updated = result if k == 0 else tape.tensor(result.rows, result.width, like=result)
        entries: list[Entry] = [(part, part.size_bytes)] + ([(result, 0)] if k else [])
        tape.step("update-slice", entries, [(updated, part.size_bytes)])
        result = updated
    return result


def slice_of(tape: Tape, x: Tensor, rows: int, width: int) -> Tensor:
    """A part of ``x``, copied."""
    result = tape.tensor(rows, width)
    count = min(x.size_bytes, result.size_bytes)
    tape.step("slice", [(x, count)], [result])
    return result


def view(tape: Tape, x: Tensor) -> Tensor:
    """The same data under another name: a step without any access."""
    result = tape.tensor(x.rows, x.width, "view", like=x)
    tape.step("bitcast", [(x, 0)], [(result, 0)])
    return result


def transpose(tape: Tape, x: Tensor) -> Tensor:
    """A copy in another layout."""
    result = tape.tensor(x.rows, x.width)
    tape.step("transpose", [x], [result])
    return result


def gather(tape: Tape, table: Tensor, rows: int) -> Tensor:
    """Rows of a large table, which may be pinned to slow memory."""
    result = tape.tensor(rows, table.width)
    tape.step("gather", [(table, min(table.size_bytes, result.size_bytes))], [result])
    return result


def pool(tape: Tape, x: Tensor, factor: int = 2) -> Tensor:
    """The image with ``factor`` less on either side."""
    result = tape.tensor(max(1, x.rows // (factor * factor)), x.width)
    tape.step("pool", [x], [result], vector_flops=float(x.elements), saved=(x,))
    return result


def upsample(tape: Tape, x: Tensor, rows: int) -> Tensor:
    """The image with ``rows`` pixels."""
    result = tape.tensor(rows, x.width)
    tape.step("upsample", [x], [result], vector_flops=float(result.elements))
    return result
