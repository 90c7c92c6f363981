"""The page of the zoo benchmark, from its results alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, median
from typing import Any

from zoo_results import OK, Row, has_table, targets

INTRODUCTION = """# The zoo, measured

Written by `make bench-zoo`; do not edit. What failed says why, and below each table stands what was
not measured.
"""


@dataclass(frozen=True)
class Column:
    """A column: its title and a row's cell in it."""

    title: str
    cell: Callable[[Row], str]


@dataclass(frozen=True)
class Table:
    """One table of the page; ``verdict`` sums up the rows that did not fail."""

    name: str
    title: str
    text: str
    columns: tuple[Column, ...]
    verdict: Callable[[Sequence[Row]], str]


def page(data: Mapping[str, Any]) -> str:
    """Markdown of all tables; ``data`` is a results file (:class:`zoo_results.Results`)."""
    parts = [INTRODUCTION, _about(data), *(_section(table, data) for table in PAGE)]
    return "\n".join(parts).rstrip() + "\n"


def is_failure(row: Row) -> bool:
    """Whether a row shows that something does not work: no result, wrong numbers, or an arena larger than TVM's."""
    larger = row["table"] == "arena" and row["status"] == OK and row["arena_bytes"] > row["tvm_bytes"]
    return row["status"] != OK or not row.get("passed", True) or larger


# --- values as text ---


def seconds(value: float) -> str:
    """Three digits with the unit that suits."""
    units = ((1.0, "s"), (1e3, "ms"), (1e6, "µs"))
    scaled, unit = next(((value * f, unit) for f, unit in units if value * f >= 1), (value * 1e6, "µs"))
    return f"{scaled:.{0 if scaled >= 100 else 1 if scaled >= 10 else 2}f} {unit}"


def size(value: int) -> str:
    """Bytes in the unit that suits."""
    for factor, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= factor:
            return f"{value / factor:.2f} {unit}"
    return f"{value} B"


