"""All problem files of a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidInputError
from ..schema import read_json
from .load import XLA_KEYS, LoadedProblem, load_problem, parse_problem

#: One of these keys, or this ending of its name, makes a file a problem, if a broken one.
_MARKS = XLA_KEYS | {"instructions", "buffers"}
_SUFFIX = ".program.json"


@dataclass(frozen=True)
class ProblemFolder:
    """What a folder holds: the problems by path, sorted, and its other JSON files."""

    problems: Mapping[Path, LoadedProblem]
    skipped: Sequence[Path]


def find_problems(path: Path) -> ProblemFolder:
    """Read every problem directly in a folder, of both formats; or the one file that ``path`` is.

    A JSON file that is no problem at all (``prices.json``, a plan) is skipped.

    Raises:
        InvalidInputError: a file is meant to be a problem, or may be, and cannot be read as one; no problem is there.
    """
    if not path.is_dir():
        return ProblemFolder({path: load_problem(path)}, ())
    problems: dict[Path, LoadedProblem] = {}
    skipped: list[Path] = []
    for file in sorted(entry for entry in path.glob("*.json") if not entry.is_dir()):
        data = read_json(file)
        if file.name.endswith(_SUFFIX) or (isinstance(data, dict) and not _MARKS.isdisjoint(data)):
            problems[file] = parse_problem(data, file)
        else:
            skipped.append(file)
    if not problems:
        raise InvalidInputError(
            f"{path}: expected programs (*.program.json) or xla_suite files in it, found none among "
            f"{len(skipped)} *.json files; name the folder that holds them"
        )
    return ProblemFolder(problems, tuple(skipped))
