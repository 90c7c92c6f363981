"""One task of the zoo benchmark, in a process of its own: ``zoo_worker.py TASK_JSON``.

Writes lines of JSON to standard output: ``{"phase": ...}`` as work goes on, ``{"row": ...}`` for each target.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from zoo_arena import planned_arena, tvm_arena
from zoo_results import EIGHTH, FAILED, OK, Row

from memstow import models, planners
from memstow.accelerator import Accelerator, load_accelerator
from memstow.cli.numerics import compare, eager_outputs
from memstow.planners import Effort
from memstow.simulator import simulate
from memstow.summary import summarise
from memstow.tvm_ext.build_cache import BuildCache
from memstow.tvm_ext.compiler import Compilation, compile_model, lower
from memstow.tvm_ext.cpu_schedule import host_target
from memstow.tvm_ext.frontend import export_model, import_exported

#: Runs of which the fastest counts.
RUNS = 2

Tensors = tuple[torch.Tensor, ...]


class Bench:
    """Measures the rows of one model in one table."""

    def __init__(self, task: dict[str, Any], on_phase: Callable[[str], None]) -> None:
        self.model: str = task["model"]
        self.table: str = task["table"]
        self.targets: list[str] = task["targets"]
        self.planner = planners.get(task["planner"])
        self.budget: float = task["budget"]
        self.seed: int = task["seed"]
        self.on_phase = on_phase

    def rows(self) -> Iterator[Row]:
        """One row per target; what fails is a row with the reason."""
        try:
            self.on_phase("model")
            measure = {"full": self.full, "tiny": self.tiny, "deep": self.deep, "arena": self.arena}[self.table]()
        except Exception as error:  # whatever a model raises is a result
            for target in self.targets:
                yield self.failure(target, error)
            return
        for target in self.targets:
            try:
                yield {**self.key(target), "status": OK, **measure(target)}
            except Exception as error:
                yield self.failure(target, error)

    def key(self, target: str) -> Row:
        """What identifies a row."""
        return {"table": self.table, "model": self.model, "target": target}

    def failure(self, target: str, error: Exception) -> Row:
        """The row of a target that failed."""
        lines = str(error).strip().splitlines() or [""]
        return {**self.key(target), "status": FAILED, "reason": f"{type(error).__name__}: {lines[0][:400]}"}

    # --- tables: each prepares what its rows share and returns what measures one ---

    def full(self) -> Callable[[str], Row]:
        """Compiled, run, compared with PyTorch."""
        module, inputs = models.build(self.model, "full", seed=self.seed)
        expected, eager_seconds = best_of(lambda: eager_outputs(module, inputs))

        def measure(target: str) -> Row:
            with tempfile.TemporaryDirectory() as folder:
                compilation = self.compile(module, inputs, load_accelerator(target), folder)
                self.on_phase("run")
                outputs, run_seconds = best_of(lambda: run(compilation, inputs))
            return {
                "parameters": models.parameter_count(module),
                **self.figures(compilation),
                **numerics(outputs, expected),
                "run_seconds": run_seconds,
                "eager_seconds": eager_seconds,
            }

        return measure

    def tiny(self) -> Callable[[str], Row]:
        """Compiled, run and compared in checked mode."""
        module, inputs = models.build(self.model, "tiny", seed=self.seed)
        expected = eager_outputs(module, inputs)

        def measure(target: str) -> Row:
            accelerator = load_accelerator(target.removesuffix(EIGHTH))
            if target.endswith(EIGHTH):
                program = self.compile(module, inputs, accelerator).program
                accelerator = accelerator.with_capacity(sum(s.size_bytes for s in program.storages) // 8)
            with tempfile.TemporaryDirectory() as folder:
                compilation = self.compile(module, inputs, accelerator, folder, checked=True)
                self.on_phase("run")
                outputs = run(compilation, inputs)
            return {**self.figures(compilation), **numerics(outputs, expected)}

        return measure

    def deep(self) -> Callable[[str], Row]:
        """Planned only."""
        module, inputs = models.build(self.model, "deep", seed=self.seed)

        def measure(target: str) -> Row:
            compilation = self.compile(module, inputs, load_accelerator(target))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            return {
                "parameters": models.parameter_count(module),
                **self.figures(compilation),
                "peak_rss_bytes": peak,
            }

        return measure

    def arena(self) -> Callable[[str], Row]:
        """Arena bytes against TVM's; no weight is needed."""
        module, inputs = models.build(self.model, "full", shapes_only=True)
        imported = import_exported(export_model(module, inputs, name=self.model), name=self.model)
        self.on_phase("fuse")
        lowered = lower(imported, host_target())
        theirs = tvm_arena(lowered)

        def measure(target: str) -> Row:
            self.on_phase("plan")
            ours = planned_arena(lowered, load_accelerator(target))
            if ours.tensors != theirs.tensors:
                raise AssertionError(f"memstow plans {ours.tensors} tensors, TVM {theirs.tensors}: nothing to compare")
            return {
                "kernels": ours.kernels,
                "tensors": ours.tensors,
                "alignment": ours.alignment,
                "arena_bytes": ours.total,
                "alive_bytes": ours.alive_bytes,
                "tvm_bytes": theirs.total(),
                "tvm_storages": len(theirs.storages),
            }

        return measure

    # --- parts of rows ---

    def compile(
        self, module: nn.Module, inputs: Tensors, accelerator: Accelerator, cache: str = "", *, checked: bool = False
    ) -> Compilation:
        """Compile with an empty cache in the folder ``cache``; without one, plan only."""
        return compile_model(
            module,
            inputs,
            name=self.model,
            accelerator=accelerator,
            planner=self.planner,
            effort=Effort(self.budget),
            seed=self.seed,
            plan_only=not cache,
            checked=checked,
            cache=BuildCache(Path(cache)) if cache else None,
            on_phase=self.on_phase,
        )

    def figures(self, compilation: Compilation) -> Row:
        """What is known of every compilation and its plan."""
        problem, plan = compilation.problem, compilation.plan
        simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
        summary = summarise(problem, plan, simulation)
        return {
            "kernels": summary.kernels,
            "planned_seconds": summary.planned_seconds,
            "all_slow_seconds": summary.all_slow_seconds,
            "lower_bound_seconds": summary.lower_bound_seconds,
            "capacity_bytes": summary.fast_memory_capacity_bytes,
            "fast_peak_bytes": summary.fast_memory_arena_bytes,
            "prefetches": summary.prefetches,
            "evictions": summary.evictions,
            "phase_seconds": compilation.phase_seconds,
            "compile_seconds": sum(compilation.phase_seconds.values()),
        }


