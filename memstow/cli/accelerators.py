"""``memstow accelerators``: the built-in descriptions, and every number of one with its unit and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from ..accelerator import Accelerator, builtin_names, load_accelerator
from ..schemas.keys import document_keys
from .console import as_json, format_bytes, format_count, format_seconds, print_json, print_lines, print_table
from .options import JsonOption

#: Unit by the ending of a key; the longest ending that fits decides.
_UNITS = {
    "flops_per_second": "FLOP/s",
    "bytes_per_second": "B/s",
    "bytes": "B",
    "seconds": "s",
    "matrix_unit.depth": "lanes",
    "matrix_unit.columns": "lanes",
    "max_cross_program_prefetches": "copies",
    "max_outstanding_prefetches": "copies",
    "max_outstanding_evictions": "copies",
}


@dataclass(frozen=True)
class Figure:
    """One number of a description. ``value`` is None for a limit that the part does not have."""

    key: str
    value: float | None
    unit: str
    meaning: str
    source: str


def accelerators_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE.toml]", help="Explain this one.", show_default=False)
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the accelerator descriptions, or explain one: every number with its unit and source."""
    if name is not None:
        _explain(load_accelerator(name), json=json)
        return
    parts = [load_accelerator(builtin) for builtin in builtin_names()]
    if json:
        print_json({"accelerators": [as_json(part) for part in parts]})
        return
    header = ("name", "fast memory", "fast B/s", "slow B/s", "DMA B/s", "peak FLOP/s", "description")
    print_table("Accelerators", header, [_row(part) for part in parts], right=(1, 2, 3, 4, 5))
    print_lines(
        "",
        ["`memstow accelerators NAME` gives every number with its source. A path to a .toml file of yours works too."],
    )


def figures(part: Accelerator) -> list[Figure]:
    """Every number of a description, in the order of its fields."""
    meanings = {key.path.removesuffix(".*"): key.description for key in document_keys("accelerator")}
    return [
        Figure(key, value, unit_of(key), _meaning(key, meanings), part.sources.get(key, ""))
        for key, value in _numbers(part.model_dump(exclude={"sources", "cost_model"}))
        if key != "matrix_unit"  # one that the part does not give
    ]


def _row(part: Accelerator) -> tuple[str, ...]:
    dtype, peak = max(part.flops_per_second.items(), key=lambda item: item[1])
    rates = (part.fast_memory.bandwidth, part.slow_memory.bandwidth, part.copy_bandwidth)
    return (
        part.name,
        format_bytes(part.capacity),
        *(format_count(rate) for rate in rates),
        f"{format_count(peak)} ({dtype})",
        part.description,
    )


def _explain(part: Accelerator, *, json: bool) -> None:
    found = figures(part)
    if json:
        print_json({"accelerator": as_json(part), "figures": [asdict(figure) for figure in found]})
        return
    rows = [(f.key, _shown(f), f.meaning, f.source or "no source given") for f in found]
    title = f"{part.name}: {part.description}" if part.description else part.name
    print_table(title, ("number", "value", "meaning", "source"), rows, right=(1,))
    if part.cost_model is not None:
        print_lines("", [f"--cost-model learned is {part.cost_model}"])


def _shown(figure: Figure) -> str:
    if figure.value is None:
        return "no limit"
    if figure.unit == "B":
        return format_bytes(figure.value)
    if figure.unit == "s":
        return format_seconds(figure.value)
    if figure.unit in ("copies", "lanes"):
        return f"{figure.value:g}"
    return f"{format_count(figure.value)}{'' if figure.value >= 1000 else ' '}{figure.unit}"


def _numbers(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}.")
        elif not isinstance(value, str):
            yield f"{prefix}{key}", value


def unit_of(key: str) -> str:
    """Unit of a number by its key; empty where the key is no number's."""
    if "flops_per_second" in key:
        return _UNITS["flops_per_second"]
    return next((unit for ending, unit in _UNITS.items() if key.endswith(ending)), "")


def _meaning(key: str, meanings: Mapping[str, str]) -> str:
    """That of the key, or of the table of numbers by data type that it is in."""
    return meanings.get(key) or meanings[key.rpartition(".")[0]]