def count(value: int) -> str:
    """A number of parameters."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.1f} {unit}"
    return str(value)


def error(row: Row) -> str:
    """The numerics error, marked where it fails."""
    value = "-" if row["error"] is None else f"{row['error']:.1e}"
    note = f" ({_escape(row['note'])})" if row["note"] else ""
    return f"{value}{note}" if row["passed"] else f"**{value} fails**{note}"


def all_slow_ratio(row: Row) -> float:
    """How many times faster than without fast memory."""
    return float(row["all_slow_seconds"] / row["planned_seconds"])


def gap(row: Row) -> float:
    """Distance from the lower bound, percent."""
    return float(row["planned_seconds"] / row["lower_bound_seconds"] - 1) * 100


def _number(key: str) -> Column:
    return Column(key, lambda row: f"{row[key]:,}")


def _phase(name: str) -> Column:
    return Column(name, lambda row: f"{row['phase_seconds'].get(name, 0.0):.1f}")


# --- verdicts ---


def _numerics_verdict(rows: Sequence[Row]) -> str:
    worst = max((row["error"] or 0.0 for row in rows), default=0.0)
    right = sum(row["passed"] for row in rows)
    return f"Numerics pass in {right} of {len(rows)} rows; the largest error is {worst:.1e}."


def _time_verdict(rows: Sequence[Row]) -> str:
    lines = []
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        ratio = geometric_mean([all_slow_ratio(row) for row in own])
        lines.append(
            f"`{target}`: {ratio:.2f} times as fast as all-slow (geometric mean), "
            f"{median(gap(row) for row in own):.1f} % from the lower bound (median)."
        )
    return " ".join(lines)


def _tiny_verdict(rows: Sequence[Row]) -> str:
    copies = sum(row["prefetches"] + row["evictions"] > 0 for row in rows)
    return f"{_numerics_verdict(rows)} {copies} of {len(rows)} plans copy data."


def _arena_verdict(rows: Sequence[Row]) -> str:
    larger = sum(row["arena_bytes"] > row["tvm_bytes"] for row in rows)
    ratio = geometric_mean([row["arena_bytes"] / row["tvm_bytes"] for row in rows])
    perfect = sum(row["arena_bytes"] == row["alive_bytes"] for row in rows)
    return (
        f"Larger than TVM's in {larger} of {len(rows)} rows; {ratio:.3f} of TVM's bytes (geometric mean); "
        f"no byte above the most that is alive in {perfect} rows."
    )


# --- the page ---

_PLANNED = (
    Column("planned", lambda row: seconds(row["planned_seconds"])),
    Column("all-slow / planned", lambda row: f"{all_slow_ratio(row):.2f}"),
    Column("above bound %", lambda row: f"{gap(row):.1f}"),
)
_PEAK = (
    Column("fast peak", lambda row: size(row["fast_peak_bytes"])),
    Column("of", lambda row: size(row["capacity_bytes"])),
)
_KERNELS = _number("kernels")
_PARAMETERS = Column("parameters", lambda row: count(row["parameters"]))
_ERROR = Column("error", error)

PAGE = (
    Table(
        "full",
        "Full size",
        "*error*: largest difference from PyTorch eager over the largest magnitude of that output, worst output. "
        "*compile*: all phases from the export to the library, planner included, with an empty cache. *run*: the "
        "planned program on this CPU, *eager*: PyTorch on this CPU, each the better of two. *planned*: simulated time "
        "on the accelerator, beside the time of the all-slow plan and the proven lower bound. *fast peak*: fast memory "
        "that the plan uses.",
        (
            _KERNELS,
            _PARAMETERS,
            _ERROR,
            Column("compile", lambda row: seconds(row["compile_seconds"])),
            Column("run", lambda row: seconds(row["run_seconds"])),
            Column("eager", lambda row: seconds(row["eager_seconds"])),
            *_PLANNED,
            *_PEAK,
        ),
        lambda rows: f"{_numerics_verdict(rows)} {_time_verdict(rows)}",
    ),
    Table(
        "tiny",
        "Tiny size, checked mode",
        "The run poisons memory that is freed, unwritten or in flight, so a wrong plan gives NaN. *an eighth*: fast "
        "memory of an eighth of the program's bytes.",
        (_KERNELS, _ERROR, _number("prefetches"), _number("evictions"), *_PLANNED, *_PEAK),
        _tiny_verdict,
    ),
    Table(
        "deep",
        "Deep size, planned only",
        "No weight exists. Seconds per phase; *peak RSS*: of the whole process, PyTorch and TVM included.",
        (
            _KERNELS,
            _PARAMETERS,
            *(_phase(name) for name in ("export", "import", "fuse", "extract", "plan")),
            *_PLANNED,
            *_PEAK,
            Column("peak RSS", lambda row: size(row["peak_rss_bytes"])),
        ),
        _time_verdict,
    ),
    Table(
        "arena",
        "Arena bytes against TVM",
        "Fast and slow arena of the `first-touch` plan with unlimited fast memory, against the sum of the storages of "
        "TVM's `StaticPlanBlockMemory` for the same lowered module, full size. Both hold every tensor but inputs, "
        "weights and outputs. *alignment*: of memstow's offsets, bytes; TVM's sizes are not rounded up. *alive*: most "
        "bytes that hold data at one time; no packing takes less.",
        (
            _number("tensors"),
            _number("alignment"),
            Column("alive", lambda row: f"{row['alive_bytes']:,}"),
            Column("memstow", lambda row: f"{row['arena_bytes']:,}"),
            Column("TVM", lambda row: f"{row['tvm_bytes']:,}"),
            Column("memstow / TVM", lambda row: _mark(row["arena_bytes"] / row["tvm_bytes"])),
        ),
        _arena_verdict,
    ),
)


def _mark(ratio: float) -> str:
    return f"{ratio:.3f}" if ratio <= 1 else f"**{ratio:.3f}**"


def _about(data: Mapping[str, Any]) -> str:
    about = data["about"]
    commits = dict.fromkeys(row["commit"] for row in data["rows"])
    machine = about["machine"]
    options = about["options"]
    lines = [
        f"- Machine: {machine['CPU']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in about['versions'].items())}",
        f"- Commit: {', '.join(f'`{commit}`' for commit in commits) or 'none'}; date: {data['date']}",
        f"- Planner: `{options['planner']}`, budget {options['budget']:g} s, seed {options['seed']}",
    ]
    return "\n".join(lines) + "\n"


def _section(table: Table, data: Mapping[str, Any]) -> str:
    order = list(data["zoo"])
    expected = [
        (model, target)
        for model, sizes in data["zoo"].items()
        if has_table(table.name, sizes)
        for target in targets(table.name, data["accelerators"])
    ]
    rank = {key: k for k, key in enumerate(expected)}
    rows = [row for row in data["rows"] if row["table"] == table.name]
    rows.sort(key=lambda row: (rank.get((row["model"], row["target"]), len(rank)), order.index(row["model"])))
    good = [row for row in rows if row["status"] == OK]
    missing = [key for key in expected if key not in {(row["model"], row["target"]) for row in rows}]
    lines = [f"## {table.title}", "", table.text, ""]
    if good:
        lines += [f"{table.verdict(good)} {len(rows) - len(good)} of {len(rows)} rows failed.", ""]
    if rows:
        titles = ["model", "accelerator", *(column.title for column in table.columns)]
        lines += [_line(titles), _line(["---", "---", *["---:"] * len(table.columns)])]
        lines += [_row(table, row) for row in rows]
        lines += [""]
    if missing:
        lines += [_not_measured(missing, expected), ""]
    return "\n".join(lines)


def _not_measured(missing: Sequence[tuple[str, str]], expected: Sequence[tuple[str, str]]) -> str:
    names = []
    for model in dict.fromkeys(model for model, _ in missing):
        left, whole = ([target for m, target in keys if m == model] for keys in (missing, expected))
        names.append(f"`{model}`" if left == whole else f"`{model}` ({'; '.join(left)})")
    return f"Not measured: {', '.join(names)}."


def _row(table: Table, row: Row) -> str:
    if row["status"] == OK:
        cells = [column.cell(row) for column in table.columns]
    else:
        cells = [f"**failed**: {_escape(row['reason'])}", *[""] * (len(table.columns) - 1)]
    return _line([f"`{row['model']}`", row["target"], *cells])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
