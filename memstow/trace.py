"""A plan's simulated run as Chrome trace events, to be opened in Perfetto or ``chrome://tracing``.

Format: "Trace Event Format" (the JSON Object Format). Times there are microseconds; here they are rounded to whole
nanoseconds, so that consecutive slices of a track meet exactly and no viewer sees them overlap.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .plan import MemoryPlan
from .planners.base import Problem
from .program import Instruction
from .simulator import CopyTiming, InstructionTiming, Simulation, occupancy
from .stalls import Stall, describe_ahead, describe_waited, find_stalls
from .timing import cost_model_name

PROCESS = 1
COMPUTE_TRACK = 1
DMA_TRACK = 2
COUNTER = "fast memory occupied"

Event = dict[str, Any]


def trace_document(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> dict[str, Any]:
    """The whole trace: compute track, DMA track and the occupancy of fast memory as a counter."""
    return {
        "traceEvents": [
            *_metadata(problem),
            *_compute_slices(problem, plan, simulation),
            *_dma_slices(problem, plan, simulation),
            *_occupancy(problem, plan, simulation),
        ],
        "displayTimeUnit": "ns",
        "otherData": {
            "program": problem.program.name,
            "accelerator": problem.accelerator.name,
            "planner": plan.planner,
            "cost_model": cost_model_name(problem.cost),
            "fast_memory_capacity_bytes": problem.accelerator.capacity,
        },
    }


def trace_json(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> str:
    """:func:`trace_document` as text."""
    return json.dumps(trace_document(problem, plan, simulation), separators=(",", ":"), allow_nan=False)


def bound_by(problem: Problem, step: Instruction, timing: InstructionTiming) -> str:
    """What takes longest: ``compute``, ``slow memory``, ``fast memory`` or ``overhead``.

    By the roofline whatever prices the kernel: other cost models do not say what their seconds are made of.
    """
    slow = timing.slow_bytes / problem.accelerator.slow_memory.bandwidth
    fast = timing.fast_bytes / problem.accelerator.fast_memory.bandwidth
    compute = step.compute_seconds * step.trip_count
    if max(slow, fast, compute) == 0.0:
        return "overhead"
    if compute >= slow + fast:
        return "compute"
    return "slow memory" if slow >= fast else "fast memory"


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _slice(track: int, name: str, category: str, begin: float, end: float, args: dict[str, Any]) -> Event:
    start, stop = _nanoseconds(begin), _nanoseconds(end)
    return {
        "ph": "X",
        "pid": PROCESS,
        "tid": track,
        "ts": start / 1000,
        "dur": (stop - start) / 1000,
        "name": name,
        "cat": category,
        "args": args,
    }


def _metadata(problem: Problem) -> Iterator[Event]:
    title = f"{problem.program.name} on {problem.accelerator.name} (simulated)"
    yield {"ph": "M", "pid": PROCESS, "tid": 0, "ts": 0, "name": "process_name", "args": {"name": title}}
    for track, name in ((COMPUTE_TRACK, "compute"), (DMA_TRACK, "DMA engine")):
        yield {"ph": "M", "pid": PROCESS, "tid": track, "ts": 0, "name": "thread_name", "args": {"name": name}}
        order = {"sort_index": track}
        yield {"ph": "M", "pid": PROCESS, "tid": track, "ts": 0, "name": "thread_sort_index", "args": order}


def _compute_slices(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> Iterator[Event]:
    stalls = {stall.time: stall for stall in find_stalls(plan, simulation)}
    steps = problem.program.instructions
    for t, (step, timing) in enumerate(zip(steps, simulation.instructions, strict=True)):
        if t in stalls:
            yield _stall_slice(problem, plan, stalls[t])
        begin = timing.start_seconds
        args = {
            "instruction": t,
            "opcode": step.opcode,
            "flops": step.flops * step.trip_count,
            "slow_bytes": timing.slow_bytes,
            "fast_bytes": timing.fast_bytes,
            "bound_by": bound_by(problem, step, timing),
        }
        yield _slice(COMPUTE_TRACK, step.name, "kernel", begin, begin + timing.elapsed_seconds, args)
    if len(steps) in stalls:
        yield _stall_slice(problem, plan, stalls[len(steps)])


def _stall_slice(problem: Problem, plan: MemoryPlan, stall: Stall) -> Event:
    args = {"instruction": stall.time, "waits_for": describe_waited(stall, problem.program, plan)}
    if stall.ahead:
        args["behind"] = describe_ahead(stall, problem.program, plan)
    end = stall.begin_seconds + stall.seconds
    return _slice(COMPUTE_TRACK, "stall", "stall", stall.begin_seconds, end, args)


def _dma_slices(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> Iterator[Event]:
    def order(timing: CopyTiming) -> tuple[float, float]:
        return timing.begin_seconds, timing.finish_seconds

    for timing in sorted(simulation.copies, key=order):
        copy = plan.copies[timing.copy_index]
        buffer = problem.program.buffer_by_id[copy.buffer]
        args = {
            "buffer": buffer.name,
            "kind": buffer.kind,
            "bytes": copy.bytes,
            "fast_memory_offset": copy.offset,
            "issued_at_instruction": copy.start_time,
            "done_before_instruction": copy.done_time,
            "queued_us": _nanoseconds(timing.begin_seconds - timing.issue_seconds) / 1000,
        }
        name = f"{copy.direction} {buffer.name}"
        yield _slice(DMA_TRACK, name, copy.direction, timing.begin_seconds, timing.finish_seconds, args)


def _occupancy(problem: Problem, plan: MemoryPlan, simulation: Simulation) -> Iterator[Event]:
    """One sample per change: the bytes of time t hold from the end of instruction t - 1 on, where copies are issued."""
    series: dict[int, int] = {}
    now = 0.0
    for timing, level in zip(simulation.instructions, occupancy(problem.program, plan), strict=True):
        series[_nanoseconds(now)] = level
        now = timing.start_seconds + timing.elapsed_seconds
    count = len(simulation.instructions)
    series[_nanoseconds(now)] = sum(a.size for a in plan.allocations if a.start <= count <= a.end)
    series[_nanoseconds(simulation.total_seconds)] = 0
    previous = -1
    for nanoseconds, level in series.items():
        if level != previous:
            yield {
                "ph": "C",
                "pid": PROCESS,
                "tid": 0,
                "ts": nanoseconds / 1000,
                "name": COUNTER,
                "args": {"bytes": level},
            }
        previous = level
