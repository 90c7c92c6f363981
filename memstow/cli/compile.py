"""``memstow compile``: a PyTorch model to a planned, runnable program, with the files that show what was decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import artifacts, planners
from ..accelerator import Accelerator, load_accelerator
from ..defaults import DEFAULT_ACCELERATOR, DEFAULT_BOUND_SECONDS, DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER, ROOFLINE
from ..output_folder import OutputFolder
from ..planners.base import check_seconds, checked_effort
from ..summary import Numerics, Summary
from ..timing import Pricing
from .console import as_json, format_seconds, notice, print_json, print_lines, results_only_on_stdout
from .failures import EXIT_FAILED_CHECK
from .interrupt import Interrupted, InterruptWatch
from .options import (
    BoundTimeOption,
    BudgetOption,
    CostModelOption,
    CrossProgramOption,
    IterationsOption,
    JsonOption,
    PlannerOption,
    SeedOption,
)
from .progress import Phases
from .sources import ModelSource, find_source
from .tables import describe_slow_tensors, print_slow_tensors, print_summary
from .targets import CostModelChoice, check_planner, with_cross_program_prefetches

if TYPE_CHECKING:
    import torch

    from ..tvm_ext.compiler import Compilation

#: model, export, import, fuse, extract, plan; then apply, schedule, build, run; then write.
PLANNING_PHASES, BUILDING_PHASES, WRITING_PHASES = 6, 4, 1


@dataclass(frozen=True)
class Request:
    """What the user asked for, checked as far as is possible without building the model."""

    source: ModelSource
    accelerator: Accelerator
    pricing: Pricing
    planner: planners.Planner
    effort: planners.Effort
    bound_seconds: float
    seed: int
    plan_only: bool
    checked: bool


def compile_command(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL|FILE.py:FUNCTION", help="A model of the zoo, or your own.", show_default=False),
    ],
    size: Annotated[
        str | None,
        typer.Option(metavar="tiny|full|deep", help="Size of a zoo model; tiny unless given.", show_default=False),
    ] = None,
    accelerator: Annotated[str, typer.Option(metavar="A", help="Name or FILE.toml.")] = DEFAULT_ACCELERATOR,
    planner: PlannerOption = DEFAULT_PLANNER,
    budget: BudgetOption = DEFAULT_BUDGET_SECONDS,
    iterations: IterationsOption = None,
    seed: SeedOption = 0,
    bound_time: BoundTimeOption = DEFAULT_BOUND_SECONDS,
    max_cross_program_prefetches: CrossProgramOption = None,
    cost_model: CostModelOption = ROOFLINE,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder; memstow-out/MODEL-SIZE-ACCELERATOR unless given.", show_default=False
        ),
    ] = None,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="Stop after the plan: no weights, no library, no run.")
    ] = False,
    checked: Annotated[
        bool, typer.Option("--checked", help="Run with freed and in-flight fast memory poisoned.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Compile a PyTorch model, plan its memory, run it and compare with PyTorch.

    FUNCTION() of your own file returns (module, example inputs). Size deep is planned only: it has no weights.
    """
    effort = checked_effort(budget, iterations, prefix="--")
    check_seconds("--bound-time", bound_time)
    check_planner(planner)
    target = with_cross_program_prefetches(load_accelerator(accelerator), max_cross_program_prefetches)
    pricing = CostModelChoice(cost_model).pricing(target)
    source = find_source(model, size)
    if source.shapes_only and not plan_only:
        notice(f"{source.name}: has shapes but no weights, so it is planned only (as with --plan-only)")
        plan_only = True
    if checked and plan_only:
        notice("--checked: nothing is run with --plan-only, so there is nothing to check")
    request = Request(
        source, target, pricing, planners.get(planner), effort, bound_time, seed, plan_only, checked and not plan_only
    )
    folder = out or Path("memstow-out") / f"{request.source.name}-{request.accelerator.name}"
    names = artifacts.DOCUMENTS if request.plan_only else (*artifacts.DOCUMENTS, artifacts.LIBRARY)
    with OutputFolder(folder, names) as output:
        passed = _compile_into(output, request, json=json)
    if not passed:
        raise typer.Exit(EXIT_FAILED_CHECK)


