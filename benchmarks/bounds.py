"""How tight the bounds are: every file of a suite, the gap of the ``greedy`` planner to each bound, a Markdown table.

``python benchmarks/bounds.py DIR [--time-limit S] [--out FILE.md] [--only NAME ...]``. Where DIR has a ``prices.json``,
its lower bounds stand beside ours. Times in microseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memstow import planners
from memstow.accelerator import load_accelerator
from memstow.bounds import best_bound
from memstow.formats import load_problem
from memstow.planners import Effort, Problem
from memstow.simulator import simulate

COLUMNS = (
    "program",
    "instructions",
    "simple",
    "prices.json",
    "fluid",
    "integer",
    "best",
    "greedy",
    "gap to simple",
    "gap to best",
    "seconds",
)


@dataclass(frozen=True)
class Row:
    """One program. Times in seconds; a bound that was not found is ``None``."""

    name: str
    instructions: int
    simple: float
    recorded: float | None
    fluid: float | None
    integer: float | None
    best: float
    planned: float
    wall_seconds: float

    @property
    def simple_gap(self) -> float:
        """Gap of the plan to the simple bound."""
        return self.planned / self.simple - 1.0

    @property
    def best_gap(self) -> float:
        """Gap of the plan to the best bound."""
        return self.planned / self.best - 1.0


def measure(path: Path, recorded: float | None, time_limit_seconds: float) -> Row:
    """Bounds and the greedy plan of one file, which must be for an accelerator that it holds or names."""
    loaded = load_problem(path)
    accelerator = loaded.accelerator or load_accelerator(loaded.program.accelerator or "")
    problem = Problem(loaded.program, accelerator)
    plan = planners.get("greedy").plan(problem, Effort(10.0), seed=0)
    planned = simulate(problem.program, accelerator, plan).total_seconds
    begin = time.perf_counter()
    bound = best_bound(problem, time_limit_seconds=time_limit_seconds)
    wall = time.perf_counter() - begin
    known = bound.all
    if bound.seconds > planned:
        raise SystemExit(f"{path}: the bound {bound.method} of {bound.seconds} s is above a plan of {planned} s")
    return Row(
        path.name.removesuffix(".json").removesuffix(".program"),
        len(problem.program.instructions),
        known["simple"],
        recorded,
        known.get("fluid"),
        known.get("integer"),
        bound.seconds,
        planned,
        wall,
    )


def table(rows: Sequence[Row]) -> str:
    """The rows, then medians and worst gaps."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "| --- |" + " ---: |" * (len(COLUMNS) - 1)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    for name, gaps in (("simple", [r.simple_gap for r in rows]), ("best", [r.best_gap for r in rows])):
        lines += ["", f"gap of greedy to {name}: median {statistics.median(gaps):.2%}, worst {max(gaps):.1%}"]
    return "\n".join(lines)


def _cells(row: Row) -> Iterable[str]:
    yield row.name
    yield str(row.instructions)
    for seconds in (row.simple, row.recorded, row.fluid, row.integer, row.best, row.planned):
        yield "-" if seconds is None else f"{seconds * 1e6:.1f}"
    yield f"{row.simple_gap:.1%}"
    yield f"{row.best_gap:.2%}"
    yield f"{row.wall_seconds:.1f}"


def _recorded(folder: Path) -> dict[str, float]:
    """Lower bounds in seconds by file, from the folder's ``prices.json`` if it has one."""
    prices = folder / "prices.json"
    if not prices.exists():
        return {}
    entries = json.loads(prices.read_text(encoding="utf-8"))
    return {name: entry["lower_bound_us"] * 1e-6 for name, entry in entries.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time-limit", type=float, default=60.0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    recorded = _recorded(arguments.folder)
    rows = []
    for path in sorted(arguments.folder.glob("*.json")):
        name = path.name.removesuffix(".json")
        if name == "prices" or (arguments.only and name not in arguments.only):
            continue
        rows.append(measure(path, recorded.get(name), arguments.time_limit))
        print("| " + " | ".join(_cells(rows[-1])) + " |", flush=True)
    text = table(rows)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
