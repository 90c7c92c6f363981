"""The suite runner: one planner on one case, all of them, totals, results file and page.

In the worked example all slow takes 24 s, the plan by hand 20 s, and no plan takes less than 20 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from memstow.bench import (
    BenchResults,
    Case,
    CaseResult,
    Machine,
    PlannerResult,
    Section,
    Settings,
    Store,
    cases_of,
    describe_machine,
    grouped_totals,
    known_bounds,
    measure_all,
    page,
    runner,
)
from memstow.bench.measure import measure
from memstow.bench.results import Ratios
from memstow.errors import InvalidInputError
from memstow.figures import format_bytes
from memstow.formats import RecordedPrice
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Planner, Problem

from . import worked_example as example
from .bench_planners import FakeClock, Raising, Scripted, overlapping

RECORDED = RecordedPrice(charged_seconds=40.0, free_seconds=25.0)


class Heard:
    """A listener that writes down what it hears."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.told: list[float] = []
        self.ended = 0

    def begin(self, case: Case) -> None:
        self.steps.append(case.label)

    def step(self, what: str) -> None:
        self.steps.append(what)

    def improved(self, seconds: float) -> None:
        self.told.append(seconds)

    def end(self) -> None:
        self.ended += 1


def case(recorded: RecordedPrice | None = None, crossing: int = 0, name: str = "example") -> Case:
    problem = example.problem()
    part = problem.accelerator.model_copy(update={"max_cross_program_prefetches": crossing})
    (found,) = cases_of(name, type(problem)(problem.program, part), (), recorded)
    return found


def run_one(planner: Scripted | Raising, settings: Settings | None = None) -> PlannerResult:
    clock = planner.clock if isinstance(planner, Scripted) else FakeClock()
    settings = settings or Settings(planners=("scripted",), budget_seconds=5.0)
    return measure(case(), planner, "scripted", settings, Heard(), clock=clock)


def run_all(planners: Mapping[str, Planner], given: Case, settings: Settings | None = None) -> CaseResult:
    names = tuple(name for name in planners if name != "xla-msa")
    chosen = settings or Settings(planners=names, bound_seconds=0.0)
    (result,) = measure_all([given], chosen, planners, Heard())
    return result


# ---- one planner on one case ----


def test_times_to_the_plan_and_near_it_are_those_of_what_the_planner_told() -> None:
    """30, 24.2 (0.8 % above) and 24 s after 1, 2 and 3 s; worse news in between and after the last does not count."""
    told = [(1.0, 30.0), (1.5, 50.0), (2.0, 24.2), (3.0, 24.0), (3.5, 26.0)]
    found = run_one(Scripted(told=told, wall_seconds=4.0))
    assert (found.seconds, found.wall_seconds, found.improvements) == (24.0, 4.0, 3)
    assert (found.best_after_seconds, found.close_after_seconds) == (3.0, 2.0)


def test_a_planner_that_tells_nothing_has_its_plan_when_it_returns() -> None:
    found = run_one(Scripted(wall_seconds=4.0))
    assert (found.best_after_seconds, found.close_after_seconds, found.improvements) == (4.0, 4.0, 0)


def test_the_price_is_the_simulators_whatever_the_planner_says() -> None:
    found = run_one(Scripted(told=[(1.0, 3.0)]))
    assert (found.claimed_seconds, found.seconds) == (1.0, 24.0)


def test_the_planner_gets_budget_iterations_and_seed() -> None:
    planner = Scripted()
    run_one(planner, Settings(planners=("scripted",), budget_seconds=7.0, iterations=9, seed=11))
    ((name, effort, seed),) = planner.calls
    assert (name, effort.budget_seconds, effort.iterations, seed) == ("example", 7.0, 9, 11)


