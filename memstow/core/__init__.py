"""The C++ core as Python sees it: flattened problems, the fast simulator, schedules that change one stay at a time.

>>> from memstow.core import CoreProblem, simulate
>>> core = CoreProblem(program, accelerator)        # doctest: +SKIP
>>> simulate(core, plan).total_seconds              # doctest: +SKIP
"""

from .pricing import BatchedCost
from .problem import CoreProblem
from .schedule_state import ScheduleState
from .simulation import CoreSimulation, simulate, simulate_stays
from .stay import CoreStay, stay_rows

__all__ = [
    "BatchedCost",
    "CoreProblem",
    "CoreSimulation",
    "CoreStay",
    "ScheduleState",
    "simulate",
    "simulate_stays",
    "stay_rows",
]
