"""MiniMalloc's CSV files: ``id,lower,upper,size`` in, the same with ``offset`` out.

A buffer lives in ``[lower, upper)``. Read as MiniMalloc reads them: ``begin`` or ``start`` for ``lower``, ``end`` (the
last time, inclusive) for ``upper``, ``buffer`` or ``buffer_id`` for ``id``, and an optional column ``alignment``.
Further columns are carried along. Gaps, times within a lifetime at which a buffer is idle, are refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InvalidInputError
from ..schema import write_text
from .buffers import Buffers

OFFSET = "offset"
_ALIASES = {
    "buffer": "id",
    "buffer_id": "id",
    "begin": "lower",
    "start": "lower",
    "end": "upper",
}
_REQUIRED = ("id", "lower", "upper", "size")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True)
class PackingFile:
    """A CSV file as read: its text, and the buffers of its rows in order."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    buffers: Buffers


@dataclass(frozen=True)
class _Row:
    """One row with what an error message names."""

    path: Path
    line: int
    header: tuple[str, ...]
    fields: tuple[str, ...]

    def integer(self, column: int, least: int = int(_INT64.min)) -> int:
        text = self.fields[column].strip()
        if not _INTEGER.fullmatch(text):
            raise self.error(column, f"expected an integer, found {text!r}")
        value = int(text)
        if not least <= value <= _INT64.max:
            bound = f"of at least {least}" if value < least else "of 64 bits"
            raise self.error(column, f"expected an integer {bound}, found {text}")
        return value

    def error(self, column: int, text: str) -> InvalidInputError:
        return InvalidInputError(f"{self.path}:{self.line}: column {self.header[column]!r}: {text}; correct the row")


def read_csv(path: Path) -> PackingFile:
    """Read a packing problem.

    Raises:
        InvalidInputError: the file cannot be read, misses a column or has a bad value; the message has line and column.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path}: expected CSV text in UTF-8, found other bytes") from None
    lines = _lines(path, text)
    if not lines:
        raise InvalidInputError(f"{path}: expected a header with {', '.join(_REQUIRED)}, found an empty file")
    header = tuple(name.strip() for name in lines[0][1])
    places = _places(path, header)
    rows = [_Row(path, line, header, tuple(fields)) for line, fields in lines[1:]]
    columns: list[list[int]] = [[], [], [], []]
    for row in rows:
        for column, value in zip(columns, _values(row, places), strict=True):
            column.append(value)
    try:
        buffers = Buffers(*columns)
    except InvalidInputError as error:
        raise InvalidInputError(f"{path}: {error}") from None
    return PackingFile(header, tuple(row.fields for row in rows), buffers)


def write_csv(path: Path, file: PackingFile, offsets: Sequence[int]) -> None:
    """Write the file's columns and ``offset``, whole or not at all.

    Raises:
        InvalidInputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*file.header, OFFSET])
    writer.writerows([*row, offset] for row, offset in zip(file.rows, offsets, strict=True))
    try:
        write_text(path, text.getvalue())
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror}); make room or choose another") from None


def _lines(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """The lines that are not empty, with their numbers."""
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        return [(reader.line_num, fields) for fields in reader if fields]
    except csv.Error as error:
        raise InvalidInputError(f"{path}:{reader.line_num}: expected CSV, found {error}") from None


def _places(path: Path, header: tuple[str, ...]) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, name in enumerate(header):
        meaning = _ALIASES.get(name, name)
        if meaning in places:
            raise InvalidInputError(f"{path}:1: column {name!r}: found {meaning!r} twice; keep one of them")
        places[meaning] = index
    missing = [name for name in _REQUIRED if name not in places]
    if missing:
        raise InvalidInputError(
            f"{path}:1: missing column {missing[0]!r}; expected {', '.join(_REQUIRED)}, found {', '.join(header)}"
        )
    if OFFSET in places:
        raise InvalidInputError(
            f"{path}:1: column {OFFSET!r}: is what packing adds, and cannot be given; remove the column"
        )
    return places


def _values(row: _Row, places: dict[str, int]) -> tuple[int, int, int, int]:
    """Lower, upper, size and alignment of a row."""
    if len(row.fields) != len(row.header):
        raise InvalidInputError(
            f"{row.path}:{row.line}: expected {len(row.header)} fields, found {len(row.fields)}; correct the row"
        )
    gaps = places.get("gaps")
    if gaps is not None and row.fields[gaps].strip():
        raise row.error(gaps, "gaps within a lifetime are not supported; split the buffer or leave them out")
    lower, upper = row.integer(places["lower"]), row.integer(places["upper"])
    if row.header[places["upper"]] == "end":
        upper += 1
    if lower >= upper:
        raise row.error(places["upper"], f"expected the interval to end after {lower}, found {upper} (exclusive)")
    alignment = row.integer(places["alignment"], least=1) if "alignment" in places else 1
    return lower, upper, row.integer(places["size"], least=0), alignment
