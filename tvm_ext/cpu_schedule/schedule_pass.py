"""``ScheduleForCPU``: tile, vectorise and parallelise every kernel of a module."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import tvm
from tvm import s_tir, tirx
from tvm.target import Target

from ...errors import InvalidInputError
from .analysis import block_iters, is_spatial, root_blocks
from .gemm import schedule_contraction
from .reduction import schedule_reduction
from .spatial import inline_spatial, parallelise_only, schedule_spatial, try_step
from .target import CpuTarget

IS_SCHEDULED = "tirx.is_scheduled"
"""Function attribute by which TVM's own default schedules know a kernel that needs none."""

_log = logging.getLogger(__name__)


@tvm.transform.module_pass(opt_level=0, name="ScheduleForCPU")
class ScheduleForCPU:
    """Schedule every unscheduled PrimFunc; run it at any point after ``FuseTIR``.

    Parameters, attributes and results of a kernel stay as they are up to the rounding of reordered sums. A kernel that
    no rule fits keeps its loops; one with dynamic shapes is at most made parallel.

    The estimates of ``analyse_kernel`` hold for unscheduled kernels: extract a program before this pass.

    Args:
        target: the CPU to schedule for; by default the target in scope when the pass runs.
    """

    def __init__(self, target: Target | None = None) -> None:
        self.target = target

    def transform_module(self, mod: tvm.IRModule, _ctx: tvm.transform.PassContext) -> tvm.IRModule:
        """Return the module with scheduled kernels.

        Raises:
            InvalidInputError: there is no target, neither an argument nor in scope.
        """
        target = self.target or Target.current(allow_none=True)
        if target is None:
            raise InvalidInputError(
                "ScheduleForCPU: expected a target, found none; pass one, as in ScheduleForCPU(host_target()), or run "
                "the pass inside `with target:`"
            )
        cpu = CpuTarget.of(target)
        scheduled = mod.clone()
        for variable, func in mod.functions_items():
            if isinstance(func, tirx.PrimFunc) and not (func.attrs and func.attrs.get(IS_SCHEDULED, False)):
                scheduled[variable] = schedule_kernel(func, cpu, variable.name_hint)
        return scheduled


def schedule_kernel(func: Any, cpu: CpuTarget, name: str = "main") -> Any:
    """Return ``func`` under the first rule that fits it, or as it is; ``name`` is for log messages."""
    for rule in RULES:
        try:
            sch = rule(func, cpu)
        # Any failure of a rule means that it does not fit: a kernel without a schedule is slow, not wrong.
        except Exception as error:
            _log.debug("%s: %s does not fit: %s", name, rule.__name__, str(error).partition("\n")[0])
            continue
        if sch is not None:
            return _with_attributes_of(func, sch.mod["main"])
    _log.debug("%s: no rule fits, left unscheduled", name)
    return func


def schedule_blocks(func: Any, cpu: CpuTarget) -> Any:
    """Inline what is cheap, then schedule every block of ``func`` by itself."""
    sch = s_tir.Schedule(func, error_render_level="fast")
    inline_spatial(sch)
    for block in root_blocks(sch):
        iters = block_iters(sch, block)
        rule = parallelise_only if iters is None else schedule_spatial if is_spatial(iters) else schedule_reduction
        # Every primitive keeps the meaning of the kernel, so what was applied before a refusal may stay.
        try_step(rule, sch, block, cpu)
    return sch


def _with_attributes_of(func: Any, scheduled: Any) -> Any:
    attributes = dict(func.attrs.items()) if func.attrs else {}
    for key in list(scheduled.attrs.keys()) if scheduled.attrs else []:
        if key not in attributes:
            scheduled = scheduled.without_attr(key)
    return scheduled.with_attrs({**attributes, IS_SCHEDULED: True})


RULES: tuple[Callable[[Any, CpuTarget], Any], ...] = (schedule_contraction, schedule_blocks)
"""The rules for whole kernels, most specific first; one returns None or raises if a kernel does not fit it."""
