from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import pytest

from memstow import planners
from memstow.accelerator import load_accelerator
from memstow.cli.plan import default_plan_path
from memstow.plan import MemoryPlan
from memstow.planners import Effort
from memstow.program import Program
from memstow.validator import validate

from .. import worked_example as example
from ..all_planners import all_planners
from .harness import Invalid, memstow, names_in, refused, write_part


def test_plan_writes_a_valid_plan(program: Path, part: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "out.json"
    result = memstow("plan", program, "--accelerator", part, "--out", out, "--planner", "greedy", "--seed", 3)
    assert result.code == 0
    plan = MemoryPlan.load(out)
    assert validate(Program.load(program), load_accelerator(part), plan) == ()
    assert (plan.planner, plan.seed, plan.accelerator) == ("greedy", 3, "example")
    assert "24 s" in result.out  # all slow, as derived in worked_example
    assert str(out) in result.out


@pytest.mark.parametrize("planner", all_planners())
def test_plan_takes_every_planner(planner: str, program: Path, part: Path) -> None:
    result = memstow("plan", program, "--accelerator", part, "--planner", planner, "--budget", 0.1, "--json")
    assert result.code == 0
    document = result.document
    assert document["summary"]["planner"] == planner
    assert document["summary"]["lower_bound_seconds"] == pytest.approx(20.0)
    assert document["files"] == {"plan": "example.plan.json"}
    assert {"name", "reason", "sentence"} <= document["slow_tensors"][0].keys()


def test_the_accelerator_is_the_programs_own_unless_given(program: Path) -> None:
    assert memstow("plan", program, "--json").document["summary"]["accelerator"] == "unit"
    other = memstow("plan", program, "--json", "--accelerator", "ethos_u85")
    assert other.document["summary"]["accelerator"] == "ethos_u85"


def test_zero_capacity_leaves_everything_slow_and_says_why(program: Path, tmp_path: Path) -> None:
    part = write_part(tmp_path / "none.toml", capacity=0)
    document = memstow("plan", program, "--accelerator", part, "--json").document
    assert document["summary"]["planned_seconds"] == document["summary"]["all_slow_seconds"] == 24.0
    assert {tensor["reason"] for tensor in document["slow_tensors"]} == {"no-fast-memory"}


def test_a_tensor_larger_than_fast_memory_stays_slow_and_is_explained(program: Path, tmp_path: Path) -> None:
    part = write_part(tmp_path / "small.toml", capacity=4)
    document = memstow("plan", program, "--accelerator", part, "--json").document
    reasons = {tensor["name"]: tensor["reason"] for tensor in document["slow_tensors"]}
    assert reasons["w"] == "too-large"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a/b.program.json", "b.plan.json"), ("b.json", "b.plan.json"), ("b.txt", "b.txt.plan.json")],
)
def test_the_plans_default_name(given: str, expected: str) -> None:
    assert default_plan_path(Path(given)) == Path(expected)


def test_a_plan_never_replaces_its_program(program: Path) -> None:
    before = program.read_text()
    assert "is the program itself" in refused("plan", program, "--out", program)
    assert program.read_text() == before


def test_an_unknown_planner_suggests_the_nearest(program: Path) -> None:
    assert "did you mean 'greedy'?" in refused("plan", program, "--planner", "gredy")


@pytest.mark.parametrize("budget", ["-1", "nan", "inf"])
def test_a_budget_is_a_finite_time(budget: str, program: Path) -> None:
    assert "--budget: expected a number of seconds" in refused("plan", program, "--budget", budget)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "p", "instr', "expected JSON, found an error at line 1 column"),
        ('{"cells": []}', "found the keys cells; check that this is the right file"),
        ("[1, 2]", "found list"),
        ('{"name": "p", "instructions": [], "buffers": []}', "the program has no instructions"),
        (
            '{"name": "p", "instructions": [{"name": "i"}], "buffers": []}',
            "missing key 'instructions.0.compute_seconds'",
        ),
        ('{"name": "p", "colour": 1, "instructions": [{}], "buffers": []}', "unknown key 'colour'"),
        ("", "is the file truncated?"),
        ("\0\udcff", "expected JSON text in UTF-8, found binary data"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "check"])
