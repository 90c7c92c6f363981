"""Quantised operators: what Vela is asked to price, as facts of a kernel and as a part of a TFLite network."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..kernel import KernelFacts, OpClass, TensorFacts
from .vela_tflite import Network

Shape = tuple[int, ...]
_BYTES = {"int8": 1, "int16": 2, "int32": 4, "int64": 8}

#: Operators of one feature map by TFLite's name, with their work per element by fields of :class:`KernelFacts`.
UNARY: Mapping[str, Mapping[str, int]] = {
    "RELU": {"elementwise": 1, "compared": 1},
    "RELU6": {"elementwise": 2, "compared": 2},
    "ABS": {"elementwise": 1},
    "HARD_SWISH": {"elementwise": 5, "multiplied": 2, "compared": 2},
    "LEAKY_RELU": {"elementwise": 2, "multiplied": 1, "compared": 1},
    "TANH": {"transcendental": 1},
    "LOGISTIC": {"transcendental": 1, "elementwise": 1, "divide": 1},
    "EXP": {"transcendental": 1},
    "RSQRT": {"transcendental": 1},
    "QUANTIZE": {"convert": 1},
}
_BINARY_WORK = {"MUL": "multiplied", "MINIMUM": "compared", "MAXIMUM": "compared"}
#: Operators of two feature maps with the table of their options.
BINARY = {
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "MINIMUM": "MaximumMinimumOptions",
    "MAXIMUM": "MaximumMinimumOptions",
}


@dataclass(frozen=True)
class QuantisedOperator:
    """One operator: TFLite's name, element type, shapes of feature maps (NHWC), and what its kind needs beside.

    ``weights`` is OHWI for a convolution, 1HWC for a depthwise one, (n, k) for a fully connected operator. ``axes``: a
    permutation, reduced axes, or the axis of a concatenation.
    """

    code: str
    dtype: str
    inputs: tuple[Shape, ...]
    output: Shape
    weights: Shape = ()
    window: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    same: bool = False
    axes: tuple[int, ...] = ()

    @property
    def weight_bytes(self) -> int:
        """Weights and biases, which Vela keeps in one tensor."""
        if not self.weights:
            return 0
        biases = self.weights[-1] if self.code == "DEPTHWISE_CONV_2D" else self.weights[0]
        return math.prod(self.weights) + biases * (4 if self.dtype == "int8" else 8)

    def facts(self) -> KernelFacts:
        """The kernel: feature maps, then weights as operands."""
        size = _BYTES[self.dtype]
        operands = [_tensor(shape, self.dtype, math.prod(shape) * size) for shape in self.inputs]
        if self.weights:
            operands.append(_tensor(self.weights, "int8", self.weight_bytes))
        work = _work(self)
        return KernelFacts(
            op_class=_CLASSES.get(self.code, "elementwise"),
            dtype=self.dtype,
            kernel_height=self.window[0],
            kernel_width=self.window[1],
            stride_height=self.strides[0],
            stride_width=self.strides[1],
            dilation_height=self.dilation[0],
            dilation_width=self.dilation[1],
            operands=tuple(operands),
            results=(_tensor(self.output, self.dtype, math.prod(self.output) * size),),
            **work,  # type: ignore[arg-type]
        )

    def append_to(self, network: Network, inputs: list[int], output: int, rng: np.random.Generator) -> None:
        """Append to a network that has the feature maps."""
        _APPEND.get(self.code, _append_plain)(self, network, inputs, output, rng)


_CLASSES: dict[str, OpClass] = {
    "CONV_2D": "convolution",
    "TRANSPOSE_CONV": "convolution",
    "DEPTHWISE_CONV_2D": "depthwise",
    "FULLY_CONNECTED": "matmul",
    "BATCH_MATMUL": "matmul",
    "MAX_POOL_2D": "pooling",
    "AVERAGE_POOL_2D": "pooling",
    "SOFTMAX": "reduction",
    "MEAN": "reduction",
    "SUM": "reduction",
    "CONCATENATION": "copy",
    "PAD": "copy",
    "TRANSPOSE": "transpose",
}


def _tensor(shape: Shape, dtype: str, size: int) -> TensorFacts:
    return TensorFacts(size_bytes=size, bytes_accessed=size, dtype=dtype, shape=shape)


def _work(op: QuantisedOperator) -> dict[str, float]:
    out = float(math.prod(op.output))
    first = float(math.prod(op.inputs[0]))
    if op.code in ("CONV_2D", "FULLY_CONNECTED", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        return _contraction(op, out)
    if op.code == "BATCH_MATMUL":
        batch, (m, n), k = math.prod(op.output[:-2]), op.output[-2:], op.inputs[0][-1]
        return {"matrix_flops": 2.0 * out * k, "batch": batch, "m": m, "n": n, "k": k}
    if op.code in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
        reduced = out * math.prod(op.window)
        return {"reduced": reduced, "compared": reduced} if op.code == "MAX_POOL_2D" else {"reduced": reduced}
    if op.code in ("MEAN", "SUM"):
        return {"reduced": first} if op.code == "SUM" else {"reduced": first, "elementwise": out, "multiplied": out}
    if op.code == "SOFTMAX":
        # Maximum and sum are reductions; a subtraction and a division by the sum go with every exponential.
        work = {"reduced": 2.0 * first, "elementwise": first, "transcendental": first, "divide": first}
        return work | {"compared": first}
    if op.code in ("CONCATENATION", "PAD", "TRANSPOSE"):
        return {"moved": out}
    if op.code in UNARY:
        return {name: count * out for name, count in UNARY[op.code].items()}
    part = _BINARY_WORK.get(op.code)
    return {"elementwise": out, part: out} if part else {"elementwise": out}


def _contraction(op: QuantisedOperator, out: float) -> dict[str, float]:
    window = math.prod(op.window)
    if op.code == "DEPTHWISE_CONV_2D":
        return {
            "matrix_flops": 2.0 * out * window,
            "elementwise": out,
            "batch": op.output[-1],
            "m": int(out) // op.output[-1],
            "n": 1,
            "k": window,
        }
    n, k = op.weights[0], math.prod(op.weights[1:])
    # A transposed convolution adds every input pixel's products to the outputs that it reaches.
    pixels = math.prod(op.inputs[0][:-1]) if op.code == "TRANSPOSE_CONV" else int(out) // n
    return {"matrix_flops": 2.0 * pixels * n * k, "elementwise": out, "m": pixels, "n": n, "k": k}


_Append = Callable[[QuantisedOperator, Network, list[int], int, np.random.Generator], None]


def _weights(op: QuantisedOperator, network: Network, rng: np.random.Generator) -> tuple[int, int]:
    # Roughly what quantised weights look like: a normal distribution, three standard deviations wide.
    drawn = np.clip(rng.standard_normal(1 << 15, dtype=np.float32) * 42.0, -127, 127).astype(np.int8)
    data = np.resize(drawn, op.weights)
    count = op.weights[-1] if op.code == "DEPTHWISE_CONV_2D" else op.weights[0]
    bias = np.zeros(count, dtype=np.int32 if op.dtype == "int8" else np.int64)
    return network.constant(data, scale=0.01), network.constant(bias, scale=0.01 * 0.05)


def _append_convolution(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    values = {
        "Padding": 0 if op.same else 1,
        "StrideH": op.strides[0],
        "StrideW": op.strides[1],
        "DilationHFactor": op.dilation[0],
        "DilationWFactor": op.dilation[1],
    }
    options = "Conv2DOptions"
    if op.code == "DEPTHWISE_CONV_2D":
        options, values["DepthMultiplier"] = "DepthwiseConv2DOptions", 1
    network.operator(op.code, [*inputs, *_weights(op, network, rng)], [output], options, values)


def _append_transpose_convolution(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    shape = network.constant(np.array(op.output, dtype=np.int32))
    weights, bias = _weights(op, network, rng)
    values = {"Padding": 0 if op.same else 1, "StrideH": op.strides[0], "StrideW": op.strides[1]}
    network.operator(op.code, [shape, weights, *inputs, bias], [output], "TransposeConvOptions", values)


def _append_fully_connected(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    network.operator(op.code, [*inputs, *_weights(op, network, rng)], [output], "FullyConnectedOptions", {})


def _append_pooling(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    values = {
        "Padding": 0 if op.same else 1,
        "StrideH": op.strides[0],
        "StrideW": op.strides[1],
        "FilterHeight": op.window[0],
        "FilterWidth": op.window[1],
    }
    network.operator(op.code, inputs, [output], "Pool2DOptions", values)


def _append_with_axes(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    axes = network.constant(np.array(op.axes, dtype=np.int32))
    options = {"MEAN": "ReducerOptions", "SUM": "ReducerOptions", "TRANSPOSE": "TransposeOptions"}[op.code]
    values = {"KeepDims": True} if options == "ReducerOptions" else {}
    network.operator(op.code, [*inputs, axes], [output], options, values)


def _append_padding(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    added = [after - before for before, after in zip(op.inputs[0], op.output, strict=True)]
    pads = network.constant(np.array([[n // 2, n - n // 2] for n in added], dtype=np.int32))
    network.operator(op.code, [*inputs, pads], [output], "PadOptions", {})


def _append_plain(
    op: QuantisedOperator, network: Network, inputs: list[int], output: int, rng: np.random.Generator
) -> None:
    options: dict[str, tuple[str, dict[str, int | float]]] = {
        "SOFTMAX": ("SoftmaxOptions", {"Beta": 1.0}),
        "CONCATENATION": ("ConcatenationOptions", {"Axis": op.axes[0] if op.axes else 0}),
        "LEAKY_RELU": ("LeakyReluOptions", {"Alpha": 0.01}),
        "BATCH_MATMUL": ("BatchMatMulOptions", {"AdjY": True}),
    }
    name, values = options.get(op.code, (BINARY.get(op.code, ""), {}))
    network.operator(op.code, inputs, [output], name, values)


_APPEND: dict[str, _Append] = {
    "CONV_2D": _append_convolution,
    "DEPTHWISE_CONV_2D": _append_convolution,
    "TRANSPOSE_CONV": _append_transpose_convolution,
    "FULLY_CONNECTED": _append_fully_connected,
    "MAX_POOL_2D": _append_pooling,
    "AVERAGE_POOL_2D": _append_pooling,
    "MEAN": _append_with_axes,
    "SUM": _append_with_axes,
    "TRANSPOSE": _append_with_axes,
    "PAD": _append_padding,
}
