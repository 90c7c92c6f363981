"""The pass pipeline: Relax in, a planned executable's Relax out.

::

    Relax from torch.export
      1 fuse      operators become TIR kernels, neighbours fuse
      2 lower     destination-passing style: every tensor is allocated, every kernel writes into its arguments
      3 plan      ExtractProgram -> planner -> ApplyMemoryPlan, in place of StaticPlanBlockMemory
      4 schedule  TIR kernels get CPU schedules
      5 finish    what is left of Relax becomes calls of the virtual machine
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import tvm
from tvm import relax
from tvm.ir.transform import Pass, PassContext, Sequential
from tvm.relax.backend.cpu_generic import pipeline as cpu_generic
from tvm.target import Target

from ..accelerator import Accelerator, Memory, load_accelerator
from ..cost_model.interface import CostModel
from ..cost_model.registry import resolve_cost_model
from ..defaults import DEFAULT_ACCELERATOR, DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER, ROOFLINE
from ..errors import InvalidInputError
from ..plan import MemoryPlan
from ..planners import Effort, Planner, Problem
from ..planners import resolve as resolve_planner
from ..program import Program
from ..timing import Pricing, Roofline
from . import runtime  # noqa: F401  (registers the functions that a planned program calls)
from .cpu_schedule import ScheduleForCPU
from .extract_program import extract_program
from .passes.apply_memory_plan import ApplyMemoryPlan
from .passes.fold_transpose import FoldTranspose
from .placement import HOST_ALIGNMENT


@dataclass(frozen=True)
class PipelineOptions:
    """What the pipeline plans for, and with what; ``cost`` prices instructions."""

    accelerator: Accelerator
    planner: Planner
    effort: Effort = field(default_factory=Effort)
    seed: int = 0
    checked: bool = False
    cost: Pricing = Roofline
    host_accelerator: Accelerator = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "host_accelerator", with_host_alignment(self.accelerator))

    def problem(self, program: Program) -> Problem:
        """The planning problem of a program under these options."""
        return Problem(program, self.host_accelerator, self.cost(program, self.host_accelerator))


def resolve_options(
    *,
    accelerator: str | Path | Accelerator,
    planner: str | Planner | type[Planner],
    effort: Effort,
    seed: int,
    checked: bool,
    cost_model: str | Path | CostModel | type[CostModel],
) -> PipelineOptions:
    """Options by name, path or object; see :func:`pipeline` for each.

    Raises:
        UnknownNameError: no such accelerator, planner or cost model.
        InvalidInputError: one that cannot be read, or an object that is none.
    """
    part = accelerator if isinstance(accelerator, Accelerator) else load_accelerator(accelerator)
    pricing = resolve_cost_model(cost_model, part).prices
    return PipelineOptions(part, resolve_planner(planner), effort, seed, checked, pricing)


def with_host_alignment(accelerator: Accelerator) -> Accelerator:
    """The accelerator with allocations aligned for host kernels as well.

    A stricter alignment: a plan made for it is valid for the accelerator itself.
    """
    alignment = max(accelerator.alignment, HOST_ALIGNMENT)
    data = {**accelerator.fast_memory.model_dump(), "alignment_bytes": alignment}
    return accelerator.model_copy(update={"fast_memory": Memory.parse(data, where=accelerator.name)})


def fuse_passes(target: Target) -> list[Pass]:
    """Phase 1. A transpose of a weight is folded into the matmul that reads it, not run at every call."""
    return [
        *cpu_generic.library_dispatch_passes(target),
        FoldTranspose(),
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FoldConstant(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
        relax.transform.DeadCodeElimination(),
    ]


def lower_passes() -> list[Pass]:
    """Phase 2."""
    return [
        relax.transform.RewriteDataflowReshape(),
        relax.transform.ToNonDataflow(),
        relax.transform.RemovePurityChecking(),
        relax.transform.CallTIRRewrite(),
    ]


def finish_passes() -> list[Pass]:
    """Phase 5: TVM's own passes after memory planning."""
    return [
        relax.transform.LowerAllocTensor(),
        relax.transform.KillAfterLastUse(),
        relax.transform.LowerRuntimeBuiltin(),
        relax.transform.ComputePrimValue(),
        relax.transform.VMShapeLower(),
        relax.transform.AttachGlobalSymbol(),
    ]


