from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from memstow.planners import Problem
from memstow.simulator import Simulation, occupancy, simulate
from memstow.trace import COMPUTE_TRACK, DMA_TRACK, trace_document, trace_json

from . import worked_example as example
from .strategies import Planned, planned

SECOND = 1e6
"""Trace events count microseconds."""
NANOSECOND = 1e-3


def worked_trace() -> dict[str, Any]:
    problem, plan = example.problem(), example.plan()
    return trace_document(problem, plan, simulate(problem.program, problem.accelerator, plan))


def track(document: dict[str, Any], number: int) -> list[dict[str, Any]]:
    return [e for e in document["traceEvents"] if e["ph"] == "X" and e["tid"] == number]


def counters(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for event in document["traceEvents"] if event["ph"] == "C"]


def spans(events: list[dict[str, Any]]) -> list[tuple[str, float, float]]:
    return [(e["name"], e["ts"] / SECOND, (e["ts"] + e["dur"]) / SECOND) for e in events]


def test_the_compute_track_of_the_worked_example() -> None:
    # Derived in worked_example's docstring: 5 s, a stall of 7 s for w, 7 s, and 1 s until h has been written back.
    events = track(worked_trace(), COMPUTE_TRACK)
    assert spans(events) == [("first", 0, 5), ("stall", 5, 12), ("second", 12, 19), ("stall", 19, 20)]
    assert events[1]["args"] == {"instruction": 1, "waits_for": "prefetch of w"}
    assert events[2]["args"] == {
        "instruction": 1,
        "opcode": "matmul",
        "flops": 3.0,
        "slow_bytes": 4,
        "fast_bytes": 12,
        "bound_by": "slow memory",
    }
    assert events[3]["args"] == {"instruction": 2, "waits_for": "evict of h"}


def test_the_dma_track_of_the_worked_example() -> None:
    events = track(worked_trace(), DMA_TRACK)
    assert spans(events) == [("prefetch w", 0, 12), ("evict h", 12, 20)]
    assert events[0]["args"] == {
        "buffer": "w",
        "kind": "parameter",
        "bytes": 8,
        "fast_memory_offset": 8,
        "issued_at_instruction": 0,
        "done_before_instruction": 1,
        "queued_us": 0.0,
    }
    # It is issued when the first instruction ends, at 5 s, and queues behind w until 12 s.
    assert events[1]["args"]["queued_us"] == 7 * SECOND


def test_the_counter_of_the_worked_example() -> None:
    # h and w from the start until the last instruction ends at 19 s.
    assert [(e["ts"] / SECOND, e["args"]["bytes"]) for e in counters(worked_trace())] == [(0, 12), (19, 0)]


def test_tracks_and_process_are_named() -> None:
    names = {
        (event["name"], event["tid"]): event["args"].get("name")
        for event in worked_trace()["traceEvents"]
        if event["ph"] == "M"
    }
    assert names["process_name", 0] == "example on example (simulated)"
    assert names["thread_name", COMPUTE_TRACK] == "compute"
    assert names["thread_name", DMA_TRACK] == "DMA engine"


def test_the_text_is_the_document() -> None:
    problem, plan = example.problem(), example.plan()
    simulation = simulate(problem.program, problem.accelerator, plan)
    assert json.loads(trace_json(problem, plan, simulation)) == trace_document(problem, plan, simulation)


random_plans = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def traced(case: Planned) -> tuple[dict[str, Any], Simulation]:
    simulation = simulate(case.program, case.accelerator, case.plan)
    return trace_document(Problem(case.program, case.accelerator), case.plan, simulation), simulation


@random_plans
@given(planned())
def test_kernels_and_stalls_fill_the_compute_track_without_a_gap(case: Planned) -> None:
    document, simulation = traced(case)
    slices = spans(track(document, COMPUTE_TRACK))
    ends = [0.0] + [end for _, _, end in slices]
    begins = [begin for _, begin, _ in slices] + [simulation.total_seconds]
    assert begins == pytest.approx(ends, abs=1e-9)
    kernels = [(end - begin) for name, begin, end in slices if name != "stall"]
    assert kernels == pytest.approx([timing.elapsed_seconds for timing in simulation.instructions], abs=2e-9)


@random_plans
@given(planned())
def test_every_copy_has_its_simulated_times_and_one_runs_at_a_time(case: Planned) -> None:
    document, simulation = traced(case)
    slices = spans(track(document, DMA_TRACK))
    expected = sorted((timing.begin_seconds, timing.finish_seconds) for timing in simulation.copies)
    assert [begin for _, begin, _ in slices] == pytest.approx([begin for begin, _ in expected], abs=1e-9)
    assert [end for _, _, end in slices] == pytest.approx([end for _, end in expected], abs=2e-9)
    for (_, _, end), (_, begin, _) in pairwise(slices):
        assert end <= begin + NANOSECOND / SECOND


@random_plans
@given(planned())
def test_the_counter_is_the_occupancy_when_each_instruction_runs(case: Planned) -> None:
    document, simulation = traced(case)
    samples = [(event["ts"] / SECOND, event["args"]["bytes"]) for event in counters(document)]
    assert samples == sorted(samples, key=lambda sample: sample[0])
    assert samples[-1][1] == 0
    for timing, level in zip(simulation.instructions, occupancy(case.program, case.plan), strict=True):
        if timing.elapsed_seconds < 1e-8:
            continue  # too short for the trace's resolution
        middle = timing.start_seconds + timing.elapsed_seconds / 2
        assert [value for at, value in samples if at <= middle][-1] == level
