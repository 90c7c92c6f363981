"""The page in a browser: what a reader does with pointer and keys, and what is then to be seen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memstow.plan import MemoryPlan
from memstow.planners import Problem
from memstow.report import render_page, report_plan

from . import worked_example as example
from .report_plans import layered_plans

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright to drive a browser")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium to run the page's scripts")
OFFLINE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Between a figure and its unit.
NARROW = "\u00a0"
QUERY = "p_model_encoder_layer_3_attention_query_weight"
NOTHING_FAST = MemoryPlan(program_fingerprint="", accelerator="example")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=list(OFFLINE))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two plans of 30 kernels and five capacities."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    given, points = layered_plans(10)
    path.write_text(render_page(given, points), encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, compared: Path) -> Iterator[Page]:
    yield from opened(browser, compared)


def opened(browser: Browser, path: Path, *, dark: bool = False, width: int = 1280) -> Iterator[Page]:
    """The page in a profile of its own; fails at the end if a script did."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(path.as_uri())
    yield page
    context.close()
    assert errors == []


def in_sight(page: Page) -> tuple[float, float]:
    """The part of the run that the pictures show, from 0 to 100."""
    thumb = page.locator("#navigator i")
    left, width = (thumb.evaluate(f"node => parseFloat(node.style.{key})") for key in ("left", "width"))
    return left, left + width


def pixels(page: Page, plan: str) -> str:
    """What a plan's canvas shows in the next frame."""
    frames = "requestAnimationFrame(() => requestAnimationFrame(() => done(canvas.toDataURL())))"
    shot = f"canvas => new Promise((done) => {frames})"
    drawn: str = page.locator(f'[data-plan="{plan}"] canvas').evaluate(shot)
    return drawn


def shown_plans(page: Page) -> list[str]:
    found: list[str] = page.locator(".plan-panel").evaluate_all("panels => panels.map((panel) => panel.dataset.plan)")
    return found


def figure(page: Page, label: str) -> str:
    return page.locator("#what-if-figures .figure", has_text=label).locator(".value").inner_text().replace(NARROW, " ")


@pytest.mark.parametrize("plan", [example.plan(), NOTHING_FAST], ids=["worked example", "nothing fast"])
def test_the_scripts_of_a_single_plan_run(browser: Browser, tmp_path: Path, plan: MemoryPlan) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_page([report_plan(example.problem(weight="</script>"), plan)]), encoding="utf-8")
    for page in opened(browser, path):
        assert page.locator("#slow tbody tr").count() == (2 if plan.allocations else 4)
        assert shown_plans(page) == ["A"]
        assert page.locator("#what-if").is_hidden()
        assert page.locator("#plan-toggles").is_hidden()


def test_a_program_without_instructions_has_a_page(browser: Browser, tmp_path: Path) -> None:
    program = example.program().model_copy(update={"instructions": (), "buffers": ()})
    path = tmp_path / "report.html"
    path.write_text(render_page([report_plan(Problem(program, example.accelerator()), NOTHING_FAST)]), encoding="utf-8")
    for page in opened(browser, path):
        page.locator("#stage").press("ArrowDown")
        assert page.locator("#slow-note").inner_text().startswith("none")


def test_plans_are_compared_on_one_axis_of_time(page: Page) -> None:
    assert shown_plans(page) == ["A", "B"]
    heads = page.locator(".plan-head").all_inner_texts()
    assert "greedy" in heads[0]
    assert "furthest-next-use" in heads[1]
    widths = page.locator(".plan-panel canvas").evaluate_all("nodes => nodes.map((node) => node.clientWidth)")
    assert widths[0] == widths[1] > 800
    before = pixels(page, "A"), pixels(page, "B")
    page.locator("#stage").press("+")
    after = pixels(page, "A"), pixels(page, "B")
    assert before[0] != after[0]
    assert before[1] != after[1]
    columns = page.locator(".compared tr").first.inner_text()
    assert "greedy" in columns
    assert "furthest-next-use" in columns


def test_a_plan_can_be_hidden_and_shown_again(page: Page) -> None:
    page.locator('[data-toggle="A"]').click()
    assert shown_plans(page) == ["B"]
    page.locator('[data-toggle="B"]').click()  # the last one stays
    assert shown_plans(page) == ["B"]
    page.locator('[data-toggle="A"]').click()
    assert shown_plans(page) == ["A", "B"]


def test_keys_zoom_and_pan_all_plans(page: Page) -> None:
    stage = page.locator("#stage")
    assert in_sight(page) == (0.0, 100.0)
    stage.press("+")
    low, high = in_sight(page)
    assert (low, high) == (pytest.approx(15.0), pytest.approx(85.0))
    stage.press("ArrowRight")
    assert in_sight(page)[0] == pytest.approx(low + 0.15 * 70.0)
    stage.press("ArrowLeft")
    assert in_sight(page)[0] == pytest.approx(low)
    stage.press("-")
    stage.press("-")
    assert in_sight(page) == (0.0, 100.0)
    stage.press("+")
    stage.press("0")
    assert in_sight(page) == (0.0, 100.0)


