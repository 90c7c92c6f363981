"""Read a saved plan back and draw it with matplotlib: python draw_plan.py [program.json plan.json] [plan.png].

Without files it makes a small plan first: a chain of layers on a TPU with 4 MiB of fast memory.
"""

import sys

from matplotlib.figure import Figure

from memstow import planners
from memstow.accelerator import load_accelerator
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Problem
from memstow.program import Buffer, Instruction, Operand, Program

MIB = 1 << 20
LAYERS, WEIGHT, RESULT = 12, MIB // 2, MIB // 4


def make_files(program_path: str, plan_path: str) -> None:
    buffers, steps = [], []
    for t in range(LAYERS):
        last = t + 1 == LAYERS
        kind, uses = ("output", ()) if last else ("intermediate", (t + 1,))
        weight = Buffer(id=t, name=f"w{t}", size_bytes=WEIGHT, kind="parameter", definition_time=-1, use_times=(t,))
        result = Buffer(id=t + 100, name=f"h{t}", size_bytes=RESULT, kind=kind, definition_time=t, use_times=uses)
        read = [Operand(buffer=t, bytes_accessed=WEIGHT)]
        read += [Operand(buffer=t + 99, bytes_accessed=RESULT)] if t else []
        seconds = 1e-7 if t % 2 else 3e-6  # copies hide behind every other layer
        written = Operand(buffer=t + 100, bytes_accessed=RESULT)
        steps.append(Instruction(name=f"layer{t}", compute_seconds=seconds, operands=read, results=[written]))
        buffers += [weight, result]
    program = Program(name="chain", instructions=steps, buffers=buffers)
    program.save(program_path)
    problem = Problem(program, load_accelerator("tpu_v5e").with_capacity(4 * MIB))
    planners.get("greedy").plan(problem, Effort(), seed=0).save(plan_path)


def draw(program: Program, plan: MemoryPlan, path: str) -> None:
    figure = Figure(figsize=(10, 5), layout="constrained")
    memory, copies = figure.subplots(2, sharex=True, height_ratios=[5, 1])
    for stay in plan.allocations:
        colour = "tab:cyan" if program.buffer_by_id[stay.buffer].kind == "parameter" else "tab:orange"
        where = stay.start, stay.size / MIB, stay.end + 1 - stay.start, stay.offset / MIB
        memory.bar(*where, align="edge", color=colour, edgecolor="white")
    for copy in plan.copies:
        copies.barh(copy.direction, copy.done_time - copy.start_time, left=copy.start_time, color="tab:blue")
    memory.set(title=f"{program.name} by {plan.planner} on {plan.accelerator}", ylabel="offset in fast memory, MiB")
    copies.set(xlabel="instruction", xlim=(0, len(program.instructions)))
    figure.savefig(path)


if __name__ == "__main__":
    files = sys.argv[1:3] if len(sys.argv) > 2 else ["program.json", "plan.json"]
    if len(sys.argv) <= 2:
        make_files(*files)
    picture = sys.argv[3] if len(sys.argv) > 3 else "plan.png"
    draw(Program.load(files[0]), MemoryPlan.load(files[1]), picture)
    print(f"{picture}: the plan of {files[1]}")