def _compile_into(output: OutputFolder, request: Request, *, json: bool) -> bool:
    """Compile, put the files in place and print; whether the numerics agree with PyTorch's."""
    phases = Phases(PLANNING_PHASES + WRITING_PHASES + (0 if request.plan_only else BUILDING_PHASES))
    watch = InterruptWatch()
    try:
        with watch, results_only_on_stdout(), phases:
            compilation, numerics = _compile_and_run(request, phases, watch)
            phases.start("write")
            result = _stage(output, request, compilation, numerics, phases)
            watch.check()
            with watch.held():
                paths = output.commit()
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            where = f"in phase {phases.current!r}" if phases.current else "before the first phase"
            raise Interrupted(f"{where}; {output.describe_kept()}") from error
        raise
    files = artifacts.describe_files(paths)
    if json:
        print_json({**result.document(), "cache_hit": compilation.cache_hit, "files": files})
    else:
        _print(result, compilation, files)
    return numerics is None or numerics.passed


def _compile_and_run(request: Request, phases: Phases, watch: InterruptWatch) -> tuple[Compilation, Numerics | None]:
    def start(phase: str) -> None:
        watch.check()
        phases.start(phase)

    start("model")
    from ..tvm_ext.compiler import compile_model

    module, inputs = request.source.build(request.seed, not request.plan_only)
    effort = replace(
        request.effort, on_improvement=lambda seconds: phases.remark(f"best so far {format_seconds(seconds)}")
    )
    compilation = compile_model(
        module,
        inputs,
        name=request.source.name,
        accelerator=request.accelerator,
        planner=request.planner,
        effort=effort,
        seed=request.seed,
        bound_seconds=request.bound_seconds,
        plan_only=request.plan_only,
        checked=request.checked,
        cost=request.pricing,
        on_phase=start,
    )
    if request.plan_only:
        return compilation, None
    start("run")
    return compilation, _run(module, inputs, compilation.run)


def _run(
    module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], run: Callable[..., tuple[torch.Tensor, ...]]
) -> Numerics:
    from .numerics import compare, eager_outputs

    expected = eager_outputs(module, inputs)
    return compare(run(*(value.clone() for value in inputs)), expected)


@dataclass(frozen=True)
class Result:
    """What is printed once the files are in place."""

    summary: Summary
    slow_tensors: list[Any]

    def document(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {"summary": as_json(self.summary), "slow_tensors": describe_slow_tensors(self.slow_tensors)}


def _stage(
    output: OutputFolder, request: Request, compilation: Compilation, numerics: Numerics | None, phases: Phases
) -> Result:
    problem, plan = compilation.problem, compilation.plan
    from ..explain import slow_tensor_reasons

    slow_tensors = slow_tensor_reasons(problem, plan)
    documents = artifacts.PlanDocuments.of(
        problem,
        plan,
        bound=compilation.bound,
        budget_seconds=request.effort.budget_seconds,
        phase_seconds={**phases.seconds, **compilation.phase_seconds},
        numerics=numerics,
        checked_run=request.checked,
        slow_tensors=slow_tensors,
    )
    with output.writing():
        documents.stage(output)
        if not request.plan_only:
            compilation.export(output.stage(artifacts.LIBRARY))
    return Result(documents.summary, slow_tensors)


def _print(result: Result, compilation: Compilation, files: dict[str, str]) -> None:
    seconds = format_seconds(sum(result.summary.phase_seconds.values()))
    cached = "the build came from the cache" if compilation.cache_hit else ""
    print_summary(result.summary, extra=[("compilation and run", seconds, cached)])
    print_slow_tensors(result.slow_tensors)
    print_lines("Files", files.values())
