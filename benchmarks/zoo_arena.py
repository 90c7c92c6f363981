"""Arena bytes of a model: memstow's ``first-touch`` plan against TVM's own ``StaticPlanBlockMemory``.

Both are given the same lowered module and unlimited memory, and both count the same tensors: what kernels write,
outputs left out. Inputs, weights and outputs are tensors of their own for both: TVM leaves an output as a
``builtin.alloc_tensor`` outside its storages, memstow gives it its slow home. A view takes no bytes in either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import tvm
from tvm import relax
from tvm.ir import Op
from tvm.ir.transform import Sequential

from memstow import planners
from memstow.accelerator import Accelerator
from memstow.planners import Effort
from memstow.program import Program
from memstow.simulator import occupancy
from memstow.tvm_ext.cpu_schedule import host_target
from memstow.tvm_ext.extract_program import extract_program
from memstow.tvm_ext.lowered_function import LoweredFunction, read_function
from memstow.tvm_ext.passes.apply_memory_plan import ApplyMemoryPlan
from memstow.tvm_ext.pipeline import PipelineOptions

#: No model needs as much (bytes).
UNLIMITED = 1 << 50


@dataclass(frozen=True)
class TvmArena:
    """What ``StaticPlanBlockMemory`` makes of a module: the size of each of its storages, bytes; tensors in them."""

    storages: tuple[int, ...]
    tensors: int

    def total(self, alignment: int = 1) -> int:
        """Bytes of all storages, each rounded up to a multiple of ``alignment``."""
        return sum(-(-size // alignment) * alignment for size in self.storages)


@dataclass(frozen=True)
class PlannedArena:
    """What the ``first-touch`` plan needs: bytes of both arenas, the alignment of offsets, tensors in the arenas.

    ``alive_bytes`` is the most bytes that hold data at one time, which no packing can beat.
    """

    fast_bytes: int
    slow_bytes: int
    alive_bytes: int
    alignment: int
    tensors: int
    kernels: int

    @property
    def total(self) -> int:
        """Bytes of both arenas."""
        return self.fast_bytes + self.slow_bytes


def planned_arena(lowered: tvm.IRModule, accelerator: Accelerator) -> PlannedArena:
    """Plan a lowered module for the accelerator with unlimited fast memory, aligned as the pipeline aligns.

    The bytes are those that the rewritten module asks its execution context for.
    """
    planner = planners.get("first-touch")
    options = PipelineOptions(accelerator.with_capacity(UNLIMITED), planner)
    program = extract_program(lowered, options.host_accelerator)
    plan = planner.plan(options.problem(program), Effort(0.0), seed=0)
    applied = Sequential([ApplyMemoryPlan(plan, options.host_accelerator)])(lowered)
    fast_bytes, slow_bytes = context_bytes(applied["main"])
    return PlannedArena(
        fast_bytes=fast_bytes,
        slow_bytes=slow_bytes,
        alive_bytes=max(occupancy(program, plan), default=0),
        alignment=options.host_accelerator.alignment,
        tensors=len(_arena_storages(read_function(lowered, "main"), program)),
        kernels=len(program.instructions),
    )


def context_bytes(function: relax.Function) -> tuple[int, int]:
    """Bytes of the fast and of the slow arena of a planned function."""
    calls = _calls(function, relax.ExternFunc)
    (arguments,) = (call.args for call in calls if call.op.global_symbol == "memstow.runtime.context")
    fast_bytes, slow_bytes, _checked = (int(argument.value) for argument in arguments)
    return fast_bytes, slow_bytes


def tvm_arena(lowered: tvm.IRModule) -> TvmArena:
    """Run ``StaticPlanBlockMemory`` on a lowered module.

    Raises:
        AssertionError: TVM left another tensor than the outputs outside its storages, so the comparison would be void.
    """
    with host_target():
        planned = relax.transform.StaticPlanBlockMemory()(lowered)
    calls = list(_calls(planned["main"], Op))
    count = Counter(str(call.op.name) for call in calls)
    read = read_function(lowered, "main")
    outputs = sum(t.origin == "allocation" and t.storage in read.output_storages for t in read.tensors)
    left = count["relax.builtin.alloc_tensor"]
    assert left == outputs, f"TVM plans all tensors but {left}; expected all but the {outputs} outputs"
    sizes = tuple(int(call.args[0].values[0]) for call in calls if call.op.name == "relax.memory.alloc_storage")
    return TvmArena(sizes, count["relax.memory.alloc_tensor"])


def _arena_storages(lowered: LoweredFunction, program: Program) -> set[int]:
    """Storages that live in an arena whatever the plan: neither resident nor returned."""
    own = {t.index for t in lowered.tensors if t.origin == "allocation" and t.storage not in lowered.output_storages}
    return {program.storage_of[index] for index in own if index in program.storage_of}


def _calls(function: relax.Function, kind: type) -> Iterator[relax.Call]:
    for block in function.body.blocks:
        for binding in block.bindings:
            if isinstance(binding.value, relax.Call) and isinstance(binding.value.op, kind):
                yield binding.value
