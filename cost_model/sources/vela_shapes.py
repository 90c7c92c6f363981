"""Operators of the zoo's models: their shapes from a run on the meta device, as the quantised operators of TFLite."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ...models.registry import META_SIZE, build, entry
from .vela_operators import BINARY, UNARY, QuantisedOperator, Shape

Operators = Iterator[QuantisedOperator]


def zoo_operators(model: str, size: str) -> list[QuantisedOperator]:
    """The distinct operators of one model in int8, in the order of their first run; no weight is ever allocated.

    What has no counterpart in TFLite's quantised operators is left out, as are views, which move no data.
    """
    found: dict[QuantisedOperator, None] = {}
    images: set[Shape] = set()

    def record(name: str, args: Any, result: Any) -> None:
        found.update(dict.fromkeys(quantised(name, args, result, images)))

    run_recorded(*build(model, size, shapes_only=True), record)
    return list(found)


def run_recorded(module: Any, inputs: Any, record: Callable[[str, Any, Any], None]) -> None:
    """Run a module for inference; ``record`` gets the name, arguments and result of every operation of ATen."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Record(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            record(func.overloadpacket.__name__, args, result)
            return result

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        with Record():  # type: ignore[no-untyped-call]
            module.eval()(*inputs)


def quantised(name: str, args: Any, result: Any, images: set[Shape]) -> Operators:
    """The operators that one operation of ATen becomes: none without a counterpart.

    ``images`` remembers the shapes that convolutions put out, and is added to.
    """
    for op in _operators(name, args, result):
        if name in ("convolution", "native_batch_norm", "max_pool2d_with_indices"):
            images.add(tuple((result[0] if isinstance(result, tuple) else result).shape))
        yield _channels_last(op, images)


def sizes_of(model: str) -> list[str]:
    """The sizes whose shapes are taken: ``deep`` repeats those of ``full`` in larger, beyond what these parts run."""
    return [size for size in entry(model).sizes if size != META_SIZE]


def _operators(name: str, args: Any, result: Any) -> Operators:
    import torch

    first = result[0] if isinstance(result, tuple | list) and result else result
    tensors = [a for a in args if isinstance(a, torch.Tensor)]
    if not isinstance(first, torch.Tensor) or not first.is_floating_point() or not first.numel():
        return
    if any(not t.is_floating_point() for t in tensors):
        return
    handler = _HANDLERS.get(name.removesuffix("_"))
    if handler is not None:
        yield from handler(args, tuple(first.shape))


def _collapsed(shape: Shape) -> Shape:
    """Four dimensions, the first of them 1: what these parts take; leading dimensions merge into the height."""
    padded = (1,) * (4 - len(shape)) + tuple(shape)
    return (1, math.prod(padded[:-2]), *padded[-2:])


def _channels_last(op: QuantisedOperator, images: set[Shape]) -> QuantisedOperator:
    """An element-wise operator on what convolutions put out has its channels where they have them."""
    image = next((i for i in images if len(i) == 4 and _collapsed(i) == op.output), None)
    if (
        image is None
        or any(shape != op.output for shape in op.inputs)
        or (op.code not in UNARY and op.code not in BINARY)
    ):
        return op
    return replace(op, inputs=(_nhwc(image),) * len(op.inputs), output=_nhwc(image))


def _nhwc(shape: Shape) -> Shape:
    """Of NCHW or, with a height of 1, NCW."""
    if len(shape) == 3:
        return (shape[0], 1, shape[2], shape[1])
    return (shape[0], *shape[2:], shape[1])


def _pair(values: Any) -> tuple[int, int]:
    values = [values] if isinstance(values, int) else list(values)
    return (1, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))


def _padded(shape: Shape, padding: Any) -> Shape:
    sides = [0, *padding] if len(padding) == 1 else padding
    return (shape[0], shape[1] + 2 * int(sides[0]), shape[2] + 2 * int(sides[1]), shape[3])


