"""``benchmarks/results.py``: parts and their runs, figures over seeds, page and picture, the exit status."""

from __future__ import annotations

import json
import math
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import benchmark_modules
import numpy as np
import pytest

from memstow.bench import BenchResults, CaseResult, Machine, PlannerResult, Settings
from memstow.errors import InvalidInputError
from memstow.program import Program

from . import worked_example as example

results = benchmark_modules.load("results")
parts = benchmark_modules.load("results_parts")
figures = benchmark_modules.load("results_figures")
pages = benchmark_modules.load("results_page")
pictures = benchmark_modules.load("results_picture")
others = benchmark_modules.load("results_rivals")
programs = benchmark_modules.load("suite_programs")
minimalloc = benchmark_modules.load("minimalloc")

MIB = 1 << 20
MACHINE = Machine(cpu="Abacus", cores=2, memory_bytes=2**32, system="Linux")


def options(tmp_path: Path, *more: str) -> list[str]:
    where = ["--folder", str(tmp_path / "build"), "--out", str(tmp_path / "results.md")]
    return [*where, "--suite", str(tmp_path / "xla"), "--packing", str(tmp_path / "packing"), "--models", "bert", *more]


# ---- parts and commands ----


def test_the_zoo_is_planned_with_the_whole_a_quarter_and_a_sixteenth(tmp_path: Path) -> None:
    found = {part.name: part for part in parts.parts(Path("xla"), tmp_path, ["tpu_v5e"])}
    assert list(found) == ["xla", "xla-crossing", "tpu_v5e"]
    assert found["tpu_v5e"].options == ("--capacity", f"{112 * MIB // 4},{112 * MIB // 16}")
    assert found["xla-crossing"].options == ("--max-cross-program-prefetches", "1")
    assert found["tpu_v5e"].programs == tmp_path / "tpu_v5e"


def test_further_seeds_run_what_a_seed_changes_and_take_the_bounds_over(tmp_path: Path) -> None:
    given = results.parse(options(tmp_path, "--planners", "greedy,lns", "--seeds", "2", "--budget", "0.5", "--resume"))
    first, second = parts.commands(given.known[0], given)
    proven, more = (str(tmp_path / "build" / name) for name in ("xla.bench.json", "xla.seed-1.bench.json"))
    common = ["--budget", "0.5", "--seed"]
    assert first[3:] == [
        *("bench", str(tmp_path / "xla"), "--planners", "greedy,lns", *common, "0"),
        *("--bound-time", "10", "--resume", "--json", proven),
    ]
    assert second[3:] == [
        *("bench", str(tmp_path / "xla"), "--planners", "lns", *common, "1"),
        *("--bound-time", "0", "--known-bounds", proven, "--resume", "--json", more),
    ]


def test_planners_that_no_seed_changes_run_once(tmp_path: Path) -> None:
    given = results.parse(options(tmp_path, "--planners", "greedy"))
    assert len(list(parts.commands(given.known[0], given))) == 1


def test_every_planner_is_known_and_the_free_prefetch_is_on_request(tmp_path: Path) -> None:
    given = results.parse(options(tmp_path))
    assert given.parts == ["xla", "tpu_v5e", "ethos_u85", "arena", "packing"]
    assert tuple(given.planners) == parts.PLANNERS


