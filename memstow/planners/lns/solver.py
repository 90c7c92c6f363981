"""HiGHS on one neighbourhood: interruptible, limited by time or by work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from ...bounds.linear import Vector, highs_solver, restrict
from ...bounds.neighbourhood import Neighbourhood

#: Seconds between two looks at signals and at whether to stop.
_POLL_SECONDS = 0.02
#: Limits where the clock must not be looked at: nodes, and times that branch and bound asks whether to go on.
_NODES, _LOOKS = 50, 20
#: Of the improving solutions that were met, so many are handed out.
_MOST_SOLUTIONS = 3


@dataclass(frozen=True)
class Answer:
    """Solutions, the best first; a bound on all of them in seconds; whether the best is the optimum."""

    solutions: tuple[Vector, ...]
    bound_seconds: float
    optimal: bool


def solve(
    neighbourhood: Neighbourhood,
    start: Mapping[int, float],
    seconds: float | None,
    *,
    seed: int = 0,
    is_over: Callable[[], bool] = lambda: False,
) -> Answer:
    """Solve from a start (values of whole variables) for so many seconds, or until ``is_over`` says so.

    Without seconds the work is limited instead, and the same seed gives the same answer. ``KeyboardInterrupt`` ends
    the solver before it goes on.
    """
    program = neighbourhood.program
    options: dict[str, object] = {"random_seed": seed, "mip_improving_solution_save": True}
    options |= {"mip_rel_gap": 1e-5, "mip_feasibility_tolerance": 1e-7}
    if seconds is None:
        options |= {"mip_max_nodes": _NODES, "mip_heuristic_effort": 0.0}
    solver = highs_solver(program, 1e30 if seconds is None else seconds, options)
    if seconds is None:
        looks = count()
        solver.cbMipInterrupt += lambda event: event.interrupt(next(looks) >= _LOOKS)
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


def _run(solver: Any, is_over: Callable[[], bool]) -> None:
    """Run in a thread of its own: the solver holds no lock, and this thread hears signals."""
    solver.HandleUserInterrupt = True
    ended = threading.Event()

    def work() -> None:
        try:
            solver.run()
        finally:
            ended.set()

    worker = threading.Thread(target=work, daemon=True)
    try:
        worker.start()
        # Not join: a thread whose join is interrupted counts as stopped in Python 3.11, though it runs.
        while not ended.wait(_POLL_SECONDS):
            if is_over():
                solver.cancelSolve()
    finally:
        solver.cancelSolve()
        if worker.ident is None:  # interrupted in start(): it may be about to run
            time.sleep(_POLL_SECONDS)
        if worker.ident is not None:
            ended.wait()
            worker.join()