def _convolution(args: Any, out: Shape) -> Operators:
    x, w, _, stride, padding, dilation, transposed, _, groups = args
    inputs, output, weights = _nhwc(tuple(x.shape)), _nhwc(out), _nhwc(tuple(w.shape))
    strides, window = _pair(stride), (weights[1], weights[2])
    same = any(padding) and all(o == -(-i // s) for o, i, s in zip(output[1:3], inputs[1:3], strides, strict=True))
    if transposed:
        yield QuantisedOperator(
            "TRANSPOSE_CONV", "int8", (inputs,), output, (weights[3], *window, weights[0]), window, strides, same=True
        )
        return
    inputs = inputs if same else _padded(inputs, padding)
    code = "CONV_2D"
    if groups > 1 and weights[3] == 1 and weights[0] == groups:
        code, weights = "DEPTHWISE_CONV_2D", (1, *window, groups)
    elif groups > 1:
        inputs, output = (*inputs[:3], weights[3]), (*output[:3], weights[0] // groups)
        weights = (output[3], *weights[1:])
    yield QuantisedOperator(code, "int8", (inputs,), output, weights, window, strides, _pair(dilation), same)


def _linear(args: Any, out: Shape) -> Operators:
    left, right = [a for a in args if hasattr(a, "shape")][-2:]
    yield QuantisedOperator(
        "FULLY_CONNECTED", "int8", (tuple(left.shape),), out, (int(right.shape[1]), int(right.shape[0]))
    )


def _batched(args: Any, out: Shape) -> Operators:
    # Both operands with the reduced extent innermost, as these parts read them.
    right = tuple(args[1].shape)
    yield QuantisedOperator("BATCH_MATMUL", "int8", (tuple(args[0].shape), (right[0], right[2], right[1])), out)


def _binary(code: str) -> Callable[[Any, Shape], Operators]:
    def handler(args: Any, out: Shape) -> Operators:
        shapes = [tuple(a.shape) for a in args[:2] if hasattr(a, "shape")]
        if any(math.prod(shape) == 1 for shape in shapes) or len(shapes) == 1:
            # With a number the other operand costs no traffic.
            yield QuantisedOperator(
                "LEAKY_RELU" if code == "MUL" else "ABS", "int8", (_collapsed(out),), _collapsed(out)
            )
            return
        if all(shape == out for shape in shapes):
            collapsed = tuple(_collapsed(shape) for shape in shapes)
        else:
            padded = [(1,) * (max(4, len(out)) - len(shape)) + shape for shape in shapes]
            collapsed = tuple(_collapsed(shape) for shape in padded)
            leading = [shape[:-2] for shape in padded]
            if any(math.prod(a) not in (1, math.prod(out[:-2])) for a in leading):
                return
        yield QuantisedOperator(code, "int8", collapsed, _collapsed(out))

    return handler


def _unary(code: str) -> Callable[[Any, Shape], Operators]:
    def handler(args: Any, out: Shape) -> Operators:
        yield QuantisedOperator(code, "int8", (_collapsed(out),), _collapsed(out))

    return handler


def _reduction(code: str) -> Callable[[Any, Shape], Operators]:
    def handler(args: Any, out: Shape) -> Operators:
        shape, axes = tuple(args[0].shape), args[1] if len(args) > 1 and args[1] is not None else range(args[0].dim())
        where = {axis % len(shape) for axis in ([axes] if isinstance(axes, int) else axes)}
        if len(shape) == 4 and where == {2, 3}:
            shape, where = _nhwc(shape), {1, 2}
        padded = (1,) * (4 - len(shape)) + shape
        where = {axis + len(padded) - len(shape) for axis in where}
        if len(padded) > 4 or math.prod(shape) == math.prod(out):
            return
        if where == {3}:
            padded = _collapsed(padded)
        kept = tuple(1 if axis in where else extent for axis, extent in enumerate(padded))
        yield QuantisedOperator(code, "int8", (padded,), kept, axes=tuple(sorted(where)))

    return handler


def _softmax(args: Any, out: Shape) -> Operators:
    if args[1] in (-1, len(out) - 1):
        shape = _collapsed(out)
        yield QuantisedOperator("SOFTMAX", "int8", (shape,), shape)


def _layer_norm(args: Any, out: Shape) -> Operators:
    shape = _collapsed(out)
    row, column = (*shape[:3], 1), (1, 1, 1, shape[3])
    yield QuantisedOperator("MEAN", "int8", (shape,), row, axes=(3,))
    yield QuantisedOperator("SUB", "int8", (shape, row), shape)
    yield QuantisedOperator("MUL", "int8", (shape, shape), shape)
    yield QuantisedOperator("MEAN", "int8", (shape,), row, axes=(3,))
    yield QuantisedOperator("RSQRT", "int8", (row,), row)
    yield QuantisedOperator("MUL", "int8", (shape, row), shape)
    yield QuantisedOperator("MUL", "int8", (shape, column), shape)
    yield QuantisedOperator("ADD", "int8", (shape, column), shape)


def _batch_norm(args: Any, out: Shape) -> Operators:
    shape = _nhwc(out) if len(out) in (3, 4) else _collapsed(out)
    yield QuantisedOperator("MUL", "int8", (shape, (1, 1, 1, shape[3])), shape)
    yield QuantisedOperator("ADD", "int8", (shape, (1, 1, 1, shape[3])), shape)


def _pooling(args: Any, out: Shape) -> Operators:
    window = _pair(args[1])
    strides = _pair(args[2]) if len(args) > 2 and args[2] else window
    padding = args[3] if len(args) > 3 else (0, 0)
    padding = [padding] * 2 if isinstance(padding, int) else padding
    inputs = _padded(_nhwc(tuple(args[0].shape)), padding)
    yield QuantisedOperator("MAX_POOL_2D", "int8", (inputs,), _nhwc(out), window=window, strides=strides)
    yield QuantisedOperator("AVERAGE_POOL_2D", "int8", (inputs,), _nhwc(out), window=window, strides=strides)


def _concatenation(args: Any, out: Shape) -> Operators:
    axis = (args[1] if len(args) > 1 else 0) % len(out)
    shapes = tuple((1,) * (4 - len(out)) + tuple(t.shape) for t in args[0] if t.numel())
    if len(out) > 4 or not 1 < len(shapes) <= 3:
        return
    output = (1,) * (4 - len(out)) + out
    yield QuantisedOperator("CONCATENATION", "int8", shapes, output, axes=(axis + len(output) - len(out),))


def _copy(args: Any, out: Shape) -> Operators:
    """A contiguous copy of a tensor whose dimensions were permuted is where the data moves."""
    strides = args[0].stride()
    order = sorted(range(len(out)), key=lambda axis: (-strides[axis], axis))
    if order == list(range(len(out))) or len(out) > 4 or 0 in strides:
        return
    source = tuple(out[axis] for axis in order)
    yield QuantisedOperator("TRANSPOSE", "int8", (source,), out, axes=tuple(order.index(i) for i in range(len(out))))


def _padding(args: Any, out: Shape) -> Operators:
    shape = tuple(args[0].shape)
    if len(shape) in (3, 4) and min(args[1]) >= 0:
        yield QuantisedOperator("PAD", "int8", (_nhwc(shape),), _nhwc(out))


def _power(args: Any, out: Shape) -> Operators:
    for _ in range(int(args[1]) - 1 if args[1] in (2, 3) else 0):
        yield QuantisedOperator("MUL", "int8", (_collapsed(out), _collapsed(out)), _collapsed(out))


_HANDLERS: dict[str, Callable[[Any, Shape], Operators]] = {
    "convolution": _convolution,
    "mm": _linear,
    "addmm": _linear,
    "bmm": _batched,
    "add": _binary("ADD"),
    "sub": _binary("SUB"),
    "mul": _binary("MUL"),
    "minimum": _binary("MINIMUM"),
    "maximum": _binary("MAXIMUM"),
    "relu": _unary("RELU"),
    "hardtanh": _unary("RELU6"),
    "tanh": _unary("TANH"),
    "sigmoid": _unary("LOGISTIC"),
    "silu": _unary("HARD_SWISH"),
    "gelu": _unary("HARD_SWISH"),
    "exp": _unary("EXP"),
    "rsqrt": _unary("RSQRT"),
    "neg": _unary("ABS"),
    "abs": _unary("ABS"),
    "_to_copy": _unary("QUANTIZE"),
    "pow": _power,
    "_softmax": _softmax,
    "_log_softmax": _softmax,
    "mean": _reduction("MEAN"),
    "sum": _reduction("SUM"),
    "native_layer_norm": _layer_norm,
    "native_batch_norm": _batch_norm,
    "max_pool2d_with_indices": _pooling,
    "cat": _concatenation,
    "clone": _copy,
    "constant_pad_nd": _padding,
}
