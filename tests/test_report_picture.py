from __future__ import annotations

import re
import sys
from random import Random
from xml.etree import ElementTree

import pytest

from memstow.errors import InvalidInputError
from memstow.figures import format_bytes, format_seconds
from memstow.plan import MemoryPlan
from memstow.planners import Problem
from memstow.report import report_plan
from memstow.report.boxes import Box, merge_boxes
from memstow.report.picture import picture_svg, plan_svg
from memstow.report.raster import picture_png, require_matplotlib
from memstow.report.scale import ticks
from memstow.report.scene import scene_of
from memstow.report.shapes import Boxes, Label
from memstow.simulator import simulate

from . import worked_example as example
from .random_plans import plan_of, random_accelerator, random_program, random_stays
from .report_plans import layered_plans

SVG = "{http://www.w3.org/2000/svg}"
EMPTY = MemoryPlan(program_fingerprint="", accelerator="example")


def drawn(problem: Problem, plan: MemoryPlan, **options: object) -> str:
    simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
    return plan_svg(problem, plan, simulation, **options)  # type: ignore[arg-type]


def texts(svg: str) -> list[str]:
    return [node.text or "" for node in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def covered(boxes: list[Box]) -> set[tuple[int, int]]:
    """The whole pixels that boxes touch."""
    return {
        (x, y)
        for left, top, width, height in boxes
        for x in range(int(left), max(int(left) + 1, -int(-(left + width) // 1)))
        for y in range(int(top), max(int(top) + 1, -int(-(top + height) // 1)))
    }


def test_the_picture_of_the_worked_example() -> None:
    # 20 s over 900 - 66 - 12 = 822 px from 66 on: the stall before instruction 1 lasts from 5 s to 12 s.
    (panel,) = [report_plan(example.problem(), example.plan())]
    shapes = scene_of([panel], 900, 320).shapes
    boxes = {shape.title: shape.boxes[0] for shape in shapes if isinstance(shape, Boxes) and shape.title}
    assert set(boxes) == {"h: 4 B", "w: 8 B"}
    x, y, width, height = boxes["h: 4 B"]
    assert (x, x + width) == (66.0, pytest.approx(66 + 822 * 19 / 20, abs=0.6))
    # h has the bytes 0 to 4, w has 8 to 16: h is half as high, and 4 bytes lie between them.
    assert height == pytest.approx(boxes["w: 8 B"][3] / 2, abs=0.6)
    assert y == pytest.approx(boxes["w: 8 B"][1] + boxes["w: 8 B"][3] + height, abs=1.2)
    stalls = [shape for shape in shapes if isinstance(shape, Boxes) and shape.opacity == 0.16]
    assert sorted((box[0], box[2]) for shape in stalls for box in shape.boxes) == [
        (pytest.approx(66 + 822 * 5 / 20), pytest.approx(822 * 7 / 20)),
        (pytest.approx(66 + 822 * 19 / 20), pytest.approx(822 / 20)),
    ]
    labels = {shape.text for shape in shapes if isinstance(shape, Label)}
    assert {"by hand", "20 s, 0.0 % above the bound, 2 stalls", "16 B"} <= labels


def test_the_svg_stands_alone() -> None:
    svg = drawn(example.problem(), example.plan(), title="a < b & c")
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height")) == ("900", "320")
    assert "a < b & c" in texts(svg)
    assert re.findall(r"href|<script|<style|url\(", svg) == []


def test_a_plan_with_nothing_in_fast_memory_has_a_picture() -> None:
    svg = drawn(Problem(example.program(), example.accelerator(capacity=0)), EMPTY)
    assert "plan" in texts(svg)


def test_a_program_without_instructions_has_a_picture() -> None:
    empty = example.program().model_copy(update={"instructions": (), "buffers": ()})
    assert "0 s" in " ".join(texts(drawn(Problem(empty, example.accelerator()), EMPTY)))


def test_two_plans_share_one_axis_of_time() -> None:
    given, _ = layered_plans(10)
    svg = picture_svg(given)
    assert {"greedy", "furthest-next-use"} <= set(texts(svg))
    assert sum(text.startswith("0 µs") for text in texts(svg)) == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_the_picture_of_a_long_program_stays_small(seed: int) -> None:
    random = Random(seed)
    program, accelerator = random_program(random, 4000), random_accelerator(random)
    plan = plan_of(program, accelerator, random_stays(random, program), random)
    assert len(plan.allocations) > 2000
    assert len(drawn(Problem(program, accelerator), plan)) < 200_000


def test_boxes_of_a_pixel_or_more_stay_as_they_are() -> None:
    boxes = [(0.5, 0.5, 1.5, 1.0), (10.0, 0.0, 4.0, 4.0)]
    assert merge_boxes(boxes, 10) == boxes


def test_small_boxes_are_joined_and_cover_the_same() -> None:
    random = Random(0)
    boxes = [(random.uniform(0, 40), random.uniform(0, 20), random.random(), random.random()) for _ in range(3000)]
    merged = merge_boxes(boxes, 100_000)
    assert len(merged) < 200
    assert covered(boxes) == covered(merged)


def test_tall_thin_boxes_are_one_box_each() -> None:
    assert merge_boxes([(3.2, 5.0, 0.1, 30.0)], 10) == [(3, 5, 1, 30)]


def test_the_grid_gets_coarser_until_there_are_few_boxes() -> None:
    dots = [(2.0 * x, 2.0 * y, 0.5, 0.5) for x in range(60) for y in range(60)]
    assert len(merge_boxes(dots, 4000)) == 3600
    assert len(merge_boxes(dots, 500)) <= 500


@pytest.mark.parametrize(
    ("low", "high", "count", "binary", "expected"),
    [
        (0, 10, 5, False, [0, 2, 4, 6, 8, 10]),
        (0, 1, 4, False, [0, 0.5, 1]),
        (3, 9, 3, False, [4, 6, 8]),
        (0, 100, 4, True, [0, 32, 64, 96]),
        (0, 0, 4, False, []),
    ],
)
def test_ticks_are_round(low: float, high: float, count: int, binary: bool, expected: list[float]) -> None:
    assert ticks(low, high, count, binary=binary) == expected


def test_figures_as_people_read_them() -> None:
    assert [format_bytes(size, digits=4) for size in (0, 1023, 1536, 112 * 2**20)] == [
        "0 B",
        "1023 B",
        "1.5 KiB",
        "112 MiB",
    ]
    assert format_bytes(2**19, digits=4, unit_of=2**21) == "0.5 MiB"
    assert [format_seconds(time) for time in (0.0, 2.5e-9, 1.5e-3, 90.0)] == ["0 s", "2.5 ns", "1.5 ms", "90 s"]


def test_the_png_has_the_size_of_the_picture() -> None:
    pytest.importorskip("matplotlib")
    png = picture_png([report_plan(example.problem(), example.plan())], width=600, height=240)
    assert png.startswith(b"\x89PNG")
    assert [int.from_bytes(png[at : at + 4], "big") for at in (16, 20)] == [1500, 600]


def test_without_matplotlib_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'memstow\[report\]'"):
        require_matplotlib()
