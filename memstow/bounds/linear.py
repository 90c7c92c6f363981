"""Linear programs with boxed variables, and lower bounds of them that hold in floating point.

A bound does not rest on the solver's word. By weak duality *any* row multipliers ``y`` bound

    minimise c.x   with   low <= A x <= high,   0 <= x <= upper

from below by ``sum_i y_i * (low_i if y_i > 0 else high_i) + sum_j min(0, r_j) * upper_j`` with ``r = c - A'y``.
The solver only proposes ``y``: however it stopped and whatever its tolerances, the figure holds; good multipliers
make it tight. A bound on the error of this very evaluation is subtracted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Index = NDArray[np.int64]

#: A relative margin that covers the rounding of model coefficients and of simulated times.
RELATIVE_MARGIN = 1e-9
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass
class LinearProgram:
    """Built entry by entry; variables and rows are numbered from 0 in the order they are added."""

    _costs: list[float] = field(default_factory=list)
    _uppers: list[float] = field(default_factory=list)
    _wholes: list[bool] = field(default_factory=list)
    _lows: list[float] = field(default_factory=list)
    _highs: list[float] = field(default_factory=list)
    _rows: list[int] = field(default_factory=list)
    _columns: list[int] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    offset: float = 0.0

    def variable(self, upper: float, cost: float = 0.0, *, whole: bool = False) -> int:
        """A variable in ``[0, upper]``, ``upper`` finite; ``whole`` marks it for the integer program."""
        self._wholes.append(whole)
        self._uppers.append(upper)
        self._costs.append(cost)
        return len(self._costs) - 1

    def at_most(self, high: float) -> int:
        """A row ``<= high``, as yet empty."""
        return self._row(-math.inf, high)

    def equal(self, value: float) -> int:
        """A row ``== value``, as yet empty."""
        return self._row(value, value)

    def add(self, row: int, column: int, value: float) -> None:
        """Add ``value * variable`` to a row; several entries of one pair add up."""
        self._rows.append(row)
        self._columns.append(column)
        self._values.append(value)

    def raise_high(self, row: int, amount: float) -> None:
        """Add a constant to the right-hand side of an ``at_most`` row."""
        self._highs[row] += amount

    def freeze(self) -> BoxedProgram:
        """The same in arrays."""
        return BoxedProgram(
            cost=np.array(self._costs),
            upper=np.array(self._uppers),
            whole=np.array(self._wholes, dtype=bool),
            low=np.array(self._lows),
            high=np.array(self._highs),
            row=np.array(self._rows, dtype=np.int64),
            column=np.array(self._columns, dtype=np.int64),
            value=np.array(self._values),
            offset=self.offset,
        )

    def _row(self, low: float, high: float) -> int:
        self._lows.append(low)
        self._highs.append(high)
        return len(self._lows) - 1


@dataclass(frozen=True)
class BoxedProgram:
    """``n`` variables and ``m`` rows: ``cost``, ``upper`` and ``whole`` have shape (n,), ``low`` and ``high`` (m,).

    Entry k of the matrix is ``value[k]`` at ``row[k]``, ``column[k]``.
    """

    cost: Vector
    upper: Vector
    whole: NDArray[np.bool_]
    low: Vector
    high: Vector
    row: Index
    column: Index
    value: Vector
    offset: float

    def dual_bound(self, multipliers: Vector) -> float:
        """The lower bound that ``multipliers`` of shape (m,) prove; ``-inf`` if they are no finite numbers."""
        if multipliers.shape != self.low.shape or not np.all(np.isfinite(multipliers)):
            return -math.inf
        y = np.where((multipliers > 0.0) & np.isneginf(self.low), 0.0, multipliers)
        y = np.where((y < 0.0) & np.isposinf(self.high), 0.0, y)
        side = np.where(y > 0.0, self.low, np.where(y < 0.0, self.high, 0.0))
        terms = self.value * y[self.row]
        count = len(self.cost)
        reduced = self.cost - np.bincount(self.column, terms, count)
        bound = float(y @ side) + float(np.minimum(reduced, 0.0) @ self.upper)
        # Each sum of k terms errs by at most k eps times the sum of their magnitudes.
        magnitude = np.abs(self.cost) + np.bincount(self.column, np.abs(terms), count)
        entries = np.bincount(self.column, minlength=count) + 2
        error = float((entries * magnitude) @ self.upper) + len(y) * float(np.abs(y) @ np.abs(side))
        error += count * float(np.abs(np.minimum(reduced, 0.0)) @ self.upper)
        return self.offset + bound - 2.0 * _EPSILON * error


def solve_duals(
    program: BoxedProgram, *, time_limit_seconds: float, stop: Callable[[], bool] = lambda: False
) -> tuple[Vector, str]:
    """Row multipliers, shape (m,), from HiGHS, and how it ended (``optimal``, ``time limit reached``, ...).

    One thread. After the time limit, or where ``stop`` said so, the multipliers are those of the last iterate that
    HiGHS hands out, zeros if none.
    """
    solver = highs_solver(program, time_limit_seconds, {"solver": "ipm", "run_crossover": "off"})
    solver.cbIpmInterrupt += lambda event: event.interrupt() if stop() else None
    solver.run()
    duals = np.array(solver.getSolution().row_dual, dtype=np.float64)
    ended = solver.modelStatusToString(solver.getModelStatus()).lower()
    return (duals if len(duals) == len(program.low) else np.zeros(len(program.low))), ended


def integer_bound(
    program: BoxedProgram,
    *,
    time_limit_seconds: float,
    stop: Callable[[float], bool] = lambda bound: False,
) -> tuple[float, str]:
    """What branch and bound of HiGHS proves of the program with its ``whole`` variables in {0, 1}, and how it ended.

    One thread. Unlike :meth:`BoxedProgram.dual_bound` this is the solver's word: the bound holds up to its
    tolerances, for which the caller must leave a margin. ``-inf`` if nothing was proven in time. ``stop`` is asked
    with the bound so far whether to end early.
    """
    options = {"mip_feasibility_tolerance": 1e-7, "mip_rel_gap": 1e-5, "mip_heuristic_effort": 0.02}
    solver = highs_solver(program, time_limit_seconds, options)
    restrict(solver, program)

    def ask(event: Any) -> None:
        if stop(program.offset + event.data_out.mip_dual_bound):
            event.interrupt()

    solver.cbMipInterrupt += ask
    solver.run()
    ended = solver.modelStatusToString(solver.getModelStatus()).lower()
    bound = float(solver.getInfo().mip_dual_bound)
    return (program.offset + bound if math.isfinite(bound) else -math.inf), ended


def restrict(solver: Any, program: BoxedProgram) -> None:
    """Tell HiGHS that the ``whole`` variables are in {0, 1}."""
    whole = np.flatnonzero(program.whole).astype(np.int32)
    kinds = np.ones(len(whole), dtype=np.uint8)  # 1 is HighsVarType.kInteger
    solver.changeColsIntegrality(len(whole), whole, kinds)


def highs_solver(program: BoxedProgram, time_limit_seconds: float, options: Mapping[str, object]) -> Any:
    """HiGHS, silent and with one thread, that holds the program with all its variables continuous."""
    # Imported here: loading it takes longer than most commands that need no bound.
    highspy: Any = import_module("highspy")
    solver = highspy.Highs()
    common = {"output_flag": False, "threads": 1, "time_limit": max(time_limit_seconds, 1e-3)}
    for name, value in {**common, **options}.items():
        solver.setOptionValue(name, value)
    solver.passModel(_model(highspy, program))
    return solver


def _model(highspy: Any, program: BoxedProgram) -> Any:
    order = np.lexsort((program.row, program.column))
    column, row, value = program.column[order], program.row[order], program.value[order]
    # HiGHS rejects two entries of one pair: add them up.
    first = np.ones(len(row), dtype=bool)
    first[1:] = (column[1:] != column[:-1]) | (row[1:] != row[:-1])
    starts = np.flatnonzero(first)
    column, row = column[first], row[first]
    value = np.add.reduceat(value, starts) if len(starts) else value
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(program.cost), len(program.low)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, np.zeros(len(program.cost)), program.upper
    lp.row_lower_, lp.row_upper_ = program.low, program.high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.searchsorted(column, np.arange(len(program.cost) + 1)).astype(np.int32)
    lp.a_matrix_.index_ = row.astype(np.int32)
    lp.a_matrix_.value_ = value
    return lp