@pytest.mark.parametrize(
    ("budget", "iterations", "wall", "overran"),
    [
        (5.0, None, 6.0, False),  # 1 s more is allowed
        (5.0, None, 6.01, True),
        (50.0, None, 55.0, False),  # a tenth more is allowed
        (50.0, None, 55.1, True),
        (5.0, 3, 500.0, False),  # iterations have no time
    ],
)
def test_overrunning_is_more_than_a_second_and_a_tenth(
    budget: float, iterations: int | None, wall: float, overran: bool
) -> None:
    settings = Settings(planners=("scripted",), budget_seconds=budget, iterations=iterations)
    assert run_one(Scripted(wall_seconds=wall), settings).overran is overran


def test_an_invalid_plan_has_violations_and_no_time() -> None:
    found = run_one(Scripted(plan=overlapping(), wall_seconds=2.0))
    assert (found.seconds, found.best_after_seconds) == (None, None)
    assert found.violation_count >= 1
    assert found.violations[0].startswith("rule 1: ")
    assert found.failure.startswith(f"invalid plan, {found.violation_count} violations, the first: rule 1: ")


def test_what_a_planner_raises_is_a_result() -> None:
    found = run_one(Raising())
    assert (found.error, found.failure, found.seconds) == ("RuntimeError: no idea",) * 2 + (None,)


def test_what_is_no_plan_is_a_result() -> None:
    planner = Scripted()
    planner.answer = "a plan"  # type: ignore[assignment]
    assert "AttributeError" in run_one(planner).error


# ---- all of them ----


def test_ratios_and_gap() -> None:
    """The plan by hand takes 20 s: 20/24 of the reference and of all slow, half of what is recorded, 0 above 20 s."""
    planners = {"xla-msa": Scripted(), "hand": Scripted(plan=example.plan())}
    result = run_all(planners, case(RECORDED))
    hand = result.by_planner("hand")
    assert hand.ratios == Ratios(
        reference=20 / 24, recorded=0.5, all_slow=20 / 24, recorded_charged=0.5, recorded_free=0.8
    )
    assert hand.gap == pytest.approx(0.0, abs=1e-6)
    assert hand.peak_bytes == 16
    assert not hand.is_extra
    assert result.by_planner("xla-msa").is_extra
    assert (result.all_slow_seconds, result.recorded_seconds, result.bound_method) == (24.0, 40.0, "simple")
    assert result.best_seconds == 20.0
    assert result.failures == []


def test_with_cross_program_prefetches_the_recorded_ones_are_free_too() -> None:
    result = run_all({"xla-msa": Scripted(), "hand": Scripted()}, case(RECORDED, crossing=1))
    assert result.recorded_seconds == 25.0
    assert result.by_planner("hand").ratios.recorded == 24 / 25


def test_the_bound_comes_first_then_the_planners_one_by_one() -> None:
    heard = Heard()
    planners = {name: Scripted(told=[(0.0, 30.0)], name=name) for name in ("xla-msa", "b", "a")}
    settings = Settings(planners=("b", "a"), bound_seconds=0.0)
    list(measure_all([case()], settings, planners, heard))
    assert heard.steps == ["example (example, 16 B)", "bound", "xla-msa", "b", "a"]
    assert (heard.ended, heard.told) == (4, [30.0] * 3)


def test_the_reference_runs_where_it_was_asked_for() -> None:
    assert Settings(planners=("greedy", "xla-msa")).run_planners == ("greedy", "xla-msa")
    assert Settings(planners=("greedy",)).run_planners == ("xla-msa", "greedy")


def test_a_failing_planner_or_reference_does_not_end_the_run() -> None:
    result = run_all({"xla-msa": Raising(), "hand": Scripted(plan=example.plan())}, case())
    assert result.by_planner("hand").ratios.reference is None
    assert result.by_planner("hand").ratios.all_slow == 20 / 24
    assert result.failures == ["example (example, 16 B), xla-msa: RuntimeError: no idea"]


