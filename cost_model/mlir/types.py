"""Types of MLIR values: static tensors, and scalars as tensors without dimensions that live in no memory."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from ...errors import InvalidInputError
from ..kernel import TensorFacts

_SHAPED = re.compile(r"(tensor|vector|memref)<((?:(?:\d+|\?)x)*)(\*x)?(.*)>", re.DOTALL)
_INTEGER = re.compile(r"([su]?)i(\d+)")
_FLOAT = re.compile(r"(bf|tf|f)(\d+)(E\d+M\d+\w*)?")
_QUANTIZED = re.compile(r"!quant\.uniform<([su]?i\d+)")
_COMPLEX = re.compile(r"complex<(f\d+)>")


@dataclass(frozen=True)
class TensorType:
    """Dimensions and element; ``dtype`` is a key of ``DTYPE_BITS`` where that has one. ``scalar``: no tensor."""

    shape: tuple[int, ...]
    dtype: str
    bits: int
    scalar: bool = False

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Bytes of the dense tensor; elements below a byte are packed."""
        return self.bytes_of(self.elements)

    def bytes_of(self, elements: int) -> int:
        """Bytes of so many elements, at most of the whole tensor."""
        return -(-min(elements, self.elements) * self.bits // 8)

    def facts(self, bytes_accessed: int) -> TensorFacts:
        """As an operand or result of a kernel."""
        return TensorFacts(
            size_bytes=self.size_bytes, bytes_accessed=bytes_accessed, dtype=self.dtype, shape=self.shape
        )


def parse_type(text: str, where: str) -> TensorType:
    """Type of a value.

    Raises:
        InvalidInputError: a dynamic or unranked shape, a buffer (``memref``), a type that is no number or tensor.
    """
    problem = _parse("".join(text.split()))
    if isinstance(problem, str):
        raise InvalidInputError(f"{where}: {problem}, found {text.strip():.80}")
    return problem


@lru_cache(maxsize=4096)
def _parse(text: str) -> TensorType | str:
    """The type, or what is wrong with it."""
    match = _SHAPED.fullmatch(text)
    if match is None:
        element = _element(text)
        return TensorType((), *element, scalar=True) if element else "expected a tensor or number type"
    container, dims, unranked, rest = match.groups()
    if container == "memref":
        return "expected linalg on tensors; take the module before bufferization"
    if unranked or "?" in dims:
        return "expected a static shape; export the model with every dimension fixed"
    element = _element(rest) or _element(rest.split(",")[0])
    if element is None:
        return "expected a known element type (f32, bf16, i8, ...)"
    return TensorType(tuple(int(dim) for dim in dims.split("x") if dim), *element)


def _element(text: str) -> tuple[str, int] | None:
    """Key and bits of an element; 0/1 values and indices take a byte and eight."""
    if text == "i1":
        return "bool", 8
    if text == "index":
        return "int64", 64
    if match := _INTEGER.fullmatch(text):
        return f"{'uint' if match[1] == 'u' else 'int'}{match[2]}", int(match[2])
    if match := _FLOAT.fullmatch(text):
        return (f"f{match[2]}" if match[3] else match[0]), (32 if match[1] == "tf" else int(match[2]))
    if match := _COMPLEX.fullmatch(text):
        bits = 2 * int(match[1][1:])
        return f"complex{bits}", bits
    if match := _QUANTIZED.match(text):
        return _element(match[1])
    return None
