from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from memstow import planners
from memstow.cli.report import default_report_path
from memstow.plan import MemoryPlan
from memstow.planners import Effort
from memstow.planners.benefit_density import BenefitDensity

from .. import worked_example as example
from .harness import Invalid, memstow, names_in, refused, write_part


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "hand.plan.json"
    example.plan().save(path)
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """All tensors in slow memory: 24 s."""
    path = tmp_path / "other.plan.json"
    empty = MemoryPlan(
        program_fingerprint=example.program().fingerprint, accelerator="example", planner="all-slow"
    ).model_copy(
        update={
            "accesses": tuple(access.model_copy(update={"memory": "slow"}) for access in example.plan().accesses),
        }
    )
    empty.save(path)
    return path


def test_two_plans_side_by_side(program: Path, plan: Path, other: Path, part: Path) -> None:
    result = memstow("report", program, plan, other, "--accelerator", part)
    assert result.code == 0
    assert re.search(r"by hand +20 s +0\.0 %", result.out)
    assert re.search(r"all-slow +24 s +20\.0 %", result.out)
    assert "With other amounts of fast memory, planned by greedy" in result.out
    page = Path("example.report.html").read_text()
    assert '"label":"by hand"' in page
    assert '"label":"all-slow"' in page
    assert page.count('"capacity":') == 5


def test_the_json_document(program: Path, plan: Path, other: Path, part: Path) -> None:
    options = ("--accelerator", part, "--what-if", "8B,32", "--out", "r.html", "--svg", "p.svg", "--json")
    document = memstow("report", program, plan, other, *options).document
    assert [entry["label"] for entry in document["plans"]] == ["by hand", "all-slow"]
    assert [entry["stalls"] for entry in document["plans"]] == [2, 0]
    assert document["plans"][0]["file"] == str(plan)
    assert sorted(point["capacity_bytes"] for point in document["what_if"]) == [8, 16, 32]
    assert document["files"] == {"report": "r.html", "svg": "p.svg"}
    assert Path("p.svg").read_text().startswith("<svg")


def test_only_pictures_where_only_pictures_are_asked_for(program: Path, plan: Path, part: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    before = names_in(tmp_path)
    document = memstow(
        "report", program, plan, "--accelerator", part, "--svg", "a.svg", "--png", "b.png", "--json"
    ).document
    assert names_in(tmp_path) - before == {"a.svg", "b.png"}
    assert document["what_if"] == []


@pytest.mark.parametrize("choice", ["none", "0"])
def test_no_capacities_if_none_are_wanted(choice: str, program: Path, plan: Path, part: Path) -> None:
    assert memstow("report", program, plan, "--accelerator", part, "--what-if", choice).code == 0
    assert '"what_if":null' in Path("example.report.html").read_text()


def test_a_part_without_fast_memory_has_no_capacities_to_vary(program: Path, other: Path, tmp_path: Path) -> None:
    none = write_part(tmp_path / "none.toml", capacity=0)
    assert memstow("report", program, other, "--accelerator", none, "--json").document["what_if"] == []


def test_plans_of_one_planner_are_named_by_their_files(program: Path, plan: Path, part: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_text(plan.read_text())
    options = ("--accelerator", part, "--what-if", "none", "--json")
    document = memstow("report", program, plan, again, *options).document
    assert [entry["label"] for entry in document["plans"]] == ["hand", "again"]
    document = memstow("report", program, plan, plan, *options).document
    assert [entry["label"] for entry in document["plans"]] == [str(plan), str(plan)]


@pytest.mark.parametrize(
    ("given", "expected"), [("a/b.program.json", "b.report.html"), ("b.json", "b.report.html"), ("b", "b.report.html")]
)
def test_the_pages_default_name(given: str, expected: str) -> None:
    assert default_report_path(Path(given)) == Path(expected)


def test_an_invalid_plan_is_refused_with_its_first_violation(program: Path, plan: Path, part: Path) -> None:
    Invalid().plan(None, Effort(0), seed=0).save(plan)
    result = memstow("report", program, plan, "--accelerator", part)
    assert result.code == 1
    assert f"{plan}: expected a valid plan of example for example, found" in result.err
    assert "memstow check lists them all" in result.err
    assert not Path("example.report.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--what-if", "30"], "at most 25 capacities, found 30; a single size needs its unit"),
        (["--what-if", "many"], "expected bytes, or a number with KiB"),
        (["--out", "page.txt"], "expected a name that ends with .html, found 'page.txt'"),
        (["--svg", "page.png"], "expected a name that ends with .svg"),
        (["--planner", "gredy"], "did you mean 'greedy'?"),
        (["--bound-time", "-1"], "--bound-time: expected a number of seconds"),
    ],
)
def test_bad_options_are_refused(options: list[str], message: str, program: Path, plan: Path, part: Path) -> None:
    assert message in refused("report", program, plan, "--accelerator", part, *options)
    assert not Path("example.report.html").exists()


def test_too_many_capacities_are_refused(program: Path, plan: Path, part: Path) -> None:
    sizes = ",".join(f"{size}B" for size in range(1, 28))
    assert "at most 25 capacities, found 27" in refused(
        "report", program, plan, "--accelerator", part, "--what-if", sizes
    )


def test_without_matplotlib_the_png_is_refused_at_once(
    program: Path, plan: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    message = refused("report", program, plan, "--accelerator", part, "--png", "p.png")
    assert "pip install 'memstow[report]'" in message


def test_a_plan_priced_by_another_cost_model_is_announced(program: Path, plan: Path, part: Path) -> None:
    example.plan().model_copy(update={"cost_model": "tiny", "simulated_seconds": 1.0}).save(plan)
    result = memstow("report", program, plan, "--accelerator", part, "--what-if", "none")
    assert result.code == 0
    assert "was priced by cost model 'tiny'" in result.err


class InterruptedAtTheSecond:
    """A planner that an interrupt ends at its second problem."""

    name = description = "interrupted"

    def __init__(self) -> None:
        self.plans = 0

    def plan(self, problem: planners.Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        self.plans += 1
        if self.plans > 1:
            raise KeyboardInterrupt
        return BenefitDensity().plan(problem, effort, seed=seed)


def test_an_interrupt_leaves_out_the_capacities_that_are_not_planned(
    program: Path, plan: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = InterruptedAtTheSecond()
    monkeypatch.setattr(planners, "get", lambda name: planner)
    result = memstow("report", program, plan, "--accelerator", part)
    assert result.code == 130
    assert "example.report.html lacks 4 of 5 capacities" in result.err
    assert Path("example.report.html").read_text().count('"capacity":') == 1