def test_a_plan_below_the_bound_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "best_bound", lambda *_, **__: runner.Bound(30.0, "wrong", {}))
    result = run_all({"xla-msa": Scripted()}, case(), Settings(planners=("xla-msa",)))
    assert result.failures == ["example (example, 16 B), xla-msa: faster than the proven bound: one of them is wrong"]


def test_the_larger_of_a_known_bound_and_the_proven_one_counts() -> None:
    given, settings = case(), Settings(planners=("xla-msa",), bound_seconds=0.0)
    (alone,) = measure_all([given], settings, {"xla-msa": Scripted()}, Heard())
    for known, method in ((alone.bound_seconds - 1.0, alone.bound_method), (alone.bound_seconds + 1.0, "old")):
        old = alone.model_copy(update={"bound_seconds": known, "bound_method": "old"})
        bounds = known_bounds(empty().model_copy(update={"cases": (old,)}))
        (found,) = measure_all([given], settings, {"xla-msa": Scripted()}, Heard(), bounds=bounds)
        assert (found.bound_seconds, found.bound_method) == (max(known, alone.bound_seconds), method)


def test_what_is_known_of_another_program_does_not_count() -> None:
    bounds = {"another": runner.Bound(1e9, "old", {})}
    (found,) = measure_all([case()], Settings(planners=("xla-msa",)), {"xla-msa": Scripted()}, Heard(), bounds=bounds)
    assert found.bound_method != "old"


def test_a_bound_that_fails_costs_the_gap_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no solver")

    monkeypatch.setattr(runner, "best_bound", fail)
    result = run_all({"xla-msa": Scripted()}, case(), Settings(planners=("xla-msa",)))
    assert result.failures == ["example (example, 16 B), bound: OSError: no solver"]
    assert (result.by_planner("xla-msa").gap, result.by_planner("xla-msa").seconds) == (None, 24.0)


def test_a_listener_may_end_the_run() -> None:
    class Ending(Heard):
        def end(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(measure_all([case()], Settings(planners=()), {"xla-msa": Scripted()}, Ending()))


# ---- cases ----


def test_every_capacity_is_a_case_and_only_the_files_own_has_the_recorded_price() -> None:
    found = list(cases_of("p", example.problem(), (8, 16, 8, 0), RECORDED))
    assert [c.label for c in found] == ["p (example, 16 B)", "p (example, 8 B)", "p (example, 0 B)"]
    assert [c.problem.accelerator.capacity for c in found] == [16, 8, 0]
    assert [c.recorded for c in found] == [RECORDED, None, None]
    assert len({c.fingerprint for c in found}) == 3


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (1536, "1.5 KiB"), (112 << 20, "112 MiB"), (3 << 30, "3 GiB")])
def test_sizes_as_text(count: int, text: str) -> None:
    assert format_bytes(count, digits=4) == text


# ---- totals ----


def planned(name: str, seconds: float | None, bound: float, reference: float, **more: object) -> PlannerResult:
    if seconds is None:
        return PlannerResult(planner=name, wall_seconds=1.0, error="RuntimeError: lost")
    ratios = Ratios(reference=seconds / reference, all_slow=seconds / 100.0)
    values = {"seconds": seconds, "wall_seconds": 1.0, "gap": seconds / bound - 1.0, "ratios": ratios, **more}
    return PlannerResult(planner=name, **values)  # type: ignore[arg-type]


def measured(name: str, group: str, bound: float, reference: float, seconds: float | None) -> CaseResult:
    return CaseResult(
        name=name,
        group=group,
        fingerprint=f"{name} {group}",
        accelerator="chip",
        capacity_bytes=8,
        max_cross_program_prefetches=0,
        instructions=3,
        all_slow_seconds=100.0,
        bound_seconds=bound,
        bound_method="simple",
        bound_wall_seconds=0.5,
        recorded_seconds=2 * bound if group == "small" else None,
        planners=(
            planned("xla-msa", reference, bound, reference, is_extra=True),
            planned("mine", seconds, bound, reference, best_after_seconds=0.25, overran=True),
        ),
    )


