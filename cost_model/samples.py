"""Samples of kernel times: rows of a CSV file, and beside it a JSON file that says where they come from.

``NAME.csv`` or ``NAME.csv.gz`` has one row per (kernel, accelerator, placement)::

    program,size_class,accelerator,kernel,fast,seconds,noise
    resnet50,full,ethos_u65,"{""op_class"":""convolution"",...}",011,0.000213,0.0

``NAME.json`` names the source, its provenance and the accelerators. ``kernel`` is a :class:`KernelFacts` as JSON;
``fast`` has a digit for each operand, then each result, 1 for fast memory.
"""

from __future__ import annotations

import csv
import gzip
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TextIO

from ..accelerator import Accelerator
from ..errors import InvalidInputError
from ..schema import Document, read_json
from .kernel import KernelFacts

#: The size class of what no model has.
GENERATED_SIZE = "generated"
COLUMNS = ("program", "size_class", "accelerator", "kernel", "fast", "seconds", "noise")


@dataclass(frozen=True)
class Sample:
    """Seconds of one kernel in one placement.

    ``program`` is what samples are split by: no program is both trained on and tested on. ``size_class`` is the size of
    the program (``tiny``, ``full``) or of the kernel. ``fast`` has operands, then results. ``noise`` is the relative
    spread of repeated measurements, 0 for a compiler's estimate.
    """

    program: str
    size_class: str
    accelerator: str
    kernel: KernelFacts
    fast: tuple[bool, ...]
    seconds: float
    noise: float = 0.0


class Provenance(Document):
    """Where samples come from: the source's name, what made them (versions, settings, machine, date), accelerators."""

    source: str
    made_by: Mapping[str, str]
    accelerators: Mapping[str, Accelerator]


@dataclass(frozen=True)
class SampleSet:
    """Samples with their provenance."""

    provenance: Provenance
    samples: tuple[Sample, ...]

    @property
    def source(self) -> str:
        """The name of the source: ``vela``, ``tpu``, ``host``."""
        return self.provenance.source

    def accelerator_of(self, sample: Sample) -> Accelerator:
        """The accelerator that a sample was priced for."""
        return self.provenance.accelerators[sample.accelerator]

    def save(self, path: Path) -> None:
        """Write both files; each appears whole or not at all."""
        self.provenance.save(provenance_path(path))
        write_rows(path, self.samples)

    @classmethod
    def load(cls, path: Path) -> SampleSet:
        """Read both files.

        Raises:
            InvalidInputError: a file is absent or malformed, or a row has a label that is no positive number.
        """
        provenance = Provenance.parse(read_json(provenance_path(path)), where=str(provenance_path(path)))
        samples = tuple(_read_rows(path, provenance))
        if not samples:
            raise InvalidInputError(f"{path}: expected samples, found none; collect some first")
        return cls(provenance, samples)


class SampleSource(Protocol):
    """Something that prices kernels: a compiler's cost estimate, or a device that is measured."""

    @property
    def name(self) -> str:
        """As in :attr:`SampleSet.source`."""
        ...

    def provenance(self) -> Provenance:
        """What will be collected from; raises :class:`InvalidInputError` if something is not installed."""
        ...

    def programs(self) -> list[str]:
        """Names of the programs whose kernels are priced, in order; each is collected as a whole."""
        ...

    def collect(self, program: str, on_progress: Callable[[int, int], None]) -> Iterator[Sample]:
        """Samples of one program; ``on_progress`` is told how many of how many kernels are done."""
        ...


def provenance_path(path: Path) -> Path:
    """``NAME.json`` of ``NAME.csv`` or ``NAME.csv.gz``."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".csv") + ".json")


def checked_seconds(value: float, where: str) -> float:
    """A label, which must be a positive finite number of seconds.

    Raises:
        InvalidInputError: it is not.
    """
    if not math.isfinite(value) or value <= 0.0:
        raise InvalidInputError(f"{where}: expected a positive number of seconds, found {value}; leave the row out")
    return value


def write_rows(path: Path, samples: Iterable[Sample]) -> None:
    """Write the CSV file alone; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        with _open(Path(name), "wt", packed=path.suffix == ".gz") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(_row(sample) for sample in samples)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _row(sample: Sample) -> list[str]:
    fast = "".join(str(int(bit)) for bit in sample.fast)
    kernel = sample.kernel.model_dump_json(exclude_defaults=True)
    return [
        sample.program,
        sample.size_class,
        sample.accelerator,
        kernel,
        fast,
        repr(sample.seconds),
        repr(sample.noise),
    ]


def _open(path: Path, mode: str, *, packed: bool) -> TextIO:
    # mtime 0: the same samples give the same bytes.
    if packed and "w" in mode:
        import io

        return io.TextIOWrapper(gzip.GzipFile(path, "wb", mtime=0), encoding="utf-8", newline="")
    opener = gzip.open if packed else open
    file: TextIO = opener(path, mode, encoding="utf-8", newline="")  # type: ignore[assignment]
    return file


def _read_rows(path: Path, provenance: Provenance) -> Iterator[Sample]:
    parse = lru_cache(maxsize=4096)(lambda text, where: KernelFacts.model_validate_json(text))
    try:
        with _open(path, "rt", packed=path.suffix == ".gz") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise InvalidInputError(f"{path}: expected the columns {','.join(COLUMNS)}, found {reader.fieldnames}")
            for number, row in enumerate(reader, start=2):
                yield _sample(row, f"{path}, row {number}", provenance, parse)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path}: cannot be read ({error}); check the path") from None


def _sample(
    row: dict[str, str], where: str, provenance: Provenance, parse: Callable[[str, str], KernelFacts]
) -> Sample:
    try:
        kernel = parse(row["kernel"], "")
        seconds, noise = float(row["seconds"]), float(row["noise"])
    except (ValueError, TypeError) as error:
        raise InvalidInputError(f"{where}: {error}") from None
    fast = tuple(bit == "1" for bit in row["fast"])
    expected = len(kernel.operands) + len(kernel.results)
    if len(fast) != expected or set(row["fast"]) - {"0", "1"}:
        raise InvalidInputError(f"{where}: fast: expected {expected} digits 0 or 1, found {row['fast']!r}")
    if row["accelerator"] not in provenance.accelerators:
        known = ", ".join(sorted(provenance.accelerators))
        raise InvalidInputError(f"{where}: accelerator: expected one of {known}, found {row['accelerator']!r}")
    return Sample(
        row["program"],
        row["size_class"],
        row["accelerator"],
        kernel,
        fast,
        checked_seconds(seconds, f"{where}: seconds"),
        noise,
    )
