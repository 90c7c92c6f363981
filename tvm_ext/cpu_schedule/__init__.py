"""Generic CPU schedules for the TIR kernels of a legalised and fused Relax module.

>>> from memstow.tvm_ext.cpu_schedule import ScheduleForCPU, host_target
>>> with host_target(cores=2) as target:
...     passes = [ScheduleForCPU()]
"""

from .schedule_pass import ScheduleForCPU, schedule_kernel
from .target import CpuTarget, host_target

__all__ = ["CpuTarget", "ScheduleForCPU", "host_target", "schedule_kernel"]
