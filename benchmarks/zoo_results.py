"""The rows of the zoo benchmark, in a JSON file that is whole after every row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

#: Tables of the page, in the order in which they are measured.
TABLES = ("arena", "tiny", "full", "deep")
#: Added to the first accelerator's name for the row with an eighth of the program's bytes as fast memory.
EIGHTH = ", an eighth"
OK, FAILED = "ok", "failed"


@dataclass(frozen=True)
class Task:
    """What one subprocess measures: one row per target."""

    table: str
    model: str
    targets: tuple[str, ...]


def targets(table: str, accelerators: Sequence[str]) -> tuple[str, ...]:
    """The rows that a model has in a table."""
    if table == "tiny":
        return (*accelerators, accelerators[0] + EIGHTH)
    return tuple(accelerators)


def has_table(table: str, sizes: Sequence[str]) -> bool:
    """Whether a model with these sizes stands in the table; the arena is that of the full size."""
    return ("full" if table == "arena" else table) in sizes


def tasks(zoo: Mapping[str, Sequence[str]], tables: Sequence[str], accelerators: Sequence[str]) -> Iterator[Task]:
    """All tasks of the tables. A deep model's process has one target, for its peak memory is measured."""
    for table in (t for t in TABLES if t in tables):
        for model in (m for m, sizes in zoo.items() if has_table(table, sizes)):
            rows = targets(table, accelerators)
            for group in [(row,) for row in rows] if table == "deep" else [rows]:
                yield Task(table, model, group)


class Results:
    """``{"about": {...}, "zoo": {model: sizes}, "accelerators": [...], "rows": [...]}`` in a file.

    ``about`` holds what must be equal for two runs to share a file.
    """

    def __init__(self, path: Path, about: dict[str, Any], zoo: Mapping[str, Sequence[str]], accelerators: list[str]):
        self.path = path
        self.data: dict[str, Any] = {"about": about, "zoo": zoo, "accelerators": accelerators, "rows": []}

    def resume(self) -> None:
        """Take over the rows of the file, if there is one.

        Raises:
            SystemExit: they were measured on another machine, with other versions or other options.
        """
        if not self.path.is_file():
            return
        old = json.loads(self.path.read_text(encoding="utf-8"))
        for part in ("about", "accelerators"):
            if old[part] != self.data[part]:
                raise SystemExit(
                    f"{self.path}: expected results of this machine, these versions and these options, found "
                    f"{part} {old[part]}, here {self.data[part]}; "
                    "run without --resume, or delete the file, to begin anew"
                )
        self.data["rows"] = old["rows"]

    def missing(self, task: Task, commit: str) -> tuple[str, ...]:
        """Targets of a task without a row of this commit; a row that failed is measured again."""
        done = {row["target"] for row in self._rows_of(task) if row["status"] == OK and row["commit"] == commit}
        return tuple(target for target in task.targets if target not in done)

    def add(self, row: Row) -> None:
        """Put a row in place of the one with the same key, and write the file."""
        key = _key(row)
        self.data["rows"] = [*(other for other in self.data["rows"] if _key(other) != key), row]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(self.path.name + ".partial")
        temporary.write_text(json.dumps(self.data, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self.path)

    def _rows_of(self, task: Task) -> list[Row]:
        return [row for row in self.data["rows"] if (row["table"], row["model"]) == (task.table, task.model)]


def _key(row: Row) -> tuple[str, str, str]:
    return row["table"], row["model"], row["target"]
