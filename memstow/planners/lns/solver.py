"""HiGHS on one neighbourhood: interruptible, limited by time or by nodes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ...bounds.linear import Vector, highs_solver, restrict
from ...bounds.neighbourhood import Neighbourhood

#: Seconds between two looks at signals and at whether to stop.
_POLL_SECONDS = 0.02
#: Of the improving solutions that were met, so many are handed out.
_MOST_SOLUTIONS = 3


@dataclass(frozen=True)
class Effort:
    """Limits of one solve; without seconds the clock is not looked at."""

    seconds: float | None
    nodes: int


@dataclass(frozen=True)
class Answer:
    """Solutions, the best first; a bound on all of them in seconds; whether the best is the optimum."""

    solutions: tuple[Vector, ...]
    bound_seconds: float
    optimal: bool


def solve(
    neighbourhood: Neighbourhood, start: Mapping[int, float], effort: Effort, seed: int, is_over: Callable[[], bool]
) -> Answer:
    """Solve from a start (values of whole variables) until the limits, or until ``is_over`` says so.

    ``KeyboardInterrupt`` ends the solver before it goes on.
    """
    program = neighbourhood.program
    limits = {"mip_max_nodes": effort.nodes, "random_seed": seed, "mip_improving_solution_save": True}
    quality = {"mip_rel_gap": 1e-5, "mip_feasibility_tolerance": 1e-7}
    solver = highs_solver(program, 1e30 if effort.seconds is None else effort.seconds, limits | quality)
    restrict(solver, program)
    if start:
        index = np.fromiter(start.keys(), dtype=np.int32, count=len(start))
        solver.setSolution(len(start), index, np.fromiter(start.values(), dtype=np.float64, count=len(start)))
    _run(solver, is_over)
    ended = solver.modelStatusToString(solver.getModelStatus()).lower()
    saved = sorted(solver.getSavedMipSolutions(), key=lambda solution: solution.objective)
    found = [np.array(solution.col_value, dtype=np.float64) for solution in saved]
    if not found:
        values = np.array(solver.getSolution().col_value, dtype=np.float64)
        found = [values] if len(values) == len(program.cost) and solver.getInfo().primal_solution_status == 2 else []
    bound = (program.offset + float(solver.getInfo().mip_dual_bound)) * neighbourhood.unit_seconds
    return Answer(tuple(found[:_MOST_SOLUTIONS]), bound, ended == "optimal")


def _run(solver: object, is_over: Callable[[], bool]) -> None:
    """Run in a thread of its own: the solver holds no lock, and this thread hears signals."""
    highs: object = solver
    highs.HandleUserInterrupt = True  # type: ignore[attr-defined]
    worker = threading.Thread(target=highs.run, daemon=True)  # type: ignore[attr-defined]
    worker.start()
    try:
        while worker.is_alive():
            worker.join(_POLL_SECONDS)
            if worker.is_alive() and is_over():
                highs.cancelSolve()  # type: ignore[attr-defined]
    finally:
        if worker.is_alive():
            highs.cancelSolve()  # type: ignore[attr-defined]
            worker.join()