@pytest.mark.parametrize(
    ("flag", "name"),
    [("--parts", "xlla"), ("--models", "berd"), ("--accelerators", "tpu"), ("--planners", "gredy"), ("--seeds", "0")],
)
def test_unknown_names_are_refused(tmp_path: Path, flag: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        results.parse(options(tmp_path, flag, name))
    assert name in capsys.readouterr().err


def test_programs_are_extracted_once_and_again_when_sources_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def extract(name: str, size: str, accelerator: object) -> Program:
        calls.append(f"{name}-{size}")
        if name == "bad":
            raise ValueError("no such operator")
        return example.program()

    monkeypatch.setattr(programs, "extract", extract)
    both = ["tpu_v5e", "ethos_u85"]
    failures = programs.export_zoo(tmp_path, ["good", "bad"], "full", both)
    assert failures == ["bad full: ValueError: no such operator"]
    written = [programs.program_path(tmp_path, target, "good", "full") for target in both]
    assert [Program.load(path).accelerator for path in written] == both
    assert programs.export_zoo(tmp_path, ["good"], "full", both) == []
    assert calls == ["good-full", "bad-full"]
    os.utime(written[1], (0, 0))
    programs.export_zoo(tmp_path, ["good"], "full", both)
    assert calls == ["good-full", "bad-full", "good-full"]


# ---- made-up results: bounds of 1 s, recorded solutions of 2 s ----


def case(name: str, seconds: Mapping[str, float | None], recorded: float | None = 2.0) -> CaseResult:
    return CaseResult(
        name=name,
        group=f"part, {name[0]}",
        fingerprint=name,
        accelerator="part",
        capacity_bytes=16,
        max_cross_program_prefetches=0,
        instructions=2,
        all_slow_seconds=8.0,
        bound_seconds=1.0,
        bound_method="simple",
        bound_wall_seconds=1.0,
        recorded_seconds=recorded,
        planners=tuple(
            PlannerResult(
                planner=planner,
                seconds=found,
                wall_seconds=3.0,
                best_after_seconds=None if found is None else 0.5,
                gap=None if found is None else found - 1.0,
                error="no luck" if found is None else "",
            )
            for planner, found in seconds.items()
        ),
    )


def run(seed: int, *cases: CaseResult, **settings: Any) -> BenchResults:
    names = tuple(result.planner for result in cases[0].planners if not seed or result.planner != "xla-msa")
    return BenchResults(
        memstow_version="9",
        code="c0de",
        date="2031-02-03",
        machine=MACHINE,
        source="xla",
        settings=Settings(planners=names, seed=seed, **settings),
        cases=cases,
    )


def contest(folder: Path, *runs: BenchResults) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    part = parts.Part("xla", "Production programs", Path("xla"))
    for one in runs:
        one.save(part.results_path(folder, one.settings.seed))
    return figures.load(part, folder)


def two_seeds(folder: Path) -> Any:
    """``lns`` takes 1 and 2 s on ``a``, 2 s on ``b``; ``xla-msa`` always 4 s and counts once."""
    return contest(
        folder,
        run(0, case("a", {"xla-msa": 4.0, "lns": 1.0}), case("b", {"xla-msa": 4.0, "lns": 2.0})),
        run(1, case("a", {"xla-msa": 4.0, "lns": 2.0}), case("b", {"xla-msa": 4.0, "lns": 2.0})),
    )


def test_all_seeds_count_alike(tmp_path: Path) -> None:
    found = {row.name: row for row in two_seeds(tmp_path).rows(["a (part, a)", "b (part, b)"])}
    assert list(found) == ["recorded solution", "xla-msa", "lns", "proven bound"]
    searched = found["lns"]
    assert (searched.programs, searched.seeds) == (2, 2)
    # Ratios to 2 s: 1/2, 1, 1, 1.
    assert searched.to_rival.value == pytest.approx(0.5**0.25)
    assert (searched.to_rival.low, searched.to_rival.high) == (pytest.approx(0.5**0.5), pytest.approx(1.0))
    assert searched.to_bound.value == pytest.approx(2 * 0.5**0.25)
    assert (searched.optimal, searched.found_after, searched.longest) == (0.25, 0.5, 3.0)
    heuristic = found["xla-msa"]
    assert (heuristic.seeds, heuristic.to_rival.value, heuristic.to_rival.low) == (1, pytest.approx(2.0), None)
    assert found["recorded solution"].to_bound.value == pytest.approx(2.0)
    assert found["proven bound"].to_rival.value == pytest.approx(0.5)


def test_the_middle_is_the_mean_of_the_middle_half(tmp_path: Path) -> None:
    ratios = [0.5, 1.0, 1.5, 50.0]
    cases = [case(f"p{k}", {"xla-msa": 2.0 * ratio}) for k, ratio in enumerate(ratios)]
    row = list(contest(tmp_path, run(0, *cases)).rows([one.label for one in cases]))[1]
    assert row.to_rival_middle.value == pytest.approx(1.25)


def test_without_recorded_solutions_ratios_are_to_the_heuristic(tmp_path: Path) -> None:
    found = contest(tmp_path, run(0, case("a", {"xla-msa": 4.0, "lns": 1.0}, recorded=None)))
    assert found.rival[0] == "xla-msa"
    assert [row.name for row in found.rows(["a (part, a)"])] == ["xla-msa", "lns", "proven bound"]
    assert list(found.excesses(["a (part, a)"])) == ["xla-msa", "lns"]


def test_a_program_without_a_plan_is_left_out_of_means_and_counts_against_the_profile(tmp_path: Path) -> None:
    found = contest(
        tmp_path,
        run(0, case("a", {"xla-msa": 4.0, "lns": None}), case("b", {"xla-msa": 4.0, "lns": 1.0})),
    )
    row = next(row for row in found.rows(["a (part, a)", "b (part, b)"]) if row.name == "lns")
    assert (row.programs, row.failed) == (1, 0.5)
    # The fastest plans: recorded, 2 s, and lns, 1 s.
    excesses = found.excesses(list(found.cases))
    assert {name: list(values) for name, values in excesses.items()} == {
        "recorded solution": [0.0, 1.0],
        "xla-msa": [1.0, 3.0],
        "lns": [0.0, math.inf],
    }


def test_seeds_of_other_conditions_do_not_go_together(tmp_path: Path) -> None:
    one = case("a", {"xla-msa": 4.0, "lns": 1.0})
    with pytest.raises(InvalidInputError, match=r"xla\.seed-1\.bench\.json: expected .*budget_seconds 10.0, found 5.0"):
        contest(tmp_path, run(0, one), run(1, one, budget_seconds=5.0))


# ---- page and picture ----


def test_steps_are_shares_of_the_runs_up_to_a_ratio() -> None:
    across, up = pictures.steps(np.array([0.0, 0.01, 0.1, math.inf]))
    assert list(across) == [1e-4, 0.01, 0.01, 0.1, 0.1, 1.0]
    assert list(up) == [0.25, 0.25, 0.5, 0.5, 0.75, 0.75]


def test_the_page_has_every_part_with_results(tmp_path: Path) -> None:
    two_seeds(tmp_path / "build")
    assert results.main(options(tmp_path, "--page-only")) == 0
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert text.startswith("# Results\n\nWritten by `make bench`; do not edit.")
    assert "- Machine: Abacus, 2 cores, 4.0 GiB, Linux\n- Date: 2031-02-03; " in text
    assert "| xla | part, a | 1 | 2.0000 | 4.0000 | 1.4142 |" in text  # at a glance
    assert "| lns | 2 x 2 | 0.8409 [0.7071, 1.0000] | " in text
    assert "| a | part, a | 8000000.0 | 2000000.0 | 1000000.0 | 4000000.0 | 1500000.0 |" in text
    assert "| lns | 0.4204 [0.3536, 0.5000] | 1.000 [1.000, 1.000] | 2 / 0 of 2 |" in text  # against xla-msa
    assert "| lns | 75 % | 75 % | 75 % | 75 % | 75 % | 75 % |" in text
    assert text.count("```sh") == len(re.findall(r"<!-- not run: .+ -->\n```sh", text)) == 2
    assert "memstow bench xla --planners xla-msa,lns --budget 10 --bound-time 60" in text
    root = ElementTree.parse(tmp_path / "images" / "results_profile.svg").getroot()
    shown = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Production programs", "xla-msa", "lns", "recorded solution"} <= shown


def test_failures_are_told_of(tmp_path: Path) -> None:
    found = contest(tmp_path, run(0, case("a", {"xla-msa": 4.0, "lns": None})))
    text = "\n".join([*pages.section(found), *pages.every_program(found)])
    assert "- a (part, a), lns: no luck" in text
    assert "| 4000000.0 | **failed** |" in text


def arena(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    row = {"table": "arena", "model": "bert", "target": "tpu", "status": "ok", "alive_bytes": 8, "tvm_bytes": 16}
    rows = [
        {**row, "arena_bytes": 8},
        {**row, "arena_bytes": 32},
        {**row, "status": "failed", "reason": "no luck"},
    ]
    machine = {"CPU": "Abacus", "cores": "2", "memory": "4.0 GiB", "system": "Linux"}
    data = {"about": {"machine": machine}, "date": "2031-02-03", "rows": rows}
    (folder / "arena.json").write_text(json.dumps(data), encoding="utf-8")


def test_tvms_bytes_stand_beside_ours(tmp_path: Path) -> None:
    arena(tmp_path)
    text = "\n".join(others.rivals([], others.Arena.load(tmp_path), None, Path("xla")))
    # Ratios of 1/2 and 2; the second row and the failed one are failures of the zoo's benchmark.
    assert "| 2 | 1.0000 | 2.0000 | 1 | 1 | 40 B | 32 B |" in text
    assert "2 rows failed" in text
    assert f"python benchmarks/zoo.py --sizes arena --json {tmp_path}/arena.json --out {tmp_path}/arena.md" in text


def test_packing_is_measured_and_told_of_with_what_its_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "problems"
    folder.mkdir()
    (folder / "Z.8.csv").write_text("id,lower,upper,size\n1,0,2,4\n2,1,3,4\n", encoding="utf-8")
    (folder / "README.md").write_text("Hard. MiniMalloc itself solves\neach in 1.5-2 s. More.", encoding="utf-8")
    path = tmp_path / "packing.json"
    monkeypatch.setattr("sys.argv", ["minimalloc.py", str(folder), "--json", str(path)])
    assert minimalloc.main() == 0
    assert "| Z | 2 | 8 |" in capsys.readouterr().out
    assert results.has_packing(tmp_path)
    text = "\n".join(others.rivals([], None, others.Packing.load(tmp_path), Path("xla")))
    assert "every packing checked: 1 of\n1 solved" in text
    assert "> MiniMalloc itself solves each in 1.5-2 s.\n" in text
    assert "| Z | 2 | 8 | solved |" in text


def test_no_readme_no_quotation(tmp_path: Path) -> None:
    assert others.quoted_times(tmp_path) == ""


# ---- running ----


@pytest.mark.parametrize(
    ("ended", "ran", "status", "has_page"),
    [((0, 0), 2, 0, True), ((1, 0), 2, 1, True), ((130, 0), 1, 130, False), ((-2, 0), 1, 2, False)],
)
def test_a_failed_planner_is_told_of_and_an_interruption_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: tuple[int, int], ran: int, status: int, has_page: bool
) -> None:
    left, lines = list(ended), list[list[str]]()

    def one(words: list[str]) -> int:
        lines.append(words)
        return left.pop(0)

    monkeypatch.setattr(results, "run", one)
    assert results.main(options(tmp_path, "--parts", "xla,packing", "--seeds", "1")) == status
    assert len(lines) == ran
    assert (tmp_path / "results.md").is_file() == has_page


def test_results_that_do_not_go_together_make_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "xla.bench.json").write_text("{}", encoding="utf-8")
    assert results.main(options(tmp_path, "--page-only")) == 2
    assert "xla.bench.json" in capsys.readouterr().err
    assert not (tmp_path / "results.md").exists()


def test_one_part_end_to_end(tmp_path: Path) -> None:
    folder = tmp_path / "xla"
    folder.mkdir()
    example.program().save(folder / "p.program.json")
    quick = ("--parts", "xla", "--planners", "greedy,local-search", "--budget", "0.05", "--bound-time", "1")
    assert results.main(options(tmp_path, *quick, "--seeds", "2")) == 0
    text = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "| p | unit, " in text
    assert "| local-search | 1 x 2 | " in text
