"""Finished points on disk, a line each, so that an exploration that was interrupted goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..errors import InvalidInputError
from ..schema import write_text
from .results import ExploreSettings, Point

_ADVICE = "leave out --resume to begin anew, or name another folder"


class Journal:
    """A file of points: the settings on the first line, then a point a line, added as they finish.

    The axes are not among the settings: a point counts for every grid that has it.
    """

    def __init__(self, path: Path, settings: ExploreSettings) -> None:
        """Nothing is read or written yet."""
        self.path = path
        self.settings = settings
        self.points: list[Point] = []

    def begin(self) -> None:
        """Write an empty file in the place of whatever is there."""
        self._write()

    def resume(self) -> None:
        """Take over the points that the file has, if there is one. A last line that was cut off is left out.

        Raises:
            InvalidInputError: it is no such file, or its points were made by other code or with other settings.
        """
        if not self.path.exists():
            self.begin()
            return
        first, *lines = self._lines()
        old = ExploreSettings.parse(first, where=f"{self.path}, line 1")
        changed = [
            f"{name} {getattr(old, name)!r:.60} (here {getattr(self.settings, name)!r:.60})"
            for name in ExploreSettings.model_fields
            if getattr(old, name) != getattr(self.settings, name)
        ]
        if changed:
            raise InvalidInputError(
                f"{self.path}: its points were made under other conditions: {', '.join(changed)}; {_ADVICE}"
            )
        self.points = [Point.parse(line, where=f"{self.path}, line {k}") for k, line in enumerate(lines, 2)]
        self._write()

    def add(self, point: Point) -> None:
        """Take in one point; it is on disk when this returns."""
        self.points.append(point)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(_line(point))
            stream.flush()
            os.fsync(stream.fileno())

    def _write(self) -> None:
        write_text(self.path, "".join([_line(self.settings), *map(_line, self.points)]))

    def _lines(self) -> list[object]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(f"{self.path}: cannot be read as text ({error}); {_ADVICE}") from None
        found = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                if number == len(lines) and number > 1 and not line.endswith("\n"):
                    break
                raise InvalidInputError(
                    f"{self.path}, line {number}: expected one JSON document, found {line[:60]!r}; {_ADVICE}"
                ) from None
        if not found:
            raise InvalidInputError(f"{self.path}: expected settings on its first line, found an empty file; {_ADVICE}")
        return found


def _line(record: ExploreSettings | Point) -> str:
    return record.model_dump_json(exclude_defaults=isinstance(record, Point)) + "\n"