def test_wheel_and_drag_zoom_and_pan(page: Page) -> None:
    canvas = page.locator('[data-plan="A"] canvas')
    canvas.scroll_into_view_if_needed()
    page.locator("#stage").focus()
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 60
    page.mouse.move(x, y)
    page.mouse.wheel(0, -400)
    page.wait_for_function("parseFloat(document.querySelector('#navigator i').style.width) < 80")
    low, high = in_sight(page)
    page.mouse.down()
    page.mouse.move(x - 100, y, steps=4)
    page.mouse.up()
    moved = in_sight(page)
    assert moved[0] > low
    assert moved[1] - moved[0] == pytest.approx(high - low, abs=0.01)
    assert page.locator("#followed").is_hidden()  # a drag is no click


def test_search_finds_a_tensor_and_follows_it_through_its_life(page: Page) -> None:
    before = pixels(page, "A"), pixels(page, "B")
    page.keyboard.press("/")
    page.keyboard.type("LAYER_3_attention_query")
    assert page.locator("#found [role=option]").count() == 1
    assert QUERY in page.locator("#found").inner_text()
    page.keyboard.press("Enter")
    life = page.locator("#followed")
    assert QUERY in life.locator("h3").inner_text()
    assert life.locator(".life-plan").count() == 2
    events = [
        text.lower().replace(NARROW, " ")
        for text in life.locator(".life-plan").first.locator(".event").all_inner_texts()
    ]
    for k, words in enumerate(["born in slow memory", "gets 4 mib of fast memory", "copied into fast memory"]):
        assert words in events[k]
    assert "read in fast memory" in events[3]
    assert "9 · fused_matmul_add_3#9" in events[3]
    assert "leaves fast memory" in events[4]
    assert before[0] != pixels(page, "A")
    assert before[1] != pixels(page, "B")
    assert page.evaluate("document.activeElement.id") == "stage"
    page.keyboard.press("Escape")
    assert life.is_hidden()


def test_the_list_of_matches_is_walked_by_keys(page: Page) -> None:
    field = page.locator("#search")
    field.fill("attention_dense")
    options = page.locator("#found [role=option]")
    assert options.count() == 10
    field.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    assert field.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    field.fill("no such name")
    assert "no tensor or kernel" in page.locator("#found").inner_text()
    field.press("Escape")
    assert field.input_value() == ""


def test_search_takes_one_to_an_instruction(page: Page) -> None:
    field = page.locator("#search")
    field.fill("fused_matmul_add_9#28")
    field.press("Enter")
    low, high = in_sight(page)
    assert high - low < 80
    assert high > 90


def test_a_click_on_a_stay_follows_its_tensor(page: Page) -> None:
    page.locator("#stage").focus()
    page.keyboard.press("ArrowDown")
    first = page.locator("#followed h3").inner_text()
    page.keyboard.press("ArrowDown")
    assert page.locator("#followed h3").inner_text() != first
    page.keyboard.press("ArrowUp")
    assert page.locator("#followed h3").inner_text() == first
    page.locator("#followed .close").click()
    assert page.locator("#followed").is_hidden()
    canvas = page.locator('[data-plan="A"] canvas')
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(position={"x": box["width"] / 2, "y": 225})  # the lowest offsets, in the middle of the run
    assert page.locator("#followed").is_visible()


def test_the_pointer_shows_what_lies_under_it(page: Page) -> None:
    canvas = page.locator('[data-plan="A"] canvas')
    canvas.hover(position={"x": 300, "y": 8})
    tooltip = page.locator("#tooltip")
    assert "bound by" in tooltip.inner_text() or "queue busy with" in tooltip.inner_text()
    page.mouse.move(2, 2)
    assert tooltip.is_hidden()


def test_stalls_are_listed_with_their_cause(page: Page) -> None:
    given, _ = layered_plans(10)
    counts = [plan.stall_count for plan in given]
    assert min(counts) > 3
    note = page.locator("#stalls-note").inner_text()
    assert f"A: {counts[0]}," in note
    assert f"B: {counts[1]}," in note
    page.locator("#stalls-more").click()
    rows = page.locator("#stalls tbody tr")
    assert rows.count() == sum(counts)
    causes = page.locator("#stalls tbody tr td:nth-child(5)").all_inner_texts()
    assert all(re.match(r"(prefetch|eviction) of \S+", cause) for cause in causes)
    before = pixels(page, "B")
    rows.first.locator("[data-stall]").click()
    assert "Stall of" in page.locator("#status").inner_text()
    assert pixels(page, "B") != before
    low, high = in_sight(page)
    assert high - low < 50


