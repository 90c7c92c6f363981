"""Makes ``zoo_figures.json`` anew: ``python -m memstow.cli.zoo_figures [MODEL ...]``.

Counts parameters and extracts the program of every model in every size; weights are never materialised. With names,
only those models are measured again. The table is written after every model.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from .. import models as zoo
from .. import planners
from ..accelerator import load_accelerator
from ..defaults import DEFAULT_ACCELERATOR
from ..errors import InvalidInputError
from ..planners import Effort
from .console import notice
from .models import FIGURES_FILE, SizeFigures, ZooFigures, load_figures

TABLE = Path(__file__).with_name(FIGURES_FILE)


def measure(name: str, size: str) -> SizeFigures:
    """Parameters, FLOPs and kernels of one model; the accelerator and planner have no influence on them."""
    from ..tvm_ext.compiler import compile_model

    module, inputs = zoo.build(name, size, shapes_only=True)
    compilation = compile_model(
        module,
        inputs,
        name=f"{name}-{size}",
        accelerator=load_accelerator(DEFAULT_ACCELERATOR),
        planner=planners.get("all-slow"),
        effort=Effort(0.0),
        seed=0,
        plan_only=True,
    )
    steps = compilation.program.instructions
    flops = sum(step.flops * step.trip_count for step in steps)
    return SizeFigures(parameters=zoo.parameter_count(module), flops=flops, kernels=len(steps))


def main(names: Sequence[str]) -> None:
    """Measure the named models, all unless some are named, and update the table."""
    try:
        table = {name: dict(sizes) for name, sizes in load_figures().models.items() if name in zoo.names()}
    except InvalidInputError:
        table = {}
    for name in names or zoo.names():
        table[name] = {}
        for size in zoo.sizes(name):
            table[name][size] = measure(name, size)
            notice(f"{name} {size}: {table[name][size]}")
        ZooFigures(models=dict(sorted(table.items()))).save(TABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
