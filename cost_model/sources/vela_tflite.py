"""Quantised networks as TFLite flatbuffers, written with the builders that Vela ships; TensorFlow is not needed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: numpy type and TFLite's number of each element type.
_TYPES = {"int8": (np.int8, 9), "int16": (np.int16, 7), "int32": (np.int32, 2), "int64": (np.int64, 4)}
#: Quantisation of every tensor: one scale, so that what needs equal scales gets them.
_SCALE = 0.05


@dataclass(frozen=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    dtype: str
    buffer: int
    scale: float
    zero_point: int


@dataclass(frozen=True)
class _Operator:
    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: str
    values: Mapping[str, int | float | bool]


@dataclass
class Network:
    """A network under construction; tensors are known by their number."""

    tensors: list[_Tensor] = field(default_factory=list)
    operators: list[_Operator] = field(default_factory=list)
    buffers: list[bytes] = field(default_factory=lambda: [b""])
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def tensor(
        self, shape: Sequence[int], dtype: str = "int8", *, name: str = "", scale: float = _SCALE, zero_point: int = 0
    ) -> int:
        """A feature map."""
        return self._add(name, shape, dtype, 0, scale, zero_point)

    def constant(self, data: NDArray[Any], *, name: str = "", scale: float = _SCALE) -> int:
        """A tensor whose values are in the network."""
        self.buffers.append(np.ascontiguousarray(data).tobytes())
        return self._add(name, data.shape, str(data.dtype), len(self.buffers) - 1, scale, 0)

    def input(self, shape: Sequence[int], dtype: str = "int8", *, name: str = "") -> int:
        """A feature map that the network is given."""
        self.inputs.append(self.tensor(shape, dtype, name=name))
        return self.inputs[-1]

    def operator(
        self,
        code: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        values: Mapping[str, int | float | bool] | None = None,
    ) -> None:
        """Append an operator: its name in ``BuiltinOperator``, the table of its options and their values."""
        self.operators.append(_Operator(code, tuple(inputs), tuple(outputs), options, values or {}))

    def _add(self, name: str, shape: Sequence[int], dtype: str, buffer: int, scale: float, zero_point: int) -> int:
        name = name or f"t{len(self.tensors)}"
        self.tensors.append(_Tensor(name, tuple(int(n) for n in shape), dtype, buffer, scale, zero_point))
        return len(self.tensors) - 1

    def serialise(self) -> bytes:
        """The flatbuffer."""
        return _Writer(sum(map(len, self.buffers)) + 4096).model(self)


class _Writer:
    """Writes tables innermost first, as flatbuffers are."""

    def __init__(self, size: int) -> None:
        import flatbuffers

        self._builder = flatbuffers.Builder(size)

    def model(self, network: Network) -> bytes:
        builder = self._builder
        codes = sorted({operator.code for operator in network.operators})
        # Larger than a file, a buffer would need another format; CreateByteVector aligns to 4 bytes, which is enough.
        data = [builder.CreateByteVector(raw) if raw else None for raw in network.buffers]
        buffers = [self._table("Buffer", {} if at is None else {"Data": at}) for at in data]
        numbers = importlib.import_module("ethosu.vela.tflite.BuiltinOperator").BuiltinOperator
        opcodes = []
        for code in codes:
            number = getattr(numbers, code)
            opcodes.append(
                self._table(
                    "OperatorCode",
                    {"DeprecatedBuiltinCode": min(number, 127), "Version": _version(code), "BuiltinCode": number},
                )
            )
        subgraph = self._subgraph(network, {code: i for i, code in enumerate(codes)})
        offsets = {
            "OperatorCodes": self._offsets("Model.ModelStartOperatorCodesVector", opcodes),
            "Subgraphs": self._offsets("Model.ModelStartSubgraphsVector", [subgraph]),
            "Description": builder.CreateString("memstow"),
            "Buffers": self._offsets("Model.ModelStartBuffersVector", buffers),
        }
        builder.Finish(self._table("Model", {"Version": 3, **offsets}), b"TFL3")
        return bytes(builder.Output())

    def _subgraph(self, network: Network, codes: Mapping[str, int]) -> int:
        tensors = [self._tensor(tensor) for tensor in network.tensors]
        operators = [self._operator(operator, codes) for operator in network.operators]
        return self._table(
            "SubGraph",
            {
                "Tensors": self._offsets("SubGraph.SubGraphStartTensorsVector", tensors),
                "Inputs": self._numbers("SubGraph.SubGraphStartInputsVector", network.inputs),
                "Outputs": self._numbers("SubGraph.SubGraphStartOutputsVector", network.outputs),
                "Operators": self._offsets("SubGraph.SubGraphStartOperatorsVector", operators),
                "Name": self._builder.CreateString("main"),
            },
        )

    def _tensor(self, tensor: _Tensor) -> int:
        prefix = "QuantizationParameters.QuantizationParametersStart"
        builder = self._builder
        scale = self._vector(f"{prefix}ScaleVector", [tensor.scale], builder.PrependFloat32)
        zero = self._vector(f"{prefix}ZeroPointVector", [tensor.zero_point], builder.PrependInt64)
        fields = {
            "Shape": self._numbers("Tensor.TensorStartShapeVector", tensor.shape),
            "Type": _TYPES[tensor.dtype][1],
            "Buffer": tensor.buffer,
            "Name": builder.CreateString(tensor.name),
            "Quantization": self._table("QuantizationParameters", {"Scale": scale, "ZeroPoint": zero}),
        }
        return self._table("Tensor", fields)

    def _operator(self, operator: _Operator, codes: Mapping[str, int]) -> int:
        fields: dict[str, Any] = {
            "OpcodeIndex": codes[operator.code],
            "Inputs": self._numbers("Operator.OperatorStartInputsVector", operator.inputs),
            "Outputs": self._numbers("Operator.OperatorStartOutputsVector", operator.outputs),
        }
        if operator.options:
            kinds = importlib.import_module("ethosu.vela.tflite.BuiltinOptions").BuiltinOptions
            fields["BuiltinOptions"] = self._table(operator.options, operator.values)
            fields["BuiltinOptionsType"] = getattr(kinds, operator.options)
        return self._table("Operator", fields)

    def _table(self, name: str, fields: Mapping[str, Any]) -> int:
        module = importlib.import_module(f"ethosu.vela.tflite.{name}")
        getattr(module, f"{name}Start")(self._builder)
        for key, value in fields.items():
            getattr(module, f"{name}Add{key}")(self._builder, value)
        offset: int = getattr(module, f"{name}End")(self._builder)
        return offset

    def _offsets(self, start: str, offsets: Sequence[int]) -> int:
        return self._vector(start, offsets, self._builder.PrependUOffsetTRelative)

    def _numbers(self, start: str, numbers: Sequence[int]) -> int:
        return self._vector(start, numbers, self._builder.PrependInt32)

    def _vector(self, start: str, values: Sequence[Any], prepend: Callable[[Any], None]) -> int:
        module, _, function = start.partition(".")
        getattr(importlib.import_module(f"ethosu.vela.tflite.{module}"), function)(self._builder, len(values))
        for value in reversed(values):
            prepend(value)
        offset: int = self._builder.EndVector()
        return offset


def _version(code: str) -> int:
    """The oldest version of an operator that allows 8-bit integers."""
    return {"CONV_2D": 3, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 4}.get(code, 2)
