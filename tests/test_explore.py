from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from memstow.accelerator import Accelerator
from memstow.bench import Machine
from memstow.errors import InvalidInputError, UnknownNameError
from memstow.explore import (
    MEAN,
    PARAMETERS,
    ExploreResults,
    ExploreSettings,
    Grid,
    Journal,
    Point,
    Task,
    collect,
    measure_here,
    parse_axes,
    points_csv,
)
from memstow.explore.carry import carried
from memstow.explore.pareto import Candidate, front

from . import worked_example as example

MACHINE = Machine(cpu="CPU", cores=1, memory_bytes=1, system="Linux")


def settings(planner: str = "greedy", base: Accelerator | None = None, **more: object) -> ExploreSettings:
    fields = {"budget_seconds": 1.0, "iterations": 1, "seed": 0, "bound_seconds": 0.0, **more}
    return ExploreSettings.parse(
        {"memstow_version": "1", "code": "c", "base": base or example.accelerator(), "planner": planner, **fields},
        where="test",
    )


def grid(*texts: str, base: Accelerator | None = None) -> Grid:
    part = base or example.accelerator()
    return Grid(part, parse_axes(texts, part))


def tasks(of: Grid, *models: str) -> list[Task]:
    return [Task(model, example.program(model).fingerprint, variant) for variant in of.variants for model in models]


def explored(of: Grid, *models: str) -> ExploreResults:
    programs = {model: example.program(model) for model in models}
    points = list(measure_here(tasks(of, *models), programs, settings()))
    return collect(settings(), of, models, points, MACHINE, "2026-01-01")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("capacity=4..32", [4, 8, 16, 32]),
        ("capacity=1KiB..16KiB:3", [1024, 4096, 16384]),
        ("capacity=0..16:5:linear", [0, 4, 8, 12, 16]),
        ("capacity=32|8", [8, 32]),
        ("capacity=8|x1|x0.5", [8, 16]),
        ("slow_bandwidth=x0.5..x2", [0.5, 1.0, 2.0]),
        ("slow_bandwidth=3B/s..5B/s", [3.0, 5.0]),
        ("copy_latency=0..1us:2:linear", [0.0, 1e-6]),
        ("outstanding_prefetches=1|4", [1, 4]),
    ],
)
def test_axes_as_they_are_spelt(text: str, values: list[float]) -> None:
    (axis,) = parse_axes([text], example.accelerator())
    assert axis.values == pytest.approx(values)


def test_several_axes_and_options_make_one_grid() -> None:
    found = grid("capacity=8|16, slow_bandwidth=x1|x2", "copy_latency=0|1")
    assert [axis.parameter.name for axis in found.axes] == ["capacity", "slow_bandwidth", "copy_latency"]
    assert len(found.variants) == 8
    assert found.variants[1].values == {"capacity": 8, "slow_bandwidth": 1.0, "copy_latency": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--vary: expected a parameter and its values"),
        ("capacity=", "--vary capacity=: expected values after capacity=, as A..B"),
        ("capacity", "expected values after capacity="),
        ("capacity=8..4", "expected a range from less to more, found 8 to 4"),
        ("capacity=0..4", "cannot begin at 0; begin above it, or add :COUNT:linear"),
        ("capacity=4..8:1", "expected a number of values from 2 to 1000, found '1'"),
        ("capacity=4..8:linear", "expected A..B, A..B:COUNT or A..B:COUNT:linear, found '4..8:linear'"),
        ("capacity=8MB", r"expected bytes, or a number with KiB, MiB or GiB \(8MiB\), found '8MB'"),
        ("capacity=xtwo", r"expected a multiple of the base's value \(x0.5\), found 'xtwo'"),
        ("outstanding_prefetches=x2", "example gives no outstanding_prefetches to multiply"),
        ("capacity=4|8,capacity=16", "expected each parameter once, found capacity 2 times"),
    ],
)
def test_axes_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_axes([text], example.accelerator())


