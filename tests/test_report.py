from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from memstow.explain import SlowTensor, slow_tensor_reasons
from memstow.plan import MemoryPlan
from memstow.planners import Problem
from memstow.report import data as report_data_module
from memstow.report import render_report
from memstow.report.data import clip, report_data
from memstow.report.lifetimes import describe_lifetimes
from memstow.simulator import simulate
from memstow.summary import summarise

from . import worked_example as example

MICROSECONDS = 1e6
NOTHING_FAST = MemoryPlan(program_fingerprint="", accelerator="example")


def page_of(problem: Problem, plan: MemoryPlan) -> str:
    simulation = simulate(problem.program, problem.accelerator, plan)
    summary = summarise(problem, plan, simulation)
    return render_report(problem, plan, simulation, summary, slow_tensor_reasons(problem, plan))


def data_of(problem: Problem, plan: MemoryPlan, slow: list[SlowTensor] | None = None) -> dict[str, Any]:
    simulation = simulate(problem.program, problem.accelerator, plan)
    summary = summarise(problem, plan, simulation)
    tensors = slow_tensor_reasons(problem, plan) if slow is None else slow
    return report_data(problem, plan, simulation, summary, tensors)


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def slow_tensor(cost_seconds: float) -> SlowTensor:
    return SlowTensor(example.X, "x", "input", 4, 1, 1, cost_seconds, "no-room", f"costs {cost_seconds}")


def test_the_page_needs_nothing_from_outside() -> None:
    page = page_of(example.problem(), example.plan())
    assert page.startswith("<!DOCTYPE html>")
    assert re.findall(r"https?://|<link|<img|<iframe|\bsrc=|@import|url\(|fetch\(|XMLHttpRequest|import\(", page) == []
    # Every placeholder of the template is filled; what JavaScript writes is ${...}.
    assert re.findall(r"\$(title|style|data|script)\b", page) == []


def test_the_page_carries_its_data() -> None:
    problem, plan = example.problem(), example.plan()
    assert embedded(page_of(problem, plan)) == json.loads(json.dumps(data_of(problem, plan)))


def test_the_data_of_the_worked_example() -> None:
    # The times are derived in worked_example's docstring.
    data = data_of(example.problem(), example.plan())
    names = data["buffers"]["name"]
    kernels, allocations, copies = data["kernels"], data["allocations"], data["copies"]
    assert kernels["name"] == ["first", "second"]
    assert kernels["time"] == [5 * MICROSECONDS, 7 * MICROSECONDS]
    assert kernels["stall"] == [0.0, 7 * MICROSECONDS]
    assert data["final_stall"] == MICROSECONDS
    assert data["stall_causes"] == {1: "prefetch of w", 2: "evict of h"}
    assert [data["bounds"][k] for k in kernels["bound"]] == ["slow memory", "slow memory"]
    assert [names[k] for k in allocations["buffer"]] == ["h", "w"]
    assert (allocations["offset"], allocations["size"]) == ([0, 8], [4, 8])
    assert (allocations["start"], allocations["end"]) == ([0, 0], [1, 1])
    assert [names[k] for k in copies["buffer"]] == ["w", "h"]
    assert copies["evict"] == [0, 1]
    assert copies["issue"] == [0.0, 5 * MICROSECONDS]
    assert copies["begin"] == [0.0, 12 * MICROSECONDS]
    assert copies["finish"] == [12 * MICROSECONDS, 20 * MICROSECONDS]
    assert {names[k] for k in data["slow"]["buffer"]} == {"x", "y"}
    assert {data["kinds"][data["buffers"]["kind"][k]] for k in data["slow"]["buffer"]} == {"input", "output"}


def test_every_column_of_a_table_has_the_same_length() -> None:
    data = data_of(example.problem(), example.plan())
    for table in ("kernels", "allocations", "copies", "slow", "buffers"):
        assert len({len(column) for column in data[table].values()}) == 1, table


@pytest.mark.parametrize("name", ["</script><b>", "a & b \u2028 c", '"quoted"', "<!--"])
def test_a_name_cannot_break_out_of_the_page(name: str) -> None:
    page = page_of(example.problem(weight=name), example.plan())
    assert name in embedded(page)["buffers"]["name"]
    if "<" in name or "&" in name:
        assert name not in page


def test_the_title_is_escaped() -> None:
    problem = Problem(example.program(name="<i>mine</i>"), example.accelerator())
    page = page_of(problem, example.plan())
    assert f"<title>{html.escape('<i>mine</i> on example')}</title>" in page


def test_a_plan_with_nothing_in_fast_memory_has_a_page() -> None:
    data = embedded(page_of(Problem(example.program(), example.accelerator(capacity=0)), NOTHING_FAST))
    assert data["allocations"]["buffer"] == data["copies"]["buffer"] == []
    assert len(data["slow"]["buffer"]) == 4


def test_the_dearest_slow_tensors_come_first_and_the_rest_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_data_module, "MAX_SLOW_ROWS", 2)
    tensors = [slow_tensor(cost) for cost in (1e-6, 4e-6, 2e-6, 3e-6)]
    data = data_of(example.problem(), example.plan(), tensors)
    assert data["slow"]["cost"] == [4.0, 3.0]
    assert data["slow_omitted"] == {"count": 2, "cost": 3.0}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("short", "short"), ("a" * 80, "a" * 80), ("a" * 50 + "b" * 50, "a" * 39 + "…" + "b" * 39)],
)
def test_long_names_lose_their_middle(name: str, expected: str) -> None:
    assert clip(name) == expected


def test_lifetimes_say_how_the_data_came_and_went() -> None:
    assert describe_lifetimes(example.program(), example.plan()) == [
        ("produced here by first (instruction 0)", "evicted to slow memory: issued at instruction 1, done before 2"),
        ("prefetched: issued at instruction 0, done before 1", "dropped after its last use"),
    ]


def test_two_abutting_allocations_are_told_as_one_stay() -> None:
    plan = example.plan()
    h, w = plan.allocations
    split = (h.model_copy(update={"end": 0}), h.model_copy(update={"start": 1}), w)
    lifetimes = describe_lifetimes(example.program(), plan.model_copy(update={"allocations": split}))
    assert lifetimes[0][1] == "stays at this place in the next allocation"
    assert lifetimes[1][0] == "stayed at this place from the allocation before"


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="needs a Chromium to run the page's scripts")
@pytest.mark.parametrize("plan", [example.plan(), NOTHING_FAST], ids=["worked example", "nothing fast"])
def test_the_scripts_run_without_an_error(tmp_path: Path, plan: MemoryPlan) -> None:
    page = tmp_path / "report.html"
    page.write_text(page_of(example.problem(weight="</script>"), plan), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--dump-dom"]
    run = subprocess.run(
        [str(BROWSER), *options, f"--user-data-dir={tmp_path}/profile", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "CONSOLE" not in run.stderr
    slow = 2 if plan.allocations else 4
    assert run.stdout.count("<tr>") - run.stdout.split('id="slow"')[0].count("<tr>") == slow + 1
    assert "Fast memory over the run: " in run.stdout
