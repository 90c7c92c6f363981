"""Three models of the zoo on variants of the TPU v5e: ``docs/explore.md`` and its picture.

``python benchmarks/explore.py`` runs ``memstow explore`` into ``build/explore`` (going on where it was) and writes the
page from the results. Exits with the command's code.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from memstow.explore import MEAN, PARAMETERS, ExploreResults, Point
from memstow.explore.pareto import TOLERANCE

MODELS = ("bert", "resnet50", "unet")
AXES = ("capacity=1MiB..128MiB", "slow_bandwidth=x0.25..x4")
OPTIONS = ("--size", "full", "--accelerator", "tpu_v5e", "--planner", "greedy", "--bound-time", "5")
FOLDER, PAGE, PICTURE = Path("build/explore"), Path("docs/explore.md"), Path("docs/images/explore.svg")
#: A variant within this factor of a model's fastest is close to it.
CLOSE = 1.05


def main() -> int:
    """Explore and write."""
    arguments = ["explore", *MODELS, "--vary", ",".join(AXES), *OPTIONS]
    command = [sys.executable, "-m", "memstow.cli", *arguments, "--out", str(FOLDER), "--resume"]
    run = subprocess.run(command, check=False)
    if run.returncode != 0:
        return run.returncode
    results = ExploreResults.load(FOLDER / "explore.json")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FOLDER / PICTURE.name, PICTURE)
    PAGE.write_text("\n".join(lines(results, " ".join(["memstow", *arguments]))) + "\n", encoding="utf-8")
    return 0


def lines(results: ExploreResults, command: str) -> Iterator[str]:
    """The page."""
    count = sum(point.model != MEAN for point in results.points)
    wall = sum(point.wall_seconds for point in results.points)
    yield from (
        "# Variants of an accelerator",
        "",
        "What more fast memory or a faster slow memory would give: models of the zoo, planned for every variant of a",
        f"part. Made by `make bench-explore` on {results.date} ({results.machine}), by",
        "",
        "<!-- not run: many minutes -->",
        "```sh",
        command.replace(" --vary ", " \\\n  --vary ").replace(" --size ", " \\\n  --size "),
        "```",
        "",
        f"{count} points took {wall:.0f} s of planning and proving bounds, one after another. All times are simulated,",
        "by the roofline.",
        "",
        "![Times over the capacity, and gaps](images/explore.svg)",
        "",
        "A variant is on the *front* of a model if no other that asks for no more capacity and bandwidth is as fast,",
        f"within {100 * TOLERANCE:g} %. A plan for less fast memory and a bound for more count where they are better.",
    )
    for model in results.fronts:
        yield from ("", f"## {model}", "", *section(results, model))


def section(results: ExploreResults, model: str) -> Iterator[str]:
    """One model: what is close to its fastest variant at the least, its times, its front."""
    points, front = results.of(model), results.front_of(model)
    best = min(seconds(point) for point in points)
    capacities, bandwidths = results.axes["capacity"], results.axes["slow_bandwidth"]
    yield f"{len(front)} of {len(points)} variants are on the front (bold below), the fastest at {best * 1e6:.1f} µs."
    yield f"Within {100 * (CLOSE - 1):.0f} % of the fastest that a bandwidth allows:"
    yield ""
    yield "| slow memory | least fast memory | time | gap to the proven bound |"
    yield "| --- | ---: | ---: | ---: |"
    for bandwidth in bandwidths:
        here = [point for point in points if point.values["slow_bandwidth"] == bandwidth]
        least = min(seconds(point) for point in here)
        close = min((p for p in here if seconds(p) <= CLOSE * least), key=lambda p: p.values["capacity"])
        yield f"| {shown(close, 'slow_bandwidth')} | {shown(close, 'capacity')} | {micros(close)} µs | {gap(close)} |"
    yield ""
    yield "Microseconds of every variant:"
    yield ""
    yield f"| slow memory | {' | '.join(PARAMETERS['capacity'].quantity.show(value) for value in capacities)} |"
    yield f"| --- |{' ---: |' * len(capacities)}"
    on_front = {point.key for point in front}
    by_values = {(p.values["capacity"], p.values["slow_bandwidth"]): p for p in points}
    for bandwidth in bandwidths:
        row = [by_values[capacity, bandwidth] for capacity in capacities]
        cells = [f"**{micros(point)}**" if point.key in on_front else micros(point) for point in row]
        yield f"| {PARAMETERS['slow_bandwidth'].quantity.show(bandwidth)} | {' | '.join(cells)} |"


def seconds(point: Point) -> float:
    """Of a point that has a plan."""
    assert point.planned_seconds is not None
    return point.planned_seconds


def micros(point: Point) -> str:
    """Its time in microseconds, without the unit."""
    return f"{seconds(point) * 1e6:.1f}"


def gap(point: Point) -> str:
    """Its distance from the bound."""
    return "-" if point.gap_ratio is None else f"{100 * point.gap_ratio:.1f} %"


def shown(point: Point, name: str) -> str:
    """One of its values with the unit."""
    return PARAMETERS[name].quantity.show(point.values[name])


if __name__ == "__main__":
    sys.exit(main())