def test_the_nearest_parameter_is_suggested() -> None:
    with pytest.raises(UnknownNameError, match="unknown parameter of --vary 'slow_bandwith': did you mean 'slow_band"):
        parse_axes(["slow_bandwith=x1|x2"], example.accelerator())


@pytest.mark.parametrize("name", sorted(PARAMETERS.keys() - {"vector_flops"}))
def test_every_parameter_changes_what_it_says(name: str) -> None:
    parameter, base = PARAMETERS[name], example.accelerator()
    varied = parameter.apply(base, 32)
    assert (parameter.value(base), parameter.value(varied)) != (32, 32)
    assert parameter.value(varied) == 32
    others = [other for other in PARAMETERS.values() if other.name not in (name, "vector_flops")]
    assert [other.value(varied) for other in others] == [other.value(base) for other in others]


def test_numbers_of_one_parameter_keep_their_ratios() -> None:
    data = example.accelerator().model_dump()
    data["slow_memory"] |= {"read_bytes_per_second": 2.0, "write_bytes_per_second": 1.0}
    data |= {"flops_per_second": {"f32": 1.0, "bf16": 4.0}}
    base = Accelerator.parse(data, where="test")
    slower = PARAMETERS["slow_bandwidth"].apply(base, 0.5).slow_memory
    assert (slower.read_bytes_per_second, slower.write_bytes_per_second) == (1.0, 0.5)
    assert PARAMETERS["peak_flops"].apply(base, 8.0).flops_per_second == {"f32": 2.0, "bf16": 8.0}


def test_a_capacity_is_a_multiple_of_the_alignment() -> None:
    data = example.accelerator().model_dump()
    data["fast_memory"] |= {"alignment_bytes": 8}
    (axis,) = parse_axes(["capacity=8..64:4"], Accelerator.parse(data, where="test"))
    assert axis.values == (8, 16, 32, 64)
    (axis,) = parse_axes(["capacity=8..64:3"], Accelerator.parse(data, where="test"))
    assert axis.values == (8, 16, 64)  # 22.6


def test_a_value_that_a_description_may_not_have_is_refused() -> None:
    with pytest.raises(InvalidInputError, match=r"example with slow_bandwidth = 0 B/s: slow_memory\.read_bytes"):
        assert grid("slow_bandwidth=0|1").variants


def test_a_peak_that_the_base_does_not_give_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="expected vector_flops_per_second in the description, found none; add"):
        assert grid("vector_flops=1|2").variants


def test_a_point_has_the_figures_of_its_plan() -> None:
    """The times are those of the worked example: 24 s all slow, 20 s at best with 16 bytes."""
    found = explored(grid("capacity=1|16"), "p")
    small, large = found.points
    assert (small.all_slow_seconds, small.planned_seconds, small.arena_bytes) == (24.0, 24.0, 0)
    found_seconds = (large.planned_seconds, large.lower_bound_seconds, large.all_fast_seconds, large.stall_seconds)
    assert found_seconds == pytest.approx((20.0, 20.0, 6.0, 8.0))
    assert large.gap_ratio == pytest.approx(0.0, abs=1e-6)
    assert (large.prefetch_bytes, large.evict_bytes) == (8, 4)
    assert found.failures == []


def test_compute_follows_the_peak() -> None:
    features = {"dtype": "f32", "matrix_flops": 0.0}
    program = example.program("p")
    steps = tuple(step.model_copy(update={"cost_features": features}) for step in program.instructions)
    program = program.model_copy(update={"instructions": steps})
    of = grid("peak_flops=1|0.01")
    points = list(measure_here(tasks(of, "p"), {"p": program}, settings()))
    assert [point.planned_seconds for point in points] == pytest.approx([500.0, 20.0])


