"""The programs of the zoo as files, for the suite: extracted once, then taken from the folder while nothing changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from memstow.accelerator import Accelerator, load_accelerator
from memstow.cli.programs import extract_program_of
from memstow.cli.sources import find_source
from memstow.program import Program
from memstow.retarget import retarget

ROOT = Path(__file__).parent.parent
#: What a program depends on.
SOURCES = ("tvm_ext", "models", "memstow/accelerators")


def export_zoo(folder: Path, names: Sequence[str], size: str, accelerators: Sequence[str]) -> list[str]:
    """Write ``folder/ACCELERATOR/MODEL-SIZE.program.json`` where it is absent or older than the sources.

    A model that cannot be extracted is left out; returns each with its reason.
    """
    newest = newest_source()
    failures = []
    for name in names:
        paths = {target: program_path(folder, target, name, size) for target in accelerators}
        if all(is_fresh(path, newest) for path in paths.values()):
            continue
        print(f"{name} {size}: extracting", file=sys.stderr, flush=True)
        try:
            program = extract(name, size, load_accelerator(accelerators[0]))
        except Exception as error:  # whatever a model raises is told of; the others go on
            for path in paths.values():
                path.unlink(missing_ok=True)
            failures.append(f"{name} {size}: {type(error).__name__}: {error}")
            continue
        for target, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            retarget(program, load_accelerator(target)).save(path)
    return failures


def program_path(folder: Path, accelerator: str, name: str, size: str) -> Path:
    """Where a program lies."""
    return folder / accelerator / f"{name}-{size}.program.json"


def newest_source() -> float:
    """When the newest of the files that a program depends on was changed, seconds since the epoch."""
    files = (path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".toml"})
    return max(path.stat().st_mtime for path in files)


def is_fresh(path: Path, newest: float) -> bool:
    """Whether a file is there and not older than the sources."""
    return path.is_file() and path.stat().st_mtime >= newest


def extract(name: str, size: str, accelerator: Accelerator) -> Program:
    """The program of a zoo model; no weight exists."""
    return extract_program_of(find_source(name, size), accelerator)
