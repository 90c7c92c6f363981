"""``memstow models``: the zoo with parameters, FLOPs and kernels of every size."""

from __future__ import annotations

from importlib import resources
from typing import Annotated, Any

import typer

from .. import models as zoo
from ..schema import Document, read_json
from .console import as_json, format_count, print_json, print_lines, print_table
from .options import JsonOption

FIGURES_FILE = "zoo_figures.json"


class SizeFigures(Document):
    """One model in one size. FLOPs and kernels are those of the program that ``memstow compile`` extracts."""

    parameters: int
    flops: float
    kernels: int


class ZooFigures(Document):
    """The shipped table, by model and size; ``python -m memstow.cli.zoo_figures`` makes it anew."""

    models: dict[str, dict[str, SizeFigures]]


def load_figures() -> ZooFigures:
    """The table that is shipped beside this file."""
    with resources.as_file(resources.files(__package__) / FIGURES_FILE) as path:
        return ZooFigures.parse(read_json(path), where=FIGURES_FILE)


def models_command(
    name: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Only this one.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """List the models of the zoo with parameters, FLOPs and kernels in every size."""
    names = zoo.names() if name is None else [zoo.entry(name).name]
    table = load_figures().models
    if json:
        print_json({"models": [_record(model, table) for model in names]})
        return
    header = ("model", "size", "parameters", "FLOPs", "kernels", "description")
    rows = [row for model in names for row in _rows(model, table)]
    print_table("Models", header, rows, right=(2, 3, 4))
    print_lines("", ["`memstow compile MODEL --size SIZE` takes any of them; a model of your own is FILE.py:FUNCTION."])


def _record(model: str, table: dict[str, dict[str, SizeFigures]]) -> dict[str, Any]:
    known = table.get(model, {})
    sizes = {size: as_json(known[size]) if size in known else None for size in zoo.sizes(model)}
    return {"name": model, "description": zoo.describe(model), "sizes": sizes}


def _rows(model: str, table: dict[str, dict[str, SizeFigures]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for k, size in enumerate(zoo.sizes(model)):
        figures = table.get(model, {}).get(size)
        cells = ("-", "-", "-") if figures is None else _cells(figures)
        rows.append(("" if k else model, size, *cells, "" if k else zoo.describe(model)))
    return rows


def _cells(figures: SizeFigures) -> tuple[str, str, str]:
    return format_count(figures.parameters), format_count(figures.flops), str(figures.kernels)
