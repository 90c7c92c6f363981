"""One kernel as a cost model sees it, whatever it was read from: TIR, MLIR text, a compiler's dump, a measurement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import Field

from ..program import Instruction
from ..schema import Document

OpClass = Literal[
    "matmul",
    "convolution",
    "depthwise",
    "pooling",
    "reduction",
    "elementwise",
    "transpose",
    "copy",
    "gather",
    "other",
]
OP_CLASSES: tuple[OpClass, ...] = get_args(OpClass)
#: Bits of an element by the keys of an accelerator's ``flops_per_second``.
DTYPE_BITS = {
    "bool": 8,
    "int4": 4,
    "int8": 8,
    "uint8": 8,
    "f8": 8,
    "int16": 16,
    "uint16": 16,
    "f16": 16,
    "bf16": 16,
    "int32": 32,
    "uint32": 32,
    "f32": 32,
    "int64": 64,
    "uint64": 64,
    "f64": 64,
}
Amount = Annotated[float, Field(ge=0)]
Extent = Annotated[int, Field(ge=1)]


class TensorFacts(Document):
    """One operand or result: bytes of the whole tensor, bytes accessed of it, element type, dimensions."""

    size_bytes: Amount
    bytes_accessed: Amount
    dtype: str
    shape: tuple[int, ...] = ()

    @property
    def bits(self) -> int:
        """Bits of an element; 32 for a type that is not listed."""
        return DTYPE_BITS.get(self.dtype, 32)

    @property
    def innermost(self) -> int:
        """Elements of the fastest-varying dimension."""
        return self.shape[-1] if self.shape else 1


class KernelFacts(Document):
    """What one execution of a kernel computes, independent of placement and accelerator.

    Work is counted in scalar operations (``matrix_flops``: two per multiply-add of a contraction) or elements (the
    others). Of ``elementwise``, ``multiplied`` are multiplications; of ``elementwise`` and ``reduced``, ``compared``
    are comparisons, minima, maxima and choices; the rest are additions and their like.

    A contraction has extents ``batch x m x n x k``; a convolution is one with m = images x output pixels, n = output
    channels of a group, k = input channels of a group x kernel pixels, batch = groups. Operands come in the kernel's
    order, so that of a contraction the second is the weights.
    """

    op_class: OpClass
    dtype: str
    matrix_flops: Amount = 0.0
    elementwise: Amount = 0.0
    multiplied: Amount = 0.0
    compared: Amount = 0.0
    transcendental: Amount = 0.0
    divide: Amount = 0.0
    convert: Amount = 0.0
    reduced: Amount = 0.0
    moved: Amount = 0.0
    batch: Extent = 1
    m: Extent = 1
    n: Extent = 1
    k: Extent = 1
    kernel_height: Extent = 1
    kernel_width: Extent = 1
    stride_height: Extent = 1
    stride_width: Extent = 1
    dilation_height: Extent = 1
    dilation_width: Extent = 1
    operands: tuple[TensorFacts, ...] = ()
    results: tuple[TensorFacts, ...] = ()

    @property
    def vector_operations(self) -> float:
        """Scalar operations outside of contractions, a transcendental function or a division counting as one."""
        return self.elementwise + self.transcendental + self.divide + self.convert + self.reduced

    @property
    def largest_result(self) -> float:
        """Elements of the largest result."""
        return max((math.prod(r.shape) if r.shape else r.size_bytes * 8 / r.bits for r in self.results), default=1.0)

    def to_cost_features(self) -> dict[str, float | str]:
        """As an instruction's ``cost_features``, without the tensors' bytes, which the instruction has itself."""
        features: dict[str, float | str] = {}
        for name in SCALAR_FIELDS:
            value = getattr(self, name)
            features[name] = value if isinstance(value, str) else float(value)
        for role, tensors in (("operand", self.operands), ("result", self.results)):
            for i, tensor in enumerate(tensors):
                features[f"{role}{i}_type"] = f"{tensor.dtype}[{','.join(map(str, tensor.shape))}]"
        return features

    @classmethod
    def from_instruction(cls, instruction: Instruction, sizes: Mapping[int, int]) -> Self | None:
        """What :meth:`to_cost_features` wrote, with the instruction's bytes; ``None`` if it carries no such features.

        Args:
            instruction: of a program.
            sizes: bytes of every buffer by id.

        Raises:
            InvalidInputError: features of this form with values that are none.
        """
        features = instruction.cost_features
        if "op_class" not in features:
            return None
        data: dict[str, object] = {name: features[name] for name in SCALAR_FIELDS if name in features}
        for role, entries in (("operand", instruction.operands), ("result", instruction.results)):
            data[f"{role}s"] = [
                {
                    "size_bytes": sizes[entry.buffer],
                    "bytes_accessed": entry.bytes_accessed,
                    **_parse_type(str(features.get(f"{role}{i}_type", "f32[]"))),
                }
                for i, entry in enumerate(entries)
            ]
        return cls.parse(data, where=f"cost features of instruction {instruction.name!r}")


#: Every field but the tensors.
SCALAR_FIELDS = tuple(name for name in KernelFacts.model_fields if name not in ("operands", "results"))


def _parse_type(text: str) -> dict[str, object]:
    """``f32[2,3]`` as the fields of :class:`TensorFacts`."""
    dtype, _, shape = text.removesuffix("]").partition("[")
    return {"dtype": dtype, "shape": [extent for extent in shape.split(",") if extent]}