def test_a_planner_that_fails_makes_a_failed_point(monkeypatch: pytest.MonkeyPatch) -> None:
    from memstow import planners

    from .cli.harness import Invalid

    monkeypatch.setattr(planners, "get", lambda name: Invalid())
    found = explored(grid("capacity=16"), "p")
    (point,) = found.points
    assert point.planned_seconds is None
    assert point.error.startswith("planner 'invalid' made an invalid plan with ")
    assert found.failures == [f"p, capacity 16 B: {point.error}"]
    assert found.fronts == {"p": ()}


def test_the_front_leaves_out_what_asks_for_more_and_is_no_faster() -> None:
    figures = [(10.0, (1, 1)), (9.0, (2, 1)), (9.0, (2, 2)), (8.0, (1, 2))]
    candidates = [Candidate(k, seconds, costs) for k, (seconds, costs) in enumerate(figures)]
    assert [c.index for c in front(candidates, 0.0)] == [0, 3, 1]


def test_small_gains_count_together() -> None:
    """Each step gains 0.6 %: every second one is worth its price by 1 %."""
    candidates = [Candidate(k, 0.994**k, (float(k),)) for k in range(5)]
    assert [c.index for c in front(candidates, 0.01)] == [0, 2, 4]


def test_fronts_are_of_each_model_and_of_the_mean() -> None:
    found = explored(grid("capacity=1|16|32"), "p", "q")
    assert [found.points[k].values["capacity"] for k in found.fronts["p"]] == [1, 16]
    assert [point.values["capacity"] for point in found.front_of(MEAN)] == [1, 16]
    assert [point.planned_seconds for point in found.of(MEAN)] == pytest.approx([24.0, 20.0, 20.0])
    assert found.models == ("p", "q")


def test_less_latency_is_dearer() -> None:
    found = explored(grid("copy_latency=0|4"), "p")
    front_values = [point.values["copy_latency"] for point in found.front_of("p")]
    assert front_values == [4.0, 0.0]


def point(capacity: int, planned: float, bound: float, rate: float = 1.0) -> Point:
    return Point(
        model="p",
        fingerprint="f",
        values={"slow_bandwidth": rate, "capacity": capacity},
        planned_seconds=planned,
        lower_bound_seconds=bound,
        gap_ratio=planned / bound - 1.0,
        arena_bytes=capacity,
    )


def test_points_take_over_what_holds_for_them_too() -> None:
    """The plan for 4 bytes is better than that for 8, the bound for 8 better than that for 4."""
    other = point(8, 30.0, 1.0, rate=2.0)
    found = {
        (p.values["slow_bandwidth"], p.values["capacity"]): p
        for p in carried([point(8, 13.0, 10.0), point(4, 12.0, 8.0), point(2, 20.0, 16.0), other, point(16, 11.0, 5.0)])
    }
    figures = [
        (p.planned_seconds, p.arena_bytes, p.plan_capacity_bytes, p.lower_bound_seconds, p.bound_capacity_bytes)
        for p in (found[1.0, capacity] for capacity in (2, 4, 8, 16))
    ]
    assert figures == [(20.0, 2, 2, 16.0, 2), (12.0, 4, 4, 10.0, 8), (12.0, 4, 4, 10.0, 8), (11.0, 16, 16, 5.0, 16)]
    assert found[1.0, 8].gap_ratio == pytest.approx(0.2)
    assert (found[2.0, 8].planned_seconds, found[2.0, 8].lower_bound_seconds) == (30.0, 1.0)


def test_points_without_a_plan_or_a_capacity_stay_as_they_are() -> None:
    points = [
        Point(model="p", fingerprint="f", values={"capacity": 4}, error="no plan"),
        Point(model="p", fingerprint="f", values={"copy_latency": 1.0}, planned_seconds=1.0),
    ]
    assert carried(points) == points


