"""``benchmarks/agent.py``: the statistics, the file of results, who runs on what, the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import benchmark_modules
import numpy as np
import pytest

from memstow.errors import InvalidInputError

runs = benchmark_modules.load("agent_runs")
statistics = benchmark_modules.load("agent_statistics")
planners = benchmark_modules.load("agent_planners")
contests = benchmark_modules.load("agent_contests")
subjects = benchmark_modules.load("agent_subjects")
views = benchmark_modules.load("agent_view")
pages = benchmark_modules.load("agent_page")
targets = benchmark_modules.load("agent_targets")
curves = benchmark_modules.load("agent_curves")
text = benchmark_modules.load("agent_text")
bench = benchmark_modules.load("agent")

WHERE = {"code": "0123", "machine": "a part", "date": "2026-01-01"}


def run(planner: str, program: str, seed: int, seconds: float | None, **more: Any) -> Any:
    given = {"budget_seconds": 10.0, "is_seeded": True, "wall_seconds": 1.0, **WHERE, **more}
    return runs.Run(planner=planner, program=program, fingerprint="f", seed=seed, seconds=seconds, **given)


def facts(program: str, **more: Any) -> Any:
    given = {"group": "suite", "is_test": True, "instructions": 9, "all_slow_seconds": 8.0, **more}
    return runs.Facts(program=program, fingerprint="f", recorded_seconds=2.0, bound_seconds=1.0, **given)


def sample(seconds: list[list[float]]) -> Any:
    """Programs p0, p1, ... by the columns."""
    table = np.array(seconds)
    return statistics.Sample(tuple(f"p{k}" for k in range(table.shape[1])), tuple(range(len(table))), table)


def test_programs_and_seeds_that_all_have_make_a_table() -> None:
    found = statistics.sample(
        [
            *(run("agent", "p", seed, 1.0 + seed) for seed in (0, 1, 2)),
            *(run("agent", "q", seed, 4.0) for seed in (1, 0)),
            *(run("agent", "failed", seed, None if seed else 1.0) for seed in (0, 1)),
        ]
    )
    assert (found.programs, found.seeds) == (("p", "q"), (0, 1))
    assert found.seconds.tolist() == [[1.0, 4.0], [2.0, 4.0]]
    assert statistics.sample([]) is None


def test_ratios_of_one_seed_have_no_interval() -> None:
    # 1/2 and 8/1: the geometric mean is 2.
    found = statistics.mean_ratio(sample([[1.0, 8.0]]), {"p0": 2.0, "p1": 1.0})
    assert found.value == pytest.approx(2.0)
    assert found.low is None


def test_the_interval_of_a_mean_over_seeds() -> None:
    # Each seed drawn anew: means of the logarithm lie between those of (1, 1) and of (4, 4).
    found = statistics.mean_ratio(sample([[1.0], [4.0]]), {"p0": 1.0})
    assert (found.low, found.value, found.high) == (pytest.approx(1.0), pytest.approx(2.0), pytest.approx(4.0))


def test_planners_are_compared_on_the_programs_that_both_have() -> None:
    one, other = sample([[1.0, 4.0, 9.0]]), sample([[2.0, 2.0]])
    assert statistics.compared(one, other).value == pytest.approx(1.0)
    assert statistics.better_and_worse(one, other) == (1, 1)


def test_the_probability_of_improvement_is_rliables() -> None:
    from rliable import metrics

    rng = np.random.default_rng(0)
    ones, others = rng.integers(1, 4, (5, 7)) * 1.0, rng.integers(1, 4, (3, 7)) * 1.0
    expected = metrics.probability_of_improvement(ones, others)
    assert statistics.probability_of_improvement(ones, others) == pytest.approx(expected)


def test_less_time_is_an_improvement_and_rounding_is_a_tie() -> None:
    one, other = sample([[1.0, 3.0], [1.0, 3.0]]), sample([[2.0, 3.0 * (1 + 1e-12)]])
    found = statistics.improvement(one, other)
    assert found.value == pytest.approx(0.75)
    assert (found.low, found.high) == (pytest.approx(0.75), pytest.approx(0.75))


def test_results_are_found_again_and_the_last_of_a_key_counts(tmp_path: Path) -> None:
    store = runs.Store(tmp_path / "new" / "results.jsonl")
    store.add(facts("p"))
    store.add(run("agent", "p", 0, 3.0))
    store.add(run("agent", "p", 0, 2.0))
    store.add(run("agent", "p", 0, 1.0, agent="other weights"))
    found = runs.Store(store.path)
    assert found.facts == store.facts
    assert sorted(one.seconds for one in found.current_runs()) == [1.0, 2.0]


def test_a_line_that_was_cut_short_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    runs.Store(path).add(facts("p"))
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + whole[:20], encoding="utf-8")
    runs.Store(path).add(facts("q"))
    assert sorted(runs.Store(path).facts) == ["p", "q"]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"game": 1}\n', encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"line 1: expected one of facts, run, rate; name another file"):
        runs.Store(path)


def test_runs_on_a_program_that_has_changed_do_not_count(tmp_path: Path) -> None:
    store = runs.Store(tmp_path / "results.jsonl")
    store.add(facts("p"))
    store.add(run("agent", "p", 0, 1.0).model_copy(update={"fingerprint": "old"}))
    assert list(store.current_runs()) == []


def test_no_part_has_two_contestants_of_one_label_and_budget() -> None:
    for part in contests.parts("memstow", {"scalar value": "some/folder"}):
        keys = [(one.label, one.budget_seconds, one.iterations) for one in part.contestants]
        assert len(keys) == len(set(keys)), part.name


def test_trained_on_files_are_run_only_when_asked() -> None:
    part = next(part for part in contests.parts("memstow", {}) if part.name == "greedy")
    seen = subjects.Subject("vgg16_v4", "suite", False, lambda: None)
    assert not part.takes(seen, all_files=False)
    assert part.takes(seen, all_files=True)


def test_the_hard_programs_are_of_test_families() -> None:
    from memstow.rl_agent.training.programs import is_test_program

    assert len(set(contests.HARD)) == 5
    assert all(is_test_program(name) for name in contests.HARD)


def test_generated_programs_have_seeds_that_training_never_draws() -> None:
    from memstow.rl_agent.training.programs import problems

    assert subjects.LONG_SEED >= problems._SEEDS


def test_the_portfolio_asks_for_the_shipped_agent_or_for_none() -> None:
    assert planners.portfolio(None).agent is None
    assert planners.portfolio("memstow").agent == "agent"
    assert planners.portfolio("some/folder") is None


def view(tmp_path: Path, *records: Any) -> Any:
    store = runs.Store(tmp_path / "results.jsonl")
    for record in records:
        store.add(record)
    return views.View(store, 1.0, "weights", {"scalar": "others"})


def test_a_page_is_about_one_agent_and_its_variants(tmp_path: Path) -> None:
    found = view(
        tmp_path,
        facts("p"),
        run("agent", "p", 0, 1.0, agent="weights"),
        run("agent", "p", 1, 1.0, agent="older weights"),
        run("agent, network scalar", "p", 0, 1.5, agent="others"),
        run("agent, network scalar", "p", 1, 1.5, agent="weights"),
    )
    assert [(one.planner, one.seed) for one in found.runs] == [("agent", 0), ("agent, network scalar", 0)]


def test_targets_stand_beside_what_was_found(tmp_path: Path) -> None:
    found = view(
        tmp_path,
        facts("p"),
        run("agent-greedy", "p", 0, 1.8, agent="weights", is_seeded=False),
        *(run("agent", "p", seed, 1.5, agent="weights") for seed in (0, 1)),
        *(run("local-search", "p", seed, 1.6) for seed in (0, 1)),
    )
    rows = {row.what: row for row in targets.rows(found, ("p",))}
    greedy = rows["agent-greedy against the recorded XLA solution"]
    assert (greedy.found, greedy.verdict) == ("10.00 % less", "missed by 2.00 points")
    assert rows["agent-greedy, wall-clock seconds"].verdict == "missed by 0.00 s"
    agent = rows["agent, 10 s, against the recorded XLA solution"]
    assert (agent.verdict, agent.basis) == ("reached", "1 programs, 2 seeds")
    search = rows["agent against the best single search planner, 10 s each"]
    assert (search.found, search.verdict) == ("1.000 [1.000, 1.000] against local-search", "reached")
    assert rows["portfolio with agent against without, 5 s"].found == "not measured"


def test_a_target_that_no_plan_can_reach_says_so(tmp_path: Path) -> None:
    found = view(
        tmp_path,
        facts("p").model_copy(update={"bound_seconds": 1.8}),
        run("agent-greedy", "p", 0, 1.8, agent="weights", is_seeded=False),
    )
    row = next(targets.rows(found, ()))
    assert row.verdict == "missed by 2.00 points; the proven bound is 10.00 % less"


def page(tmp_path: Path, *records: Any) -> str:
    store = view(tmp_path, *records).store
    empty = tmp_path / "no agent"
    return str(pages.Page(store, "weights", 1.0, empty, None, {"scalar": "others"}, "0123", ("p",)).text())


def test_the_page_of_nothing_has_every_section(tmp_path: Path) -> None:
    found = page(tmp_path)
    assert found.count("\n## ") == 12
    assert "No trained agent was there" in found


def test_the_page_counts_programs_seeds_failures_and_late_runs(tmp_path: Path) -> None:
    found = page(
        tmp_path,
        facts("p"),
        facts("long", group="long"),
        *(run("agent", "p", seed, 1.5, agent="weights") for seed in (0, 1)),
        *(run("lns", "p", seed, 1.5) for seed in (0, 1)),
        run("agent", "long", 0, 4.0, agent="weights", wall_seconds=20.0),
        run("lns", "long", 0, None, failure="no luck"),
        runs.Rate(kind="random play", program="p", decisions=9, decisions_per_second=1e6, share_backups=0.25, **WHERE),
    )
    assert "| agent | 10 s | 1 x 2 | 0.7500 [0.7500, 0.7500] |" in found
    assert "| agent, 10 s | lns, 10 s | 1 x 2 | 1.0000 [1.0000, 1.0000] | 0.500 [0.500, 0.500] | 0 / 0 |" in found
    assert "- Failed or invalid: 1; long, lns: no luck" in found
    assert "- Overran their budget by a second and a tenth: 1; long, agent: 20.0 s of 10 s" in found
    assert "| long | 9 | 1 | - | 0.5000 | - | - |" in found
    assert (
        "| random play | legal actions drawn evenly, nothing observed | 1 | 1,000,000 | 1,000,000 (p) | 25.00 % |"
        in found
    )
    assert "The proven bound, which no planner can beat: 0.5000 to recorded." in found


def test_figures_with_intervals_read_as_differences() -> None:
    assert text.changes(statistics.Estimate(0.9, 0.8, 1.1)) == "10.00 % less [10.00 % more, 20.00 % less]"
    assert text.changes(None) == "not measured"


def test_every_column_of_the_curves_is_shown_once(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text(
        "round,step,policy_loss,value_error,score_play\n0,5,1.0,0.5,\n1,9,0.5,0.25,0.75\n", encoding="utf-8"
    )
    found = curves.read_curves(path)
    shown = [name for _, names in curves.panels(list(found)) for name in names]
    assert sorted(shown) == ["policy_loss", "score_play", "value_error"]
    assert curves.smoothed(found["policy_loss"]) == [1.0, 0.75]
    curves.draw_curves(found, tmp_path / "curves.svg")
    assert "<svg" in (tmp_path / "curves.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "found"),
    [(["--parts", "tenn"], "'tenn'"), (["--variant", "x=nowhere"], "'x=nowhere'"), (["--seeds", "0"], "--seeds")],
)
def test_options_that_cannot_be_are_refused(words: list[str], found: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.parse(words)
    assert found in capsys.readouterr().err
