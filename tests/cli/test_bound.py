from __future__ import annotations

from pathlib import Path

import pytest

from memstow import bounds
from memstow.cli import bound
from memstow.plan import MemoryPlan

from .. import worked_example as example
from .harness import memstow, refused

# The worked example cannot take less than 20 s: every bound finds that, ``simple`` already (worked_example).


def test_every_bound_is_printed_and_the_best_is_marked(program: Path, part: Path) -> None:
    result = memstow("bound", program, "--accelerator", part)
    assert result.code == 0
    assert "no plan for example on example takes less than" in result.out
    assert all(name in result.out for name in ("simple", "fluid", "integer"))
    assert result.out.count("the best") == 1
    assert "20 s" in result.out


def test_the_gap_of_a_plan(program: Path, part: Path, tmp_path: Path) -> None:
    """All slow takes 24 s, a fifth more than 20 s."""
    slow = tmp_path / "slow.plan.json"
    memstow("plan", program, "--accelerator", part, "--planner", "all-slow", "--out", slow)
    result = memstow("bound", program, "--accelerator", part, "--plan", slow)
    assert result.code == 0
    assert "the plan takes 24 s: at most 20.0 % above the optimum" in result.out


def test_one_json_document(program: Path, part: Path, tmp_path: Path) -> None:
    plan = tmp_path / "example.plan.json"
    example.plan().save(plan)
    document = memstow("bound", program, "--accelerator", part, "--plan", plan, "--json").document
    assert document["bound_seconds"] == pytest.approx(20.0, rel=1e-3)
    assert document["bound_seconds"] == max(document["bounds"].values()) == document["bounds"][document["method"]]
    assert document["plan_seconds"] == 20.0
    assert document["gap_ratio"] == pytest.approx(0.0, abs=1e-3)
    assert document["gap_ratio"] >= 0.0


def test_without_a_plan_there_is_no_gap(program: Path) -> None:
    document = memstow("bound", program, "--json").document
    assert document["accelerator"] == "unit"
    assert document.keys().isdisjoint({"plan_seconds", "gap_ratio"})


def test_a_short_limit_leaves_bounds_out_and_says_so(program: Path) -> None:
    document = memstow("bound", program, "--time-limit", 0, "--json").document
    assert document["method"] == "simple"
    assert document["notes"] == {"fluid": "left out: no time"}
    assert "left out: no time" in memstow("bound", program, "--time-limit", 0).out


def test_an_invalid_plan_has_no_gap(program: Path, part: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.plan.json"
    MemoryPlan.model_copy(example.plan(), update={"copies": ()}).save(broken)
    result = memstow("bound", program, "--accelerator", part, "--plan", broken)
    assert (result.code, result.out) == (1, "")
    assert "expected a valid one, found" in result.err


@pytest.mark.parametrize("limit", ["-1", "nan", "inf"])
def test_a_time_limit_is_a_finite_time(limit: str, program: Path) -> None:
    assert "time limit: expected a number of seconds, 0 or more" in refused("bound", program, "--time-limit", limit)


def test_an_unreadable_program_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused("bound", tmp_path / "absent.json")


def test_the_default_limit_is_that_of_the_function() -> None:
    assert bound.DEFAULT_TIME_LIMIT_SECONDS == bounds.DEFAULT_TIME_LIMIT_SECONDS
