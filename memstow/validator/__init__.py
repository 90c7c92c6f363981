"""The validator: checks a memory plan against the seven rules of ``docs/semantics.md``.

It shares no code with any planner or with the simulator, so that their mistakes cannot hide here.

>>> from memstow.validator import validate  # doctest: +SKIP
>>> for violation in validate(program, accelerator, plan):  # doctest: +SKIP
...     print(violation)
"""

from __future__ import annotations

from ..accelerator import Accelerator
from ..plan import MemoryPlan
from ..program import Program
from .copies import check_copies
from .dataflow import check_dataflow
from .geometry import BlockMap, check_allocations
from .references import access_map, check_references
from .violation import Violation

__all__ = ["Violation", "validate"]


def validate(program: Program, accelerator: Accelerator, plan: MemoryPlan) -> tuple[Violation, ...]:
    """Every broken rule of a plan, empty if it is valid. Raises nothing on any plan that parses.

    A cause is reported once where possible: data that a faulty copy was to bring counts as brought. Costs
    ``O((n + k) log n)`` for ``n`` instructions and ``k`` entries of the plan.
    """
    blocks = BlockMap(program, plan)
    return (
        *check_references(program, plan),
        *check_allocations(program, accelerator, plan),
        *check_copies(program, accelerator, plan, blocks),
        *check_dataflow(program, plan, blocks, access_map(program, plan)),
    )
