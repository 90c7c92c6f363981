"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PlannerOption = Annotated[str, typer.Option("--planner", metavar="P", help="Planner by name.")]
BudgetOption = Annotated[float, typer.Option("--budget", metavar="SECONDS", help="Time the planner may search.")]
IterationsOption = Annotated[
    int | None,
    typer.Option(
        "--iterations",
        metavar="N",
        help="Search by this much instead of by time, so that the same seed gives the same plan.",
        show_default=False,
    ),
]
BoundTimeOption = Annotated[
    float, typer.Option("--bound-time", metavar="SECONDS", help="Time to prove how far the plan is from the optimum.")
]
CrossProgramOption = Annotated[
    int | None,
    typer.Option(
        "--max-cross-program-prefetches",
        metavar="K",
        help="Tensors that may be fetched before the program begins, free; left out, as many as the accelerator says.",
        show_default=False,
    ),
]
CostModelOption = Annotated[
    str,
    typer.Option(
        "--cost-model",
        metavar="M",
        help="What prices kernels: roofline; learned, which the accelerator names; a model by name or folder.",
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Same seed, same weights, inputs and plan.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output, all else on standard error.")
]
ProgramArgument = Annotated[
    Path, typer.Argument(metavar="PROGRAM.json", help="A program of memstow or an xla_suite file.", show_default=False)
]
RecordedAccelerator = Annotated[
    str | None,
    typer.Option(
        "--accelerator", metavar="A", help="Name or FILE.toml; left out, the one the files name.", show_default=False
    ),
]
