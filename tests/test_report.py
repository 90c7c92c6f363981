from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from memstow.explain import SlowTensor
from memstow.plan import MemoryPlan
from memstow.planners import Problem
from memstow.report import data as data_module
from memstow.report import plan_data as plan_data_module
from memstow.report import render_page, render_report, report_plan
from memstow.report.data import report_data
from memstow.report.lifetimes import describe_lifetimes
from memstow.report.names import clip, shared_beginning
from memstow.summary import summarise

from . import worked_example as example
from .report_plans import layered_plans

MICROSECONDS = 1e6
NOTHING_FAST = MemoryPlan(program_fingerprint="", accelerator="example")


def page_of(problem: Problem, plan: MemoryPlan) -> str:
    return render_page([report_plan(problem, plan)])


def data_of(problem: Problem, plan: MemoryPlan) -> dict[str, Any]:
    return report_data([report_plan(problem, plan)])


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def slow_tensor(cost_seconds: float) -> SlowTensor:
    return SlowTensor(example.X, "x", "input", 4, 1, 1, cost_seconds, "no-room", f"costs {cost_seconds}")


def test_the_page_needs_nothing_from_outside() -> None:
    page = page_of(example.problem(), example.plan())
    page = page.replace('"http://www.w3.org/2000/svg"', "")  # a name, not an address
    assert page.startswith("<!DOCTYPE html>")
    assert re.findall(r"https?://|<link|<img|<iframe|\bsrc=|@import|url\(|fetch\(|XMLHttpRequest|import\(", page) == []
    # Every placeholder of the template is filled; what JavaScript writes is ${...}.
    assert re.findall(r"\$(title|style|data|script)\b", page) == []


def test_the_page_carries_its_data() -> None:
    problem, plan = example.problem(), example.plan()
    assert embedded(page_of(problem, plan)) == json.loads(json.dumps(data_of(problem, plan)))


def test_the_page_of_one_plan_is_the_same_from_its_parts() -> None:
    problem, plan = example.problem(), example.plan()
    parts = report_plan(problem, plan)
    assert parts.slow_tensors is not None
    summary = summarise(problem, plan, parts.simulation)
    assert render_report(problem, plan, parts.simulation, summary, parts.slow_tensors) == page_of(problem, plan)


def test_the_data_of_the_worked_example() -> None:
    # The times are derived in worked_example's docstring.
    data = data_of(example.problem(), example.plan())
    (plan,) = data["plans"]
    names = data["tensors"]["name"]
    kernels, allocations, copies = plan["kernels"], plan["allocations"], plan["copies"]
    assert data["instructions"]["name"] == ["first", "second"]
    assert kernels["time"] == [5 * MICROSECONDS, 7 * MICROSECONDS]
    assert kernels["stall"] == [0.0, 7 * MICROSECONDS]
    assert plan["final_stall"] == MICROSECONDS
    assert [plan["bounds"][k] for k in kernels["bound"]] == ["slow memory", "slow memory"]
    assert [names[k] for k in allocations["tensor"]] == ["h", "w"]
    assert (allocations["offset"], allocations["size"]) == ([0, 8], [4, 8])
    assert (allocations["start"], allocations["end"]) == ([0, 0], [1, 1])
    assert [names[k] for k in copies["tensor"]] == ["w", "h"]
    assert copies["evict"] == [0, 1]
    assert copies["issue"] == [0.0, 5 * MICROSECONDS]
    assert copies["begin"] == [0.0, 12 * MICROSECONDS]
    assert copies["finish"] == [12 * MICROSECONDS, 20 * MICROSECONDS]
    assert {names[k] for k in plan["slow"]["tensor"]} == {"x", "y"}


def test_stalls_come_with_the_copies_waited_for() -> None:
    (plan,) = data_of(example.problem(), example.plan())["plans"]
    assert plan["stalls"] == {
        "time": [1, 2],
        "begin": [5 * MICROSECONDS, 19 * MICROSECONDS],
        "length": [7 * MICROSECONDS, MICROSECONDS],
        "waited": [[0], [1]],
        "queue": [[[0, 7 * MICROSECONDS]], [[1, MICROSECONDS]]],
    }


def test_every_access_is_listed_with_its_memory() -> None:
    data = data_of(example.problem(), example.plan())
    uses, names = data["uses"], data["tensors"]["name"]
    rows = zip(uses["tensor"], uses["time"], uses["write"], uses["bytes"], data["plans"][0]["memory"], strict=True)
    assert sorted((names[row], t, write, size, memory) for row, t, write, size, memory in rows) == [
        ("h", 0, 1, 4, "1"),
        ("h", 1, 0, 4, "1"),
        ("w", 1, 0, 8, "1"),
        ("x", 0, 0, 4, "0"),
        ("y", 1, 1, 4, "0"),
    ]


