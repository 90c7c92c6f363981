"""How training went, round by round: ``curves.csv``, and TensorBoard where it is wanted."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ...extras import needed_for
from ...schema import write_text

#: The column that tells rounds apart, and the one that TensorBoard counts by.
_ROUND, _STEP = "round", "step"


class Curves:
    """One row of figures for each round; the file is whole after each."""

    def __init__(self, folder: Path, *, tensorboard: bool, rounds: int = 0, steps: int = 0) -> None:
        """Go on after ``rounds`` rounds and ``steps`` steps of the learner; what there is of later ones goes.

        Raises:
            MissingPackageError: TensorBoard is wanted and not installed.
        """
        self._path = folder / "curves.csv"
        self._rows = [row for row in _read(self._path) if int(row[_ROUND]) < rounds]
        self._writer = _tensorboard_writer(folder / "tensorboard", steps) if tensorboard else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, figures: Mapping[str, float]) -> None:
        """Take in a round's figures, ``round`` and ``step`` among them."""
        self._rows.append({name: f"{value:.9g}" for name, value in figures.items()})
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        table = csv.DictWriter(text, names, lineterminator="\n")
        table.writeheader()
        table.writerows(self._rows)
        write_text(self._path, text.getvalue())
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, int(figures[_STEP]))
            self._writer.flush()


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return [{name: text for name, text in row.items() if text} for row in csv.DictReader(stream)]


def _tensorboard_writer(folder: Path, steps: int) -> Any:
    with needed_for("curves for TensorBoard (tensorboard = true)", "tensorboard", "train"):
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(folder), purge_step=steps + 1 if steps else None)
