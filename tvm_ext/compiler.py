"""A PyTorch module compiled for an accelerator description: export, fuse, plan, apply, schedule, build, run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import tvm
from tvm.ir.transform import Sequential
from tvm.target import Target

from ..accelerator import Accelerator
from ..bounds import Bound
from ..errors import InvalidInputError, MemstowError, UnsupportedModelError
from ..plan import MemoryPlan
from ..planners import Effort, Planner, Problem
from ..planning import plan_with_bound
from ..program import Program
from ..timing import Pricing, Roofline
from .build_cache import BuildCache
from .call_structure import CallStructure
from .cpu_schedule import ScheduleForCPU, host_target
from .extract_program import extract_program
from .frontend import ImportedModel, export_model, import_exported
from .passes.apply_memory_plan import ApplyMemoryPlan
from .pipeline import PipelineOptions, finish_passes, fuse_passes, lower_passes
from .planned_executable import PlannedExecutable, TensorSpec

#: Phases in order, as ``on_phase`` announces them. With ``plan_only`` the last one is ``plan``.
PHASES = ("export", "import", "fuse", "extract", "plan", "apply", "schedule", "build")
PLAN_ONLY_PHASES = PHASES[: PHASES.index("plan") + 1]


@dataclass(frozen=True)
class Compilation:
    """A compiled model, or its plan alone.

    ``phase_seconds`` says where the time went; ``cache_hit`` whether the machine code came from an earlier compilation.
    ``weights`` are the module's own tensors by name; ``structure`` nests arguments and result around the program's
    tensors. ``executable`` is ``None`` where only the plan was made.
    """

    problem: Problem
    plan: MemoryPlan
    bound: Bound
    phase_seconds: dict[str, float]
    cache_hit: bool
    structure: CallStructure = field(repr=False)
    weights: Mapping[str, torch.Tensor] = field(repr=False)
    executable: PlannedExecutable | None = field(repr=False)

    @property
    def program(self) -> Program:
        """The program that was planned."""
        return self.problem.program

    @property
    def accelerator(self) -> Accelerator:
        """The accelerator that it was planned for."""
        return self.problem.accelerator

    def run(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the planned program on this machine; the outputs, flat, in the order in which the model returns them.

        Raises:
            InvalidInputError: an input does not have the shape or type of the example input, or only a plan was made.
        """
        return self._built("run it").run(inputs, self.weights)

    def export(self, path: str | Path) -> None:
        """Write the machine code as a shared library.

        A program that loads it must import :mod:`memstow.tvm_ext.runtime` first; ``main`` takes inputs, then weights.
        """
        shutil.copyfile(self._built("export").library, path)

    def _built(self, purpose: str) -> PlannedExecutable:
        if self.executable is None:
            raise InvalidInputError(
                f"{self.program.name}: only its plan was made; compile without plan_only to {purpose}"
            )
        return self.executable


