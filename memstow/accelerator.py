"""Accelerator descriptions: one compute unit, a small fast memory, a large slow one and a DMA engine between them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from .errors import InvalidInputError, UnknownNameError
from .schema import Document

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]


class Memory(Document, use_attribute_docstrings=True):
    """One of the two memories."""

    name: str
    """What the part's documents call it."""
    capacity_bytes: Annotated[int, Field(ge=0)]
    """Of fast memory: what tensors may occupy; leave out what kernels need for themselves. Of slow memory: recorded."""
    read_bytes_per_second: Positive
    """Read bandwidth. The timing rules use the slower direction of a memory."""
    write_bytes_per_second: Positive
    """Write bandwidth. The timing rules use the slower direction of a memory."""
    latency_seconds: NonNegative = 0.0
    """Fixed delay of an access. Recorded, not used by the timing rules."""
    alignment_bytes: Annotated[int, Field(gt=0)] = 1
    """A power of two. Every offset in fast memory is a multiple of it; recorded for slow memory."""

    @field_validator("alignment_bytes")
    @classmethod
    def _check_alignment(cls, alignment: int) -> int:
        if alignment & (alignment - 1):
            raise ValueError("expected a power of two")
        return alignment

    @property
    def bandwidth(self) -> float:
        """Bytes per second of the slower direction: the one bandwidth of the timing semantics."""
        return min(self.read_bytes_per_second, self.write_bytes_per_second)


class DmaEngine(Document, use_attribute_docstrings=True):
    """The copy engine: one FIFO queue. ``None`` for an outstanding limit means no limit."""

    bytes_per_second: Positive
    """Rate of a background copy; a slow memory that is slower decides instead."""
    latency_seconds: NonNegative = 0.0
    """Fixed time of every background copy."""
    max_outstanding_prefetches: Annotated[int, Field(ge=0)] | None = None
    """Copies into fast memory that may be open at one time; left out, any number."""
    max_outstanding_evictions: Annotated[int, Field(ge=0)] | None = None
    """Copies out of fast memory that may be open at one time; left out, any number."""


class MatrixUnit(Document, use_attribute_docstrings=True):
    """What the matrix unit takes at once. Learned cost models look at it."""

    depth: Annotated[int, Field(gt=0)]
    """Reduced extent that the matrix unit takes at once."""
    columns: Annotated[int, Field(gt=0)]
    """Columns of the result that the matrix unit takes at once."""


class Accelerator(Document, use_attribute_docstrings=True):
    """A target description; see ``memstow/accelerators/*.toml`` for the built-in ones."""

    name: str
    """Recorded in every plan."""
    description: str = ""
    """One line for people."""
    flops_per_second: Annotated[dict[str, Positive], Field(min_length=1)]
    """Peak of the matrix unit (matrix products, convolutions) by data type; a multiply-add counts as 2. A type that is
    absent runs at the rate of the slowest one listed."""
    vector_flops_per_second: dict[str, Positive] = Field(default_factory=dict)
    """Peak of all other arithmetic by data type, with the same rule; left out, as the matrix unit."""
    matrix_unit: MatrixUnit | None = None
    """Shape of the matrix unit, where it is known."""
    launch_overhead_seconds: NonNegative = 0.0
    """Fixed time of every instruction."""
    max_cross_program_prefetches: Annotated[int, Field(ge=0)] = 0
    """Prefetches that may begin before the program; they cost no time."""
    cost_model: str | None = None
    """The trained cost model that ``learned`` stands for on this part."""
    fast_memory: Memory
    """The small on-chip memory that plans fill."""
    slow_memory: Memory
    """The large memory behind it."""
    dma: DmaEngine
    """The engine that copies between the two in the background."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Where a number comes from, by its key's path; the built-in descriptions have one for every number."""

    @property
    def capacity(self) -> int:
        """Bytes of fast memory."""
        return self.fast_memory.capacity_bytes

    @property
    def alignment(self) -> int:
        """Every allocation's offset in fast memory is a multiple of this many bytes."""
        return self.fast_memory.alignment_bytes

    @property
    def copy_bandwidth(self) -> float:
        """Full rate of the copy queue, bytes per second: the slower of DMA engine and slow memory."""
        return min(self.dma.bytes_per_second, self.slow_memory.bandwidth)

    def copy_seconds(self, size_bytes: float) -> float:
        """DMA seconds of one background copy that has the slow memory for itself, the fixed latency included."""
        return size_bytes / self.copy_bandwidth + self.dma.latency_seconds

    def peak_flops(self, dtype: str, *, matrix: bool) -> float:
        """FLOP/s for a data type; a type the part lacks runs at the rate of its slowest listed type."""
        vector = self.vector_flops_per_second or self.flops_per_second
        table = self.flops_per_second if matrix else vector
        return table.get(dtype, min(table.values()))

    def compute_seconds(self, dtype: str, matrix_flops: float, vector_flops: float) -> float:
        """Seconds of arithmetic alone; the matrix unit and the vector unit work side by side."""
        matrix = matrix_flops / self.peak_flops(dtype, matrix=True)
        return max(matrix, vector_flops / self.peak_flops(dtype, matrix=False))

    def with_capacity(self, capacity_bytes: int) -> Accelerator:
        """The same part with another amount of fast memory.

        Raises:
            InvalidInputError: the capacity is negative.
        """
        data = {**self.fast_memory.model_dump(), "capacity_bytes": capacity_bytes}
        memory = Memory.parse(data, where=f"{self.name} with another capacity")
        return self.model_copy(update={"fast_memory": memory})

    def with_cross_program_prefetches(self, count: int) -> Accelerator:
        """The same part allowing another number of prefetches that begin before the program.

        Raises:
            InvalidInputError: the number is negative.
        """
        if count < 0:
            raise InvalidInputError(f"{self.name}: cross-program prefetches: expected 0 or more, found {count}")
        return self.model_copy(update={"max_cross_program_prefetches": count})


def builtin_names() -> list[str]:
    """Names of the descriptions shipped with memstow, sorted."""
    folder = resources.files(__package__) / "accelerators"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_accelerator(name_or_path: str | Path) -> Accelerator:
    """Load a built-in description by name or a user's by path (anything ending in ``.toml`` or with a separator).

    Raises:
        UnknownNameError: no built-in of that name; suggests the nearest.
        InvalidInputError: unreadable file, malformed TOML, or a missing, negative or unknown entry.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text:
        return _parse(_read(Path(name_or_path)), where=text)
    known = builtin_names()
    if text not in known:
        raise UnknownNameError("accelerator", text, known, "For a description of your own pass a path to a .toml file.")
    resource = resources.files(__package__) / "accelerators" / f"{text}.toml"
    return _parse(resource.read_text(encoding="utf-8"), where=f"{text}.toml")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path}: expected TOML text in UTF-8, found binary data") from None


def _parse(text: str, *, where: str) -> Accelerator:
    try:
        data: Mapping[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{where}: expected TOML, found: {error}") from None
    return Accelerator.parse(data, where=where)