def run(compilation: Compilation, inputs: Tensors) -> Tensors:
    """Run on copies, as :func:`eager_outputs` does: a model may write to its inputs."""
    return compilation.run(*(tensor.clone() for tensor in inputs))


def numerics(outputs: Tensors, expected: Tensors) -> Row:
    """The comparison with PyTorch; a stray NaN fails it."""
    found = compare(outputs, expected)
    return {"error": found.max_scaled_error, "passed": found.passed, "note": found.note}


def best_of(action: Callable[[], Tensors]) -> tuple[Tensors, float]:
    """The last result and the seconds of the fastest of some runs."""
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - began)
    return result, min(seconds)


def warm_up() -> None:
    """Compile a linear layer, so that no row pays for what PyTorch and TVM import at the first export."""
    with tempfile.TemporaryDirectory() as folder:
        compile_model(
            nn.Linear(8, 8).eval(),
            (torch.ones(2, 8),),
            name="warm_up",
            accelerator=load_accelerator("unit"),
            planner=planners.get("all-slow"),
            effort=Effort(0.0),
            seed=0,
            cache=BuildCache(Path(folder)),
        )


def main() -> None:
    """Measure one task. Whatever libraries print goes to standard error."""
    warnings.simplefilter("ignore")
    results = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def send(message: Row) -> None:
        results.write(json.dumps(message) + "\n")

    task = json.loads(sys.argv[1])
    send({"phase": "imports"})
    warm_up()
    for row in Bench(task, lambda phase: send({"phase": phase})).rows():
        send({"row": row})


if __name__ == "__main__":
    main()