def test_a_file_that_is_no_program_is_refused(command: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    error = refused(command, path, *([path] if command == "check" else []))
    assert message in error
    assert str(path) in error


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "absent.json: cannot be read" in refused("plan", tmp_path / "absent.json")


def test_a_program_for_no_known_part_needs_the_option(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    example.program().model_copy(update={"accelerator": "mine"}).save(path)
    assert "names 'mine', which is not built in; pass --accelerator" in refused("plan", path)


# The tests may run as root, who can write to any folder: a folder below a regular file cannot even be made.


def test_plan_finds_out_that_it_cannot_write_before_it_plans(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(planners, "get", lambda name: pytest.fail("planned before the output was checked"))
    assert "cannot be used as a folder" in refused("plan", program, "--out", tmp_path / "file" / "plan.json")
    assert "found a folder" in refused("plan", program, "--out", tmp_path)


class Interrupting:
    name = description = "interrupting"

    def plan(self, problem: object, effort: Effort, *, seed: int) -> MemoryPlan:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the signal did not arrive")


def test_ctrl_c_while_planning_leaves_the_old_plan(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("plan.json").write_text("old")
    monkeypatch.setattr(planners, "get", lambda name: Interrupting())
    result = memstow("plan", program, "--out", "plan.json")
    assert (result.code, result.out) == (130, "")
    assert "interrupted: in phase 'plan'; plan.json is as before" in result.err
    assert names_in(Path()) == {"plan.json", program.name}
    assert Path("plan.json").read_text() == "old"


def test_an_invalid_plan_is_not_written(program: Path, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planners, "get", lambda name: Invalid())
    result = memstow("plan", program, "--accelerator", part, "--out", "plan.json")
    assert (result.code, result.out) == (1, "")
    assert "planner 'invalid' made an invalid plan with" in result.err
    assert not Path("plan.json").exists()


class Stopped:
    """A planner that an interrupt ends with the best so far."""

    name = description = "stopped"

    def plan(self, problem: object, effort: Effort, *, seed: int) -> MemoryPlan:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return example.plan()


def test_ctrl_c_while_a_planner_searches_keeps_the_best_so_far(
    program: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planners, "get", lambda name: Stopped())
    result = memstow("plan", program, "--accelerator", part, "--out", "plan.json")
    assert result.code == 130
    assert "time of the plan" in result.out
    assert "interrupted: in phase 'plan'; the best plan so far is in plan.json" in result.err
    assert MemoryPlan.load(Path("plan.json")).allocations == example.plan().allocations


def test_iterations_make_the_plan_independent_of_the_budget(program: Path, part: Path) -> None:
    plans = []
    for budget in ("0", "5"):
        options = ("--accelerator", part, "--planner", "portfolio", "--iterations", "20", "--budget", budget)
        assert memstow("plan", program, *options, "--out", "plan.json").code == 0
        plans.append(MemoryPlan.load(Path("plan.json")))
    assert plans[0] == plans[1]
    assert "--iterations: expected 0 or more, found -1" in refused("plan", program, "--iterations", "-1")


@pytest.mark.parametrize("planner", ["first-touch", "furthest-next-use", "greedy", "local-search", "portfolio"])
def test_one_free_prefetch(planner: str, program: Path, part: Path) -> None:
    """With w in fast memory from the beginning i0 takes 5 s, i1 4 + 3 s, the rest of h's way back 1 s: 13 s.

    Without h in fast memory it is 8 s and 4 + 4 + 2 = 10 s: 18 s, which first-touch gives: h is an output.
    """
    options = ("--accelerator", part, "--max-cross-program-prefetches", "1")
    result = memstow("plan", program, *options, "--planner", planner, "--budget", "1", "--out", "plan.json", "--json")
    seconds = result.document["summary"]["planned_seconds"]
    assert seconds == pytest.approx(18.0 if planner == "first-touch" else 13.0)
    assert memstow("check", program, "plan.json", *options).code == 0
    assert memstow("bound", program, *options, "--plan", "plan.json").code == 0
    without = memstow("check", program, "plan.json", "--accelerator", part, "--json")
    assert (without.code, [violation["rule"] for violation in without.document["violations"]]) == (1, [6])
    assert "expected 0 or more, found -1" in refused("check", program, "plan.json", *options[:-1], "-1")


def test_a_proven_optimum_ends_the_search(program: Path, part: Path) -> None:
    document = memstow(
        "plan", program, "--accelerator", part, "--planner", "portfolio", "--budget", "100000", "--json"
    ).document
    assert document["summary"]["planned_seconds"] == pytest.approx(20.0)
    assert 0.0 <= document["summary"]["gap_ratio"] <= 1e-4
