"""Seconds per packing problem as a Markdown table: ``python benchmarks/minimalloc.py FOLDER``.

Every ``NAME.CAPACITY.csv`` of the folder (MiniMalloc's naming) is packed at that capacity on one core, and each packing
is checked by :func:`memstow.packing.check`. ``--json FILE`` has the same for ``results.py``. Exits with 1 unless all
are solved.
"""

from __future__ import annotations

import argparse
import datetime
import json
from dataclasses import dataclass
from pathlib import Path

from memstow.bench import code_digest, describe_machine
from memstow.errors import InvalidInputError
from memstow.packing import METHODS, Buffers, PackingResult, check, pack, peak_load, read_csv
from memstow.schema import write_text

HEADER = ("problem", "buffers", "capacity", "peak load", "outcome", "seconds", "placements")


@dataclass(frozen=True)
class Measurement:
    """One problem's row."""

    name: str
    buffers: Buffers
    capacity: int
    result: PackingResult

    @property
    def outcome(self) -> str:
        """The solver's word, or ``wrong`` for a packing that is none."""
        offsets = self.result.offsets
        return "wrong" if offsets is not None and check(self.buffers, offsets, self.capacity) else self.result.outcome


def problems(folder: Path) -> list[tuple[Path, int]]:
    """The folder's files with their capacities, by name."""
    found = []
    for path in sorted(folder.glob("*.csv")):
        capacity = path.stem.rpartition(".")[2]
        if not capacity.isdecimal():
            raise InvalidInputError(f"{path}: expected NAME.CAPACITY.csv, found no capacity in the name")
        found.append((path, int(capacity)))
    if not found:
        raise InvalidInputError(f"{folder}: expected files NAME.CAPACITY.csv, found none")
    return found


def measure(path: Path, capacity: int, time_limit_seconds: float, method: str) -> Measurement:
    """Pack one file."""
    buffers = read_csv(path).buffers
    result = pack(buffers, capacity, time_limit_seconds=time_limit_seconds, method=method)
    return Measurement(path.name.partition(".")[0], buffers, capacity, result)


def table(measurements: list[Measurement]) -> str:
    """The Markdown table, with a last row of sums."""
    lines = [_row(HEADER), _row(["---", *["---:"] * 3, "---", *["---:"] * 2])]
    for one in measurements:
        numbers = [f"{number:,}" for number in (len(one.buffers), one.capacity, peak_load(one.buffers))]
        lines.append(_row([one.name, *numbers, one.outcome, f"{one.result.seconds:.3f}", f"{one.result.nodes:,}"]))
    solved = sum(one.outcome == "solved" for one in measurements)
    seconds = sum(one.result.seconds for one in measurements)
    nodes = sum(one.result.nodes for one in measurements)
    count = f"{solved} of {len(measurements)} solved"
    lines.append(_row(["all", "", "", "", count, f"{seconds:.3f}", f"{nodes:,}"]))
    return "\n".join(lines)


def document(folder: Path, measurements: list[Measurement]) -> dict[str, object]:
    """The measurements as JSON has them; bytes and seconds."""
    rows = [
        {
            "name": one.name,
            "buffers": len(one.buffers),
            "capacity": one.capacity,
            "peak_load": peak_load(one.buffers),
            "outcome": one.outcome,
            "seconds": one.result.seconds,
            "placements": one.result.nodes,
        }
        for one in measurements
    ]
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    about = {"folder": str(folder), "code": code_digest(), "machine": str(describe_machine()), "date": date}
    return {**about, "rows": rows}


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="SECONDS", help="per problem")
    parser.add_argument("--method", choices=METHODS, default="complete")
    parser.add_argument("--json", type=Path, metavar="FILE", help="results file, as well")
    options = parser.parse_args()
    measurements = [
        measure(path, capacity, options.time_limit, options.method) for path, capacity in problems(options.folder)
    ]
    print(table(measurements))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        write_text(options.json, json.dumps(document(options.folder, measurements), indent=1) + "\n")
    return int(any(one.outcome != "solved" for one in measurements))


if __name__ == "__main__":
    raise SystemExit(main())
