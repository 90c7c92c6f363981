"""The shipped agent's training: a figure of its curves, and what was recorded of it beside the weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from memstow.errors import InvalidInputError

#: Panels of the figure: title, and endings of the columns' names that it shows.
PANELS = (
    ("losses", ("loss",)),
    ("errors of values and rewards", ("error",)),
    ("games: times over reference", ("ratio", "seconds", "return")),
    ("the rest", ("",)),
)
#: Columns that say how far the run was.
COUNTERS = ("round", "step", "steps", "games")
#: Rounds that a drawn line is the mean of.
SMOOTHED = 20
_FILES = ("config.toml", "config.json", "programs.txt", "programs.json")


def read_curves(path: Path) -> dict[str, list[float]]:
    """Columns by name; a figure that a round lacks is NaN.

    Raises:
        InvalidInputError: the file cannot be read or holds no numbers.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        names = list(rows[0]) if rows else []
        return {name: [float(row[name] or "nan") for row in rows] for name in names}
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path}: expected training curves, found: {error}") from None


def panels(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Which columns are shown where; each once, those of a constant or counter nowhere."""
    left = [name for name in names if name not in COUNTERS]
    found = []
    for title, endings in PANELS:
        taken = [name for name in left if name.endswith(endings)]
        left = [name for name in left if name not in taken]
        if taken:
            found.append((title, taken))
    return found


def draw_curves(curves: dict[str, list[float]], path: Path) -> None:
    """The figure: a panel for each kind of column, running means over the learner's steps."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "memstow"
    from matplotlib import pyplot

    shown = panels(list(curves))
    figure, axes = pyplot.subplots(len(shown), 1, figsize=(7, 2.6 * len(shown)), layout="constrained", squeeze=False)
    counter = next(name for name in ("step", "steps", "round", next(iter(curves))) if name in curves)
    for (title, names), (axis,) in zip(shown, axes, strict=True):
        for name in names:
            axis.plot(curves[counter], smoothed(curves[name]), label=name, linewidth=1)
        axis.set_title(title)
        axis.set_xlabel(f"{counter} of the learner" if counter.startswith("step") else counter)
        axis.legend(fontsize="x-small")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def smoothed(values: Sequence[float]) -> list[float]:
    """Means over the last ``SMOOTHED`` figures that there are."""
    found = []
    for end in range(1, len(values) + 1):
        known = [value for value in values[max(0, end - SMOOTHED) : end] if value == value]
        found.append(sum(known) / len(known) if known else float("nan"))
    return found


def record_lines(folder: Path, figure: Path | None) -> Iterator[str]:
    """Markdown about an agent's folder: card, config, programs, first and last row of the curves."""
    card = folder / "network.json"
    if not card.is_file():
        yield "No trained agent was there when this page was made."
        return
    data = json.loads(card.read_text(encoding="utf-8"))
    size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file() and path.suffix == ".safetensors")
    made = ", ".join(f"{key} {value}" for key, value in data.get("made_by", {}).items())
    yield f"Weights: {size / 1e6:.2f} MB, `{data['weights_sha256'][:12]}`; {made or 'nothing recorded of the run'}."
    network = ", ".join(f"{key} {value}" for key, value in data.get("config", {}).items())
    yield f"Network: {network}."
    if figure is not None:
        yield ""
        yield f"![Training curves]({figure.name})"
    curves = folder / "curves.csv"
    if curves.is_file():
        found = read_curves(curves)
        yield ""
        yield "| column | first round | last round |"
        yield "| --- | ---: | ---: |"
        for name, values in found.items():
            yield f"| {name} | {values[0]:.6g} | {smoothed(values)[-1] if name not in COUNTERS else values[-1]:.6g} |"
        yield ""
        yield f"Figures of the last round are means of the last {SMOOTHED}, counters aside."
    for name in _FILES:
        path = folder / name
        if path.is_file():
            yield ""
            yield f"`{name}`:"
            yield ""
            yield f"```{path.suffix.removeprefix('.')}"
            yield from path.read_text(encoding="utf-8").splitlines()
            yield "```"