def compile_model(
    module: torch.nn.Module,
    inputs: tuple[Any, ...],
    *,
    keywords: Mapping[str, Any] | None = None,
    name: str,
    accelerator: Accelerator,
    planner: Planner,
    effort: Effort,
    seed: int,
    bound_seconds: float = 0.0,
    plan_only: bool = False,
    checked: bool = False,
    cost: Pricing = Roofline,
    target: Target | None = None,
    cache: BuildCache | None = None,
    on_phase: Callable[[str], None] | None = None,
) -> Compilation:
    """Compile a module for example inputs, which fix all shapes.

    Args:
        module: in evaluation mode; on the meta device for ``plan_only``.
        inputs: positional example inputs, tensors only, which may be nested in tuples, lists and dictionaries.
        keywords: example inputs by keyword, likewise.
        name: the program's name.
        accelerator: what is planned for; the planned program itself runs on this machine's CPU.
        planner: makes the plan.
        effort: how long the planner may search.
        seed: for the planner.
        bound_seconds: time to prove a lower bound in, see :func:`~memstow.planning.plan_with_bound`.
        plan_only: stop after the plan has been made and validated; no weight is read.
        checked: compile a program that poisons freed, unwritten and in-flight memory.
        cost: prices instructions for the planner, the bound and the plan's time.
        target: of the machine code; left out, this machine.
        cache: where machine code is kept between compilations; left out, the user's cache folder.
        on_phase: called with each phase's name as it begins.

    Raises:
        UnsupportedModelError: the model cannot be brought to a static Relax program.
        InvalidInputError: an example input is no tensor, or the model computes nothing.
        InfeasiblePlanError: the planner returned an invalid plan.
    """
    phases = _Phases(on_phase)
    options = PipelineOptions(accelerator, planner, effort, seed, checked, cost)
    target = target or host_target()
    with phases.run("export"):
        exported = export_model(module, inputs, keywords, name=name)
    with phases.run("import"):
        imported = import_exported(exported, name=name)
    with phases.run("fuse"), _tvm_at_work(name, "fusing its operators"):
        lowered = lower(imported, target)
    with phases.run("extract"):
        program = extract_program(lowered, options.host_accelerator, name=name, source="torch.export")
    with phases.run("plan"):
        aligned = options.problem(program)
        proven = plan_with_bound(planner, aligned, effort, seed=seed, bound_seconds=bound_seconds, target=accelerator)
    problem = Problem(program, accelerator, aligned.cost)

    def compilation(library: Path | None, *, cache_hit: bool = False) -> Compilation:
        executable = _executable(lowered, imported, library, name) if library else None
        return Compilation(
            problem,
            proven.plan,
            proven.bound,
            phases.seconds,
            cache_hit,
            imported.structure,
            imported.weights,
            executable,
        )

    if plan_only:
        return compilation(None)
    with phases.run("apply"):
        apply = ApplyMemoryPlan(proven.plan, options.host_accelerator, checked=checked, verify=False)
        planned = Sequential([apply])(lowered)
    cache = cache or BuildCache.default()
    library = cache.find(planned, target)
    if library is not None:
        return compilation(library, cache_hit=True)
    with phases.run("schedule"), _tvm_at_work(name, "scheduling its kernels"), target:
        scheduled = Sequential([ScheduleForCPU(), *finish_passes()])(planned)
    with phases.run("build"), _tvm_at_work(name, "building its machine code"):
        executable = tvm.compile(scheduled, target=target, relax_pipeline=Sequential([]))
        library = cache.store(planned, target, executable)
    return compilation(library)


def _executable(lowered: tvm.IRModule, imported: ImportedModel, library: Path, name: str) -> PlannedExecutable:
    main = lowered["main"]
    inputs = tuple(
        TensorSpec(
            name=str(param.name),
            shape=tuple(int(dim) for dim in param.ty.shape.values),
            dtype=str(param.ty.dtype),
        )
        for param in list(main.params)[: int(main.attrs["num_input"])]
    )
    return PlannedExecutable(name, library, inputs, tuple(imported.weights))


def lower(imported: ImportedModel, target: Target) -> tvm.IRModule:
    """Phases 1 and 2 of the pipeline: fused kernels in destination-passing style."""
    with target:
        return Sequential([*fuse_passes(target), *lower_passes()])(imported.module)


@contextmanager
def _tvm_at_work(name: str, purpose: str) -> Iterator[None]:
    """What TVM raises of its own names the model; it has many kinds of error."""
    try:
        yield
    except MemstowError:
        raise
    except Exception as error:
        text = next((line for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)
        raise UnsupportedModelError(
            f"model {name!r}: TVM fails at {purpose} ({text.strip()[:300]}); change the model and report this"
        ) from error


class _Phases:
    def __init__(self, on_phase: Callable[[str], None] | None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_phase = on_phase

    @contextmanager
    def run(self, name: str) -> Iterator[None]:
        if self._on_phase is not None:
            self._on_phase(name)
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began
