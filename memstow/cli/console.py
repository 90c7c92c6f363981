"""Output: results on standard output, everything else on standard error, figures as people read them."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..figures import format_bytes as format_bytes
from ..figures import format_count as format_count
from ..figures import format_percent as format_percent
from ..figures import format_seconds as format_seconds

PLAIN_WIDTH = 140


def console(stream: IO[str]) -> Console:
    """A console on a stream; the width is fixed where the stream is no terminal."""
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def notice(text: str) -> None:
    """One line on standard error."""
    print(text, file=sys.stderr, flush=True)


def print_json(document: object) -> None:
    """The one JSON document of a command, on standard output."""
    print(json.dumps(document, indent=1, allow_nan=False), flush=True)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """A table on standard output; ``right`` lists the columns that are aligned to the right."""
    table = Table(box=box.SIMPLE_HEAD, show_header=any(header), pad_edge=False)
    for index, name in enumerate(header):
        table.add_column(Text(name), justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    print(title)
    console(sys.stdout).print(table)


def print_lines(title: str, lines: Iterable[str]) -> None:
    """Lines on standard output, unwrapped so that they can be copied, under a title unless it is empty."""
    if title:
        print(title)
    for line in lines:
        print(f"  {line}" if title else line)
    sys.stdout.flush()


@contextlib.contextmanager
def results_only_on_stdout() -> Iterator[None]:
    """Send what libraries and user code print meanwhile, Python and C alike, to standard error."""
    sys.stdout.flush()
    with contextlib.redirect_stdout(sys.stderr):
        try:
            saved = os.dup(1)
        except OSError:
            yield
            return
        try:
            os.dup2(2, 1)
            yield
        finally:
            os.dup2(saved, 1)
            os.close(saved)


def as_json(value: Any) -> Any:
    """A document as plain JSON values."""
    return value.model_dump(mode="json", exclude_none=True)