@tvm.ir.transform.module_pass(opt_level=0, name="PlanMemory")
class PlanMemory:
    """Phase 3 for one function: extract its program, plan it, apply the plan.

    Args:
        options: what to plan for.
        function: the Relax function.
        on_plan: called with the problem and its plan, before the plan is applied.
    """

    def __init__(
        self,
        options: PipelineOptions,
        *,
        function: str = "main",
        on_plan: Callable[[Problem, MemoryPlan], None] | None = None,
    ) -> None:
        self.options = options
        self.function = function
        self.on_plan = on_plan

    def transform_module(self, mod: tvm.IRModule, _ctx: PassContext) -> tvm.IRModule:
        """Return the module with the planned function."""
        if self.function not in {gv.name_hint for gv in mod.get_global_vars()}:
            raise InvalidInputError(
                f"expected a module with the Relax function {self.function!r}, found "
                f"{sorted(str(gv.name_hint) for gv in mod.get_global_vars())}; pass function=... to memstow.pipeline"
            )
        options = self.options
        program = extract_program(mod, options.host_accelerator, function=self.function)
        problem = options.problem(program)
        plan = options.planner.plan(problem, options.effort, seed=options.seed)
        if self.on_plan is not None:
            self.on_plan(problem, plan)
        apply = ApplyMemoryPlan(plan, options.host_accelerator, function=self.function, checked=options.checked)
        return Sequential([apply])(mod)


def pipeline(
    *,
    accelerator: str | Path | Accelerator = DEFAULT_ACCELERATOR,
    planner: str | Planner | type[Planner] = DEFAULT_PLANNER,
    budget_seconds: float = DEFAULT_BUDGET_SECONDS,
    seed: int = 0,
    checked: bool = False,
    cost_model: str | Path | CostModel | type[CostModel] = ROOFLINE,
    function: str = "main",
    on_plan: Callable[[Problem, MemoryPlan], None] | None = None,
) -> Pass:
    """A Relax pipeline for ``tvm.compile(mod, target="llvm", relax_pipeline=memstow.pipeline(...))``.

    Args:
        accelerator: a built-in name, the path of a TOML file, or a description.
        planner: a registered name or a planner.
        budget_seconds: time that the planner may search.
        seed: of the planner.
        checked: poison freed, unwritten and in-flight memory in the compiled program.
        cost_model: ``roofline``; ``learned``, which the accelerator names; a trained or registered model's name; the
            path of a trained model's folder; or a cost model.
        function: the Relax function to plan; others are compiled without a plan.
        on_plan: called with the :class:`~memstow.planners.Problem` and its plan.

    Raises:
        UnknownNameError: no such accelerator, planner or cost model.
        InvalidInputError: the accelerator names no cost model, the folder holds none of this version, or what is handed
            over is no planner or cost model.
    """
    options = resolve_options(
        accelerator=accelerator,
        planner=planner,
        effort=Effort(budget_seconds),
        seed=seed,
        checked=checked,
        cost_model=cost_model,
    )

    @tvm.ir.transform.module_pass(opt_level=0, name="memstow.pipeline")  # type: ignore[untyped-decorator]  # tvm is untyped
    def run(mod: tvm.IRModule, _ctx: PassContext) -> tvm.IRModule:
        target = Target.current(allow_none=True) or Target("llvm")
        passes = [
            *fuse_passes(target),
            *lower_passes(),
            PlanMemory(options, function=function, on_plan=on_plan),
            ScheduleForCPU(),
            *finish_passes(),
        ]
        with target:
            return Sequential(passes)(mod)

    return run