def test_tensors_have_their_kind_life_and_other_names() -> None:
    program = example.program()
    x, w, h, y = program.buffers
    view = h.model_copy(update={"id": 9, "name": "h, reshaped", "alias_group": 1, "use_times": ()})
    joined = program.model_copy(update={"buffers": (x, w, h.model_copy(update={"alias_group": 1}), y, view)})
    plan = example.plan().model_copy(update={"program_fingerprint": joined.fingerprint})
    data = data_of(Problem(joined, example.accelerator()), plan)
    assert data["aliases"] == {2: ["h, reshaped"]}
    assert [data["kinds"][k] for k in data["tensors"]["kind"]] == ["input", "parameter", "output", "output"]
    assert (data["tensors"]["from"], data["tensors"]["to"]) == ([-1, -1, 0, 1], [0, 1, 1, 1])


def test_every_column_of_a_table_has_the_same_length() -> None:
    data = data_of(example.problem(), example.plan())
    (plan,) = data["plans"]
    tables = {name: data[name] for name in ("instructions", "tensors", "uses")}
    tables |= {name: plan[name] for name in ("kernels", "allocations", "copies", "slow", "stalls")}
    for name, table in tables.items():
        assert len({len(column) for column in table.values()}) == 1, name


def test_two_plans_and_five_capacities_of_300_kernels_take_less_than_two_megabytes() -> None:
    given, points = layered_plans(100)
    assert len(given[0].problem.program.instructions) == 300
    page = render_page(given, points)
    data = embedded(page)
    assert len(page.encode()) < 2_000_000
    assert [plan["label"] for plan in data["plans"]] == ["greedy", "furthest-next-use"]
    assert len(data["what_if"]["points"]) == 5
    assert all(point["plan"] is not None for point in data["what_if"]["points"])


def test_capacities_ascend_and_their_plans_are_left_out_where_the_page_would_grow_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given, points = layered_plans(20)
    without = len(json.dumps(report_data(given), separators=(",", ":"), ensure_ascii=False))
    one_more = len(json.dumps(plan_data_module.plan_data(points[-1]), separators=(",", ":"), ensure_ascii=False))
    monkeypatch.setattr(data_module, "DRAWN_BYTES", without + one_more + 10)
    listed = report_data(given, points)["what_if"]["points"]
    assert [point["capacity"] for point in listed] == sorted(p.summary.fast_memory_capacity_bytes for p in points)
    assert [point["plan"] is None for point in listed].count(False) == 1
    assert all(point["time"] >= point["bound"] > 0 for point in listed)


@pytest.mark.parametrize("name", ["</script><b>", "a & b \u2028 c", '"quoted"', "<!--"])
def test_a_name_cannot_break_out_of_the_page(name: str) -> None:
    page = page_of(example.problem(weight=name), example.plan())
    assert name in embedded(page)["tensors"]["name"]
    if "<" in name or "&" in name:
        assert name not in page


def test_the_title_is_escaped() -> None:
    problem = Problem(example.program(name="<i>mine</i>"), example.accelerator())
    page = page_of(problem, example.plan())
    assert f"<title>{html.escape('<i>mine</i> on example')}</title>" in page


def test_a_plan_with_nothing_in_fast_memory_has_a_page() -> None:
    (plan,) = embedded(page_of(Problem(example.program(), example.accelerator(capacity=0)), NOTHING_FAST))["plans"]
    assert plan["allocations"]["tensor"] == plan["copies"]["tensor"] == plan["stalls"]["time"] == []
    assert len(plan["slow"]["tensor"]) == 4


def test_the_dearest_slow_tensors_come_first_and_the_rest_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_data_module, "MAX_SLOW_ROWS", 2)
    tensors = [slow_tensor(cost) for cost in (1e-6, 4e-6, 2e-6, 3e-6)]
    parts = report_plan(example.problem(), example.plan(), explained=False)
    data = plan_data_module.plan_data(replace(parts, slow_tensors=tensors))
    assert data["slow"]["cost"] == [4.0, 3.0]
    assert data["slow_omitted"] == {"count": 2, "cost": 3.0}


def test_a_plan_that_is_not_explained_has_no_slow_tensors() -> None:
    parts = report_plan(example.problem(), example.plan(), explained=False)
    assert "slow" not in plan_data_module.plan_data(parts)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("short", "short"), ("a" * 80, "a" * 80), ("a" * 50 + "b" * 50, "a" * 39 + "…" + "b" * 39)],
)
def test_long_names_lose_their_middle(name: str, expected: str) -> None:
    assert clip(name) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["p_model_layer_0_w", "p_model_layer_1_w", "p_model_layer_2_w", "p_model_layer_3_w"], "p_model_layer_"),
        (["p_a", "p_b", "p_c"], ""),
        (["a_1", "b_1", "c_1", "d_1", "e_1"], ""),
        (["net.a.w"] * 4 + ["other"], "net.a."),
        (["same_"] * 4, "same_"),
    ],
)
def test_the_beginning_that_most_names_share(names: list[str], expected: str) -> None:
    assert shared_beginning(names) == expected


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