def test_the_table_has_a_row_for_every_point() -> None:
    found = explored(grid("capacity=1|16|32"), "p", "q")
    rows = list(csv.DictReader(io.StringIO(points_csv(found))))
    assert len(rows) == 9
    assert (rows[1]["model"], rows[1]["capacity"], float(rows[1]["planned_seconds"])) == ("p", "16", 20.0)
    assert [row["on_front"] for row in rows] == ["1", "1", "0"] * 3


def test_a_journal_is_taken_up_again(tmp_path: Path) -> None:
    point = Point(model="p", fingerprint="f", values={"capacity": 16}, planned_seconds=1.0)
    journal = Journal(tmp_path / "points.jsonl", settings())
    journal.begin()
    journal.add(point)
    with journal.path.open("a", encoding="utf-8") as stream:
        stream.write('{"model": "q", "fing')
    again = Journal(journal.path, settings())
    again.resume()
    assert again.points == [point]
    assert journal.path.read_text(encoding="utf-8").count("\n") == 2


def test_a_journal_of_other_settings_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path / "points.jsonl", settings()).begin()
    with pytest.raises(InvalidInputError, match=r"made under other conditions: seed 0 \(here 1\); leave out --resume"):
        Journal(tmp_path / "points.jsonl", settings(seed=1)).resume()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected settings on its first line, found an empty file"),
        ("x\n", "line 1: expected one JSON document, found 'x"),
        ("{}\n", "line 1: missing key 'memstow_version'"),
    ],
)
def test_a_damaged_journal_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "points.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=message):
        Journal(tmp_path / "points.jsonl", settings()).resume()


def test_a_journal_that_is_not_there_is_begun(tmp_path: Path) -> None:
    Journal(tmp_path / "points.jsonl", settings()).resume()
    assert ExploreSettings.model_validate_json((tmp_path / "points.jsonl").read_text(encoding="utf-8")) == settings()


@pytest.mark.parametrize(
    "texts", [("capacity=1|16|32",), ("slow_bandwidth=x1|x2", "capacity=1|16", "copy_latency=0|4")]
)
def test_the_picture_has_every_model_and_combination(tmp_path: Path, texts: tuple[str, ...]) -> None:
    pytest.importorskip("matplotlib")
    from memstow.explore.picture import draw

    found = explored(grid(*texts), "p", "q")
    draw(found, [tmp_path / "picture.svg", tmp_path / "picture.png"])
    text = (tmp_path / "picture.svg").read_text(encoding="utf-8")
    words = ["Variants of example, planned by greedy", ">p<", ">q<", ">geometric mean<", ">1 B<", ">16 B<"]
    words += [">2 B/s, 4 s<"] if len(texts) > 1 else []
    assert [word for word in words if word not in text] == []
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_points_by_ray_are_those_of_this_process() -> None:
    ray = pytest.importorskip("ray")
    from memstow.explore.ray_workers import measure_by_ray

    of = grid("capacity=1|16")
    programs = {"p": example.program("p"), "q": example.program("q")}
    here = list(measure_here(tasks(of, "p", "q"), programs, settings()))
    there = list(measure_by_ray(tasks(of, "p", "q"), programs, settings(), count=2))
    assert not ray.is_initialized()
    clean = [[p.model_copy(update={"wall_seconds": 0.0}) for p in points] for points in (here, there)]
    assert sorted(clean[1], key=lambda p: p.key) == sorted(clean[0], key=lambda p: p.key)


def test_no_workers_is_bad_input() -> None:
    from memstow.explore.ray_workers import measure_by_ray

    with pytest.raises(InvalidInputError, match="--actors: expected 1 or more, found 0"):
        list(measure_by_ray([], {}, settings(), count=0))


def test_a_cluster_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    from memstow.explore.ray_workers import measure_by_ray

    def init(**options: object) -> None:
        raise ConnectionError(f"no Ray at {options['address']}\nLong story.")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(InvalidInputError, match=r"cluster host:1: cannot be reached \(no Ray at host:1\); start"):
        list(measure_by_ray([], {}, settings(), address="host:1"))