CASES = (
    measured("a", "small", 10.0, 20.0, 10.0),  # optimal, half of the reference
    measured("b", "small", 10.0, 20.0, 40.0),  # twice the reference, gap 3
    measured("c", "large", 10.0, 15.0, 15.0),  # as the reference, gap 0.5
    measured("d", "large", 10.0, 30.0, None),  # failed
)


def test_totals_of_everything() -> None:
    everything, small, large = grouped_totals(CASES)
    assert [(g.group, g.cases) for g in (everything, small, large)] == [("all", 4), ("small", 2), ("large", 2)]
    reference, mine = everything.planners
    assert (reference.planner, reference.is_extra, mine.is_extra) == ("xla-msa", True, False)
    assert mine.to_reference is not None
    assert mine.to_reference.middle == pytest.approx(1.0)  # of 1/2, 2 and 1
    assert (mine.to_reference.worst, mine.to_reference.worst_case) == (2.0, "b (small)")
    assert mine.to_reference.cases == 3
    assert mine.gap is not None
    assert (mine.gap.middle, mine.gap.worst, mine.gap.worst_case) == (0.5, 3.0, "b (small)")
    assert (mine.worse_than_reference, mine.optimal, mine.failures, mine.overruns) == (1, 1, 1, 3)
    assert mine.mean_best_after_seconds == 0.25
    assert mine.to_recorded is None


def test_the_profile_is_the_share_of_all_cases_near_the_fastest_plan() -> None:
    """mine: fastest in a and c, twice as slow in b, failed in d; the reference: twice in a, else fastest."""
    reference, mine = grouped_totals(CASES)[0].planners
    assert (mine.profile["1"], mine.profile["1.5"], mine.profile["2"]) == (0.5, 0.5, 0.75)
    assert (reference.profile["1"], reference.profile["1.5"], reference.profile["2"]) == (0.75, 0.75, 1.0)


def test_what_no_planner_can_beat() -> None:
    everything = grouped_totals(CASES)[0]
    assert everything.bound_to_recorded is not None
    assert (everything.bound_to_recorded.middle, everything.bound_to_recorded.cases) == (pytest.approx(0.5), 2)
    assert everything.bound_to_reference is not None
    assert everything.bound_to_reference.middle == pytest.approx((10 * 10 * 10 * 10 / (20 * 20 * 15 * 30)) ** 0.25)


def test_one_group_is_everything() -> None:
    assert [group.group for group in grouped_totals(CASES[:2])] == ["all"]
    assert grouped_totals(()) == ()


# ---- the results file ----


def empty(**settings: object) -> BenchResults:
    return BenchResults(
        memstow_version="9",
        code="c0de",
        date="2031-02-03",
        machine=Machine(cpu="Abacus", cores=2, memory_bytes=2**32, system="Linux"),
        source="folder",
        settings=Settings.model_validate({"planners": ("mine",), **settings}),
    )


def filled(path: Path) -> Store:
    store = Store(path, empty())
    for result in CASES:
        store.add(result)
    return store


