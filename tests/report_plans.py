"""Programs and plans for the tests of the report."""

from __future__ import annotations

from functools import cache

from memstow import planners
from memstow.accelerator import load_accelerator
from memstow.planners import Effort, Problem
from memstow.program import Buffer, Instruction, Operand, Program
from memstow.report import ReportedPlan, report_plan
from memstow.report.what_if import default_capacities, what_if_plans

MIB = 1 << 20


def layered_program(layers: int) -> Program:
    """Three kernels a layer: two with weights of 4 and 2 MiB, and a sum with the layer's input."""
    buffers = [Buffer(id=0, name="tokens", size_bytes=MIB, kind="input", definition_time=-1, use_times=(0, 2))]
    steps: list[Instruction] = []
    before = 0
    for layer in range(layers):
        t = 3 * layer
        wide, narrow, first, second, total = range(10 * layer + 1, 10 * layer + 6)
        last = layer + 1 == layers
        for number, name, size, kernel in ((wide, "query", 4 * MIB, t), (narrow, "dense", 2 * MIB, t + 1)):
            name = f"p_model_encoder_layer_{layer}_attention_{name}_weight"
            buffers.append(
                Buffer(id=number, name=name, size_bytes=size, kind="parameter", definition_time=-1, use_times=(kernel,))
            )
        for number, name, time, uses in (
            (first, "query", t, (t + 1,)),
            (second, "dense", t + 1, (t + 2,)),
            (total, "sum", t + 2, () if last else (t + 3, t + 5)),
        ):
            kind = "output" if last and number == total else "intermediate"
            buffers.append(
                Buffer(
                    id=number,
                    name=f"layer_{layer}_{name}#{time}",
                    size_bytes=MIB,
                    kind=kind,
                    definition_time=time,
                    use_times=uses,
                )
            )
        entries = [((before, wide), first), ((first, narrow), second), ((second, before), total)]
        for k, (reads, written) in enumerate(entries):
            sizes = {buffer.id: buffer.size_bytes for buffer in buffers}
            steps.append(
                Instruction(
                    name=f"fused_matmul_add_{layer}#{t + k}",
                    opcode="matmul" if k < 2 else "add",
                    compute_seconds=(1e-6, 3e-6, 1e-6)[k],
                    operands=tuple(Operand(buffer=number, bytes_accessed=sizes[number]) for number in reads),
                    results=(Operand(buffer=written, bytes_accessed=MIB),),
                )
            )
        before = total
    return Program(name="layers", accelerator="tpu_v5e", instructions=tuple(steps), buffers=tuple(buffers))


@cache
def layered_plans(layers: int) -> tuple[tuple[ReportedPlan, ...], tuple[ReportedPlan, ...]]:
    """Two plans of the program with 8 MiB of fast memory, both with stalls, and those for five capacities."""
    problem = Problem(layered_program(layers), load_accelerator("tpu_v5e").with_capacity(8 * MIB))
    given = [
        report_plan(problem, planners.get(name).plan(problem, Effort(), seed=0))
        for name in ("greedy", "furthest-next-use")
    ]
    points = what_if_plans(
        problem,
        planners.get("greedy"),
        default_capacities(problem, 5),
        Effort(),
        seed=0,
        bound_seconds=0.0,
    )
    return tuple(given), tuple(points)
