from __future__ import annotations

from pathlib import Path

import pytest

from memstow.planners import Effort

from .. import worked_example as example
from .harness import Invalid, memstow, refused


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "example.plan.json"
    example.plan().save(path)
    return path


def test_check_accepts_a_valid_plan(program: Path, plan: Path, part: Path) -> None:
    result = memstow("check", program, plan, "--accelerator", part)
    assert result.code == 0
    assert "valid for example on example" in result.out
    document = memstow("check", program, plan, "--accelerator", part, "--json").document
    assert document["valid"] is True
    assert document["violations"] == []
    assert document["simulated_seconds"] == 20.0


def test_check_gives_the_violations_of_an_invalid_plan(program: Path, plan: Path, part: Path) -> None:
    Invalid().plan(None, Effort(0), seed=0).save(plan)
    result = memstow("check", program, plan, "--accelerator", part)
    assert result.code == 1
    assert "INVALID for example on example" in result.out
    as_json = memstow("check", program, plan, "--accelerator", part, "--json")
    assert as_json.code == 1
    assert as_json.document["valid"] is False
    # w and h overlap, and the prefetch of w no longer goes where w lies.
    assert as_json.document["violations"][0]["rule"] == 1
    assert "overlap" in as_json.document["violations"][0]["message"]


def test_check_refuses_the_plan_of_another_program(program: Path, plan: Path, part: Path) -> None:
    example.plan().model_copy(update={"program_fingerprint": "0" * 64}).save(plan)
    result = memstow("check", program, plan, "--accelerator", part, "--json")
    assert result.code == 1
    assert [violation["rule"] for violation in result.document["violations"]] == [0]


def test_check_uses_the_accelerator_that_the_plan_was_made_for(program: Path) -> None:
    assert memstow("plan", program, "--accelerator", "ethos_u65", "--out", "plan.json").code == 0
    assert memstow("check", program, "plan.json", "--json").document["accelerator"] == "ethos_u65"


def test_check_does_not_guess_a_part_that_is_not_built_in(program: Path, plan: Path) -> None:
    # The program names unit, but the plan was made for another part: checking it for unit would mean nothing.
    assert "names 'example', which is not built in" in refused("check", program, plan)


def test_a_truncated_plan_is_refused(program: Path, plan: Path) -> None:
    plan.write_text(plan.read_text()[:-20])
    assert "is the file truncated?" in refused("check", program, plan)


def test_a_program_is_no_plan(program: Path) -> None:
    assert "missing key 'program_fingerprint'" in refused("check", program, program)
