from __future__ import annotations

from pathlib import Path

import pytest

from memstow.errors import InvalidInputError
from memstow.plan import MemoryPlan
from memstow.planners import Problem
from memstow.program import Buffer, Program
from memstow.simulator import simulate
from memstow.summary import Numerics, Summary, storage_kind, summarise
from memstow.validator import validate

from . import worked_example as example


def summary_of(problem: Problem, plan: MemoryPlan) -> Summary:
    return summarise(problem, plan, simulate(problem.program, problem.accelerator, plan, problem.cost))


def test_the_worked_example_is_a_valid_plan() -> None:
    assert validate(example.program(), example.accelerator(), example.plan()) == ()


def test_every_figure_of_the_worked_example() -> None:
    # The times are derived in worked_example's docstring.
    summary = summary_of(example.problem(), example.plan())
    assert (summary.program, summary.accelerator, summary.planner, summary.seed) == ("example", "example", "by hand", 7)
    assert (summary.kernels, summary.flops) == (2, 5.0)
    assert (summary.weight_bytes, summary.input_bytes, summary.activation_bytes) == (8, 4, 8)
    assert (summary.all_slow_seconds, summary.planned_seconds, summary.all_fast_seconds) == (24.0, 20.0, 6.0)
    assert (summary.lower_bound_seconds, summary.gap_ratio) == (20.0, 0.0)
    assert summary.speedup_over_all_slow_ratio == pytest.approx(1.2)
    # Beyond arithmetic memory takes 5 - 2 and 7 - 3 s; stalls: 7 s before the second instruction, 1 s at the end.
    shares = summary.time_shares
    assert (shares.compute_seconds, shares.memory_seconds) == (5.0, 7.0)
    assert (shares.stall_seconds, shares.overhead_seconds) == (8.0, 0.0)
    # w ends at 16, but only 4 + 8 bytes are ever allocated.
    assert (summary.fast_memory_arena_bytes, summary.fast_memory_occupied_bytes) == (16, 12)
    assert (summary.slow_traffic_bytes, summary.fast_traffic_bytes) == (8, 16)
    assert (summary.prefetches, summary.prefetch_bytes, summary.evictions, summary.evict_bytes) == (1, 8, 1, 4)


def test_without_a_plan_the_time_is_all_slow() -> None:
    summary = summary_of(example.problem(), MemoryPlan(program_fingerprint="", accelerator="example"))
    assert summary.planned_seconds == summary.all_slow_seconds == 24.0
    assert summary.speedup_over_all_slow_ratio == 1.0
    assert summary.gap_ratio == pytest.approx(0.2)


def test_a_program_that_takes_no_time_has_no_ratios() -> None:
    problem = Problem(Program(name="empty", instructions=(), buffers=()), example.accelerator())
    summary = summary_of(problem, MemoryPlan(program_fingerprint="", accelerator="example"))
    assert summary.planned_seconds == 0.0
    assert summary.gap_ratio is None
    assert summary.speedup_over_all_slow_ratio is None


@pytest.mark.parametrize("numerics", [None, Numerics(outputs=1, tolerance=1e-3, passed=False, note="shape")])
def test_a_saved_summary_loads_again(tmp_path: Path, numerics: Numerics | None) -> None:
    problem = Problem(Program(name="empty", instructions=(), buffers=()), example.accelerator())
    plan = MemoryPlan(program_fingerprint="", accelerator="example")
    simulation = simulate(problem.program, problem.accelerator, plan)
    summary = summarise(problem, plan, simulation, numerics=numerics, phase_seconds={"plan": 1.5})
    summary.save(tmp_path / "summary.json")
    assert Summary.load(tmp_path / "summary.json") == summary


def test_a_foreign_document_is_no_summary(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"kernels": -1}')
    with pytest.raises(InvalidInputError, match="missing key 'program'"):
        Summary.load(tmp_path / "summary.json")


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (("intermediate",), "intermediate"),
        (("intermediate", "output"), "output"),
        (("parameter", "output"), "parameter"),
        (("output", "input"), "input"),
    ],
)
def test_one_kind_stands_for_a_whole_alias_group(kinds: tuple[str, ...], expected: str) -> None:
    resident = {"parameter", "input"}
    buffers = [
        Buffer.model_validate(
            {
                "id": k,
                "name": kind,
                "size_bytes": 4,
                "kind": kind,
                "definition_time": -1 if kind in resident else 0,
                "alias_group": 0,
            }
        )
        for k, kind in enumerate(kinds)
    ]
    instruction = {"name": "step", "compute_seconds": 0.0, "results": []}
    program = Program.model_validate({"name": "group", "instructions": [instruction], "buffers": buffers})
    assert [storage_kind(storage) for storage in program.storages] == [expected]