def test_the_file_is_whole_after_every_case(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    store = Store(path, empty())
    for count, result in enumerate(CASES, 1):
        store.add(result)
        loaded = BenchResults.load(path)
        assert loaded == store.results
        assert len(loaded.cases) == loaded.totals[0].cases == count
    assert [entry.name for entry in tmp_path.iterdir()] == ["r.json"]


def done(given: Case) -> CaseResult:
    return run_all({"xla-msa": Scripted(), "mine": Scripted()}, given)


def test_resuming_knows_what_is_done(tmp_path: Path) -> None:
    first, second = case(), case(name="other")
    Store(tmp_path / "r.json", empty()).add(done(first))
    store = Store(tmp_path / "r.json", empty())
    assert not store.has(first)
    store.resume([first, second])
    assert store.has(first)
    assert not store.has(second)


def test_resuming_without_a_file_begins(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.json", empty())
    store.resume([case()])
    assert store.results == empty()


def test_resuming_refuses_other_settings_machines_and_programs(tmp_path: Path) -> None:
    path, first = tmp_path / "r.json", case()
    Store(path, empty()).add(done(first))
    before = path.read_text()
    with pytest.raises(InvalidInputError, match=r"other conditions: seed 0 \(now 4\); "):
        Store(path, empty(seed=4)).resume([first])
    elsewhere = empty().model_copy(update={"machine": describe_machine()})
    with pytest.raises(InvalidInputError, match=r"cpu 'Abacus' \(now "):
        Store(path, elsewhere).resume([first])
    with pytest.raises(InvalidInputError, match=r"code 'c0de' \(now 'f00d'\)"):
        Store(path, empty().model_copy(update={"code": "f00d"})).resume([first])
    with pytest.raises(InvalidInputError, match=r"memstow_version '9' \(now '10'\)"):
        Store(path, empty().model_copy(update={"memstow_version": "10"})).resume([first])
    changed = Case(
        "example",
        type(first.problem)(
            example.program(), example.accelerator(capacity=16).model_copy(update={"launch_overhead_seconds": 1.0})
        ),
    )
    with pytest.raises(InvalidInputError, match=r"has results of example \(example, 16 B\), which is not among"):
        Store(path, empty()).resume([changed])
    path.write_text(before[:-20])
    with pytest.raises(InvalidInputError, match="is the file truncated"):
        Store(path, empty()).resume([first])


# ---- the page ----


def test_the_page_has_every_figure_of_a_run(tmp_path: Path) -> None:
    text = page("Planners", "By hand.", [Section("Part one", filled(tmp_path / "r.json").results)])
    assert text.startswith("# Planners\n\nBy hand.\n")
    assert "## Part one\n\n- Machine: Abacus, 2 cores, 4.0 GiB, Linux; date: 2031-02-03; memstow 9, code c0de\n" in text
    assert "`memstow bench folder --planners mine --budget 10 --bound-time 60 --json folder.bench.json`" in text
    assert "### all: 4 programs" in text
    ratios = "1.0000 | 2.0000 b (small) | - | - | 0.1817 | 50.00 % | 300.00 % b (small)"
    row = f"| mine | {ratios} | 1 / 0 | 1 | 3 | 1 | 0.25 s |"
    assert row in text
    assert "| xla-msa (reference) | 1.0000 |" in text
    assert "The proven bound, which no planner can beat: 0.5000 to recorded, 0.4855 to xla-msa" in text
    assert "| mine | 50 % | 50 % | 50 % | 50 % | 50 % | 50 % | 50 % | 50 % | 75 % |" in text
    assert "| a | small | 100000000.0 | 20000000.0 | 10000000.0 |" in text
    assert "10000000.0 (0.00 %, 0.25 s) |" in text
    assert "| **failed** |" in text
    assert "### Failures\n\n- d (large), mine: RuntimeError: lost" in text
    assert "### Over the budget\n\n- a (small), mine: 1.0 s" in text
    assert {line.count("|") for line in text.splitlines() if line.startswith(("| a |", "| d |"))} == {8}


def test_a_page_of_nothing_says_what_was_asked_for() -> None:
    assert "- Each planner alone with all cores, 3 iterations each, seed 0" in page(
        "P", "", [Section("", empty(iterations=3))]
    )


def test_a_planner_may_end_at_the_bound() -> None:
    asked = list[bool]()

    class Asking:
        name = description = "asking"

        def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
            asked.extend(effort.is_enough(seconds) for seconds in (20.001, 20.003))
            return example.plan()

    measure(case(), Asking(), "asking", Settings(planners=("asking",)), Heard(), bound=20.0)
    assert asked == [True, False]
