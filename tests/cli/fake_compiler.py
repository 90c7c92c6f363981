"""A stand-in for ``memstow.tvm_ext.compiler``: the command line's side of it, without TVM."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from memstow.accelerator import Accelerator
from memstow.bounds import Bound
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Planner, Problem
from memstow.planning import plan_with_bound
from memstow.program import Program
from memstow.timing import Pricing, Roofline

from .. import worked_example

PHASES = ("export", "import", "fuse", "extract", "plan", "apply", "schedule", "build")
LIBRARY = b"machine code"


@dataclass
class FakeCompilation:
    problem: Problem
    plan: MemoryPlan
    bound: Bound
    module: torch.nn.Module
    error: float
    cache_hit: bool = False
    phase_seconds: dict[str, float] = field(default_factory=lambda: {"plan": 0.25})

    @property
    def program(self) -> Program:
        return self.problem.program

    @property
    def accelerator(self) -> Accelerator:
        return self.problem.accelerator

    def run(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.module(*inputs) + self.error,)

    def export(self, path: str | Path) -> None:
        Path(path).write_bytes(LIBRARY)


@dataclass
class FakeCompiler:
    """Records the arguments of each call.

    ``error`` is added to every output. ``interrupted_in`` is the phase in which Ctrl-C comes; with ``swallowed`` the
    exception is lost on the way, as it is when C++ calls back into Python. ``noise`` is printed to standard output.
    """

    error: float = 0.0
    interrupted_in: str = ""
    swallowed: bool = False
    noise: str = ""
    raises: Exception | None = None
    calls: list[dict[str, Any]] = field(default_factory=list)

    def as_module(self) -> ModuleType:
        module = ModuleType("memstow.tvm_ext.compiler")
        module.compile_model = self.compile_model  # type: ignore[attr-defined]
        return module

    def compile_model(
        self,
        module: torch.nn.Module,
        inputs: tuple[torch.Tensor, ...],
        *,
        name: str,
        accelerator: Accelerator,
        planner: Planner,
        effort: Effort,
        seed: int,
        bound_seconds: float = 0.0,
        plan_only: bool = False,
        checked: bool = False,
        cost: Pricing = Roofline,
        on_phase: Callable[[str], None] | None = None,
    ) -> FakeCompilation:
        self.calls.append(
            {"module": module, "inputs": inputs, "plan_only": plan_only, "checked": checked, "seed": seed}
        )
        for phase in PHASES[:5] if plan_only else PHASES:
            if on_phase is not None:
                on_phase(phase)
            self._run(phase)
        program = worked_example.program(name)
        problem = Problem(program, accelerator, cost(program, accelerator))
        proven = plan_with_bound(planner, problem, effort, seed=seed, bound_seconds=bound_seconds)
        return FakeCompilation(problem, proven.plan, proven.bound, module, self.error)

    def _run(self, phase: str) -> None:
        if phase == "fuse":
            if self.noise:
                print(self.noise)
                os.write(1, self.noise.encode())
            if self.raises is not None:
                raise self.raises
        if phase == self.interrupted_in:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if not self.swallowed:
                    raise
