"""What a cost model offers, and the analytical one."""

from __future__ import annotations

from typing import Protocol

from ..accelerator import Accelerator
from ..defaults import ROOFLINE
from ..program import Program
from ..timing import InstructionCost, Roofline


class CostModel(Protocol):
    """Prices the instructions of any program on any accelerator.

    What :meth:`prices` returns answers one placement at a time, and, where it is a
    :class:`~memstow.core.pricing.BatchedCost`, many at once: the core asks once for all placements of up to eight
    tensors of every instruction, so that no model is evaluated inside a search.
    """

    @property
    def name(self) -> str:
        """As in ``--cost-model``."""
        ...

    def prices(self, program: Program, accelerator: Accelerator) -> InstructionCost:
        """Seconds of the program's instructions, trip counts included."""
        ...


class RooflineModel:
    """The larger of arithmetic and memory time: see :mod:`memstow.timing`."""

    name = ROOFLINE

    def prices(self, program: Program, accelerator: Accelerator) -> Roofline:
        """See :class:`CostModel`."""
        return Roofline(program, accelerator)