def test_keys_go_from_stall_to_stall(page: Page) -> None:
    stage = page.locator("#stage")
    stage.press("s")
    first = page.locator("#status").inner_text()
    stage.press("s")
    second = page.locator("#status").inner_text()
    assert first.startswith("Stall of")
    assert second != first
    stage.press("Shift+S")
    assert page.locator("#status").inner_text() == first
    stage.press("Escape")
    assert page.locator("#status").inner_text() == "No tensor is followed"


def test_the_slider_changes_the_figures_and_the_plan_drawn(page: Page) -> None:
    _, points = layered_plans(10)
    ordered = sorted(points, key=lambda point: point.summary.fast_memory_capacity_bytes)
    assert figure(page, "fast memory") == "8 MiB"
    home = figure(page, "time")
    drawn = pixels(page, "A")
    slider = page.locator("#capacity")
    slider.press("Home")
    assert figure(page, "fast memory") == "1 MiB"
    assert figure(page, "time") != home
    assert float(figure(page, "time").split()[0]) == pytest.approx(ordered[0].summary.planned_seconds * 1e6, rel=1e-3)
    assert shown_plans(page) == ["W", "B"]
    assert f"1{NARROW}MiB" in page.locator('[data-plan="W"] .plan-head').inner_text()
    assert (slider.get_attribute("aria-valuetext") or "").startswith(f"1{NARROW}MiB: ")
    assert "W:" in page.locator("#stalls-note").inner_text()
    page.locator("#what-if-home").click()
    assert shown_plans(page) == ["A", "B"]
    assert figure(page, "time") == home
    assert pixels(page, "A") == drawn


def test_a_capacity_that_is_not_drawn_still_has_its_figures(browser: Browser, tmp_path: Path, compared: Path) -> None:
    path = tmp_path / "report.html"
    text = compared.read_text(encoding="utf-8")
    path.write_text(re.sub(r'("moved":\d+,"plan":)\{.*?"texts":\[[^\]]*\]\}', r"\1null", text), encoding="utf-8")
    for page in opened(browser, path):
        page.locator("#capacity").press("Home")
        assert figure(page, "fast memory") == "1 MiB"
        assert "too large to draw" in page.locator("#what-if-figures").inner_text()
        assert shown_plans(page) == ["A", "B"]


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_dark_and_light_by_the_system_and_by_choice(browser: Browser, compared: Path) -> None:
    seen: dict[bool, tuple[str, str]] = {}
    for dark in (False, True):
        for page in opened(browser, compared, dark=dark):
            seen[dark] = background(page), pixels(page, "A")
    assert seen[False][0] == "rgb(243, 245, 248)"
    assert seen[True][0] == "rgb(14, 19, 26)"
    assert seen[False][1] != seen[True][1]
    for page in opened(browser, compared):
        page.locator('[data-choose-theme="dark"]').click()
        assert (background(page), pixels(page, "A")) == seen[True]
        page.reload()
        assert background(page) == seen[True][0]  # the choice is kept
        page.keyboard.press("d")  # auto, which is light here
        assert background(page) == seen[False][0]


def test_the_axis_of_instructions_shows_the_same_in_other_widths(page: Page) -> None:
    before = pixels(page, "A")
    page.locator('[data-axis="index"]').click()
    assert pixels(page, "A") != before
    page.locator("#stage").press("s")
    assert page.locator("#status").inner_text().startswith("Stall of")
    page.locator("#stage").press("Escape")
    page.locator("#stage").press("0")
    page.locator('[data-axis="time"]').click()
    assert pixels(page, "A") == before


def test_the_slow_tensors_of_each_plan_can_be_sorted_and_searched(page: Page) -> None:
    names = page.locator("#slow td.name")
    page.locator("#slow th button", has_text="tensor").click()
    sorted_names = names.all_inner_texts()
    assert sorted_names == sorted(sorted_names)
    reasons = page.locator("#slow").inner_text()
    page.locator('[data-slow-plan="B"]').click()
    assert page.locator("#slow").inner_text() != reasons
    page.locator("#search").fill("no such name")
    assert names.count() == 0


@pytest.mark.parametrize("width", [1280, 900, 420])
def test_nothing_is_wider_than_the_window(browser: Browser, compared: Path, width: int) -> None:
    for page in opened(browser, compared, width=width):
        page.locator("#stage").press("ArrowDown")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_is_reached_and_named_for_a_reader_without_a_pointer(page: Page) -> None:
    unnamed = page.locator("button, input, [tabindex], [role]").evaluate_all(
        """nodes => nodes.filter((node) => !node.hidden && !(node.innerText || node.getAttribute("aria-label")
             || node.labels?.length || ["status", "presentation", "listbox"].includes(node.getAttribute("role"))))
             .map((node) => node.outerHTML)"""
    )
    assert unnamed == []
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"search", "stage", "capacity"} <= reached
