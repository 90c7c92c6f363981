from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from memstow import planners
from memstow.bench import DEFAULT_PLANNERS, BenchResults, Settings
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Planner, Problem

from .. import worked_example as example
from ..bench_planners import Raising, Scripted, overlapping
from ..test_formats import XLA
from .harness import memstow, names_in, refused, write_part

QUICK = ("--budget", 0.05, "--bound-time", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two programs for ``unit``, an xla_suite file, and a file that is no program."""
    path = tmp_path / "suite"
    path.mkdir()
    for name in ("a", "b"):
        example.program(name).model_copy(update={"accelerator": "unit"}).save(path / f"{name}.program.json")
    (path / "tiny.json").write_text(json.dumps(XLA), encoding="utf-8")
    (path / "prices.json").write_text('{"tiny": {"all_slow_us": 1.0}}', encoding="utf-8")
    return path


def install(monkeypatch: pytest.MonkeyPatch, **known: Planner) -> None:
    """Make planners known by name beside the built-in ones."""
    real, names = planners.get, planners.names()
    monkeypatch.setattr(planners, "names", lambda: sorted([*names, *known]))
    monkeypatch.setattr(planners, "get", lambda name: known[name] if name in known else real(name))


def test_every_planner_on_every_program(folder: Path) -> None:
    result = memstow("bench", folder, *QUICK, "--planners", "greedy,all-slow", "--json", "out.json", "--seed", 3)
    assert result.code == 0
    assert f"{folder / 'prices.json'}: no program, skipped" in result.err
    found = BenchResults.load("out.json")
    assert [case.name for case in found.cases] == ["a", "b", "tiny"]
    assert [r.planner for r in found.cases[0].planners] == ["xla-msa", "greedy", "all-slow"]
    assert (found.settings.seed, found.settings.budget_seconds, found.source) == (3, 0.05, str(folder))
    assert [t.planner for t in found.totals[0].planners] == ["xla-msa", "greedy", "all-slow"]
    tiny = found.cases[2]
    assert tiny.recorded_seconds == tiny.recorded_charged_seconds
    assert found.cases[0].recorded_seconds is None
    assert "all: 3 programs" in result.out
    assert "xla-msa was run for comparison alone" in result.out
    assert "The proven bound, which no planner can beat:" in result.out
    assert result.out.rstrip().endswith("out.json")
    assert "a (unit, " in result.err


def test_one_file_and_the_default_names(folder: Path) -> None:
    result = memstow("bench", folder / "a.program.json", *QUICK, "--iterations", 1)
    assert result.code == 0
    found = BenchResults.load("a.bench.json")
    assert found.settings.planners == DEFAULT_PLANNERS
    assert found.settings.iterations == 1
    assert not found.totals[0].planners[0].is_extra


def test_more_capacities_and_another_accelerator(folder: Path, tmp_path: Path) -> None:
    part = write_part(tmp_path / "part.toml")
    options = ("--accelerator", part, "--capacity", "8,1KiB", "--capacity", "16", "--max-cross-program-prefetches", 2)
    assert memstow("bench", folder, *QUICK, "--planners", "greedy", *options, "--json", "o.json").code == 0
    found = BenchResults.load("o.json")
    assert [c.group for c in found.cases[:3]] == ["example, 16 B", "example, 8 B", "example, 1 KiB"]
    assert len(found.cases) == 9
    assert {c.max_cross_program_prefetches for c in found.cases} == {2}
    assert {c.recorded_seconds for c in found.cases} == {None}
    assert [g.group for g in found.totals] == ["all", "example, 16 B", "example, 8 B", "example, 1 KiB"]


def test_with_cross_program_prefetches_the_free_price_counts(folder: Path) -> None:
    data = json.loads(json.dumps(XLA))
    data["xla_solution"]["prefetches"][0]["cross_program"] = True
    (folder / "tiny.json").write_text(json.dumps(data), encoding="utf-8")
    prices = []
    for crossing in (0, 1):
        options = ("--planners", "greedy", "--max-cross-program-prefetches", crossing, "--json", "o.json")
        memstow("bench", folder / "tiny.json", *QUICK, *options)
        (case,) = BenchResults.load("o.json").cases
        prices.append((case.recorded_seconds, case.recorded_charged_seconds, case.recorded_free_seconds))
    (charged, *both), (free, *again) = prices
    assert both == again == [charged, free]
    assert charged is not None
    assert free is not None
    assert free < charged


def test_bounds_that_an_earlier_run_has_proven(folder: Path) -> None:
    line = ("bench", folder, "--budget", 0.05, "--planners", "greedy", "--json")
    assert memstow(*line, "proven.json", "--bound-time", 5).code == 0
    known = ("--bound-time", 0, "--known-bounds", "proven.json")
    assert memstow(*line, "o.json", *known).code == 0
    old, new = BenchResults.load("proven.json"), BenchResults.load("o.json")
    assert [case.bound_seconds for case in new.cases] == [case.bound_seconds for case in old.cases]
    assert "--known-bounds proven.json" in new.command
    assert "absent.json" in refused(*line, "o.json", "--known-bounds", "absent.json")


def test_the_page(folder: Path) -> None:
    assert memstow("bench", folder, *QUICK, "--planners", "greedy", "--json", "o.json", "--page", "o.md").code == 0
    text = Path("o.md").read_text(encoding="utf-8")
    assert text.startswith(f"# Planners on {folder}\n")
    assert "| tiny | v4c8, 4 KiB |" in text


def test_failures_are_exit_code_1_and_the_run_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, raising=Raising(), invalid=Scripted(plan=overlapping()))
    result = memstow("bench", folder, *QUICK, "--planners", "raising,invalid,greedy", "--json", "o.json")
    assert result.code == 1
    found = BenchResults.load("o.json")
    assert [bool(r.failure) for r in found.cases[0].planners] == [False, True, True, False]
    assert len(found.cases) == 3
    assert "a (unit, " in result.out
    assert "raising: RuntimeError: no idea" in result.out
    assert "invalid: invalid plan, " in result.out


def test_a_planner_that_overruns_is_told_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "overruns", lambda self, wall_seconds: True)
    result = memstow("bench", folder, *QUICK, "--planners", "greedy", "--json", "o.json")
    assert result.code == 0
    assert "Over the budget" in result.out
    assert "), greedy: 0." in result.out


# ---- resuming and interruption ----


class Interrupted:
    """Works for some programs, then Ctrl-C comes; a planner that swallows it returns a plan."""

    name = description = "interrupted"

    def __init__(self, programs: Sequence[str], swallows: bool) -> None:
        self.programs, self.swallows, self.seen = programs, swallows, list[str]()

    def plan(self, problem: Problem, effort: Effort, *, seed: int) -> MemoryPlan:
        self.seen.append(problem.program.name)
        if problem.program.name not in self.programs:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                if not self.swallows:
                    raise
        return Scripted().plan(problem, effort, seed=seed)


@pytest.mark.parametrize("swallows", [False, True])
def test_ctrl_c_keeps_whole_programs_and_resume_goes_on(
    swallows: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = Interrupted(["a"], swallows)
    install(monkeypatch, interrupted=planner)
    line = ("bench", folder, *QUICK, "--planners", "interrupted", "--json", "o.json", "--page", "o.md")
    result = memstow(*line)
    assert (result.code, result.out) == (130, "")
    assert "interrupted: o.json has 1 of 3 programs; --resume goes on" in result.err
    assert [case.name for case in BenchResults.load("o.json").cases] == ["a"]
    assert "### all: 1 program\n" in Path("o.md").read_text(encoding="utf-8")
    planner.programs, planner.seen = ["a", "b", "tiny_v4c8"], []
    result = memstow(*line, "--resume")
    assert result.code == 0
    assert "o.json: has 1 of 3 programs" in result.err
    assert planner.seen == ["b", "tiny_v4c8"]
    assert [case.name for case in BenchResults.load("o.json").cases] == ["a", "b", "tiny"]
    planner.seen = []
    assert memstow(*line, "--resume").code == 0
    assert planner.seen == []


def test_ctrl_c_before_the_first_program_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, interrupted=Interrupted([], False))
    Path("o.json").write_text("old")
    result = memstow("bench", folder, *QUICK, "--planners", "interrupted", "--json", "o.json", "--page", "o.md")
    assert result.code == 130
    assert "interrupted: no program was done; o.json is as before" in result.err
    assert Path("o.json").read_text() == "old"
    assert not Path("o.md").exists()


def test_ctrl_c_of_a_process(folder: Path) -> None:
    """A real signal, sent once the first program is done and the second is under way."""
    line = [sys.executable, "-m", "memstow.cli", "bench", str(folder), "--planners", "local-search", "--budget", "1"]
    run = subprocess.Popen(
        [*line, "--bound-time", "0", "--json", "o.json"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert run.stderr is not None
    for line_read in run.stderr:
        if line_read.startswith("a (unit"):
            break
    os.kill(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")
    assert re.search(r"interrupted: o.json has [12] of 3 programs; --resume goes on", err)
    assert BenchResults.load("o.json").cases[0].name == "a"


def test_resume_refuses_other_settings(folder: Path) -> None:
    line = ("bench", folder, *QUICK, "--planners", "greedy", "--json", "o.json")
    assert memstow(*line).code == 0
    before = Path("o.json").read_text(encoding="utf-8")
    error = refused(*line, "--seed", 1, "--resume")
    assert "o.json: its results were made under other conditions: seed 0 (now 1); leave out --resume" in error
    assert Path("o.json").read_text(encoding="utf-8") == before


# ---- bad input ----


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("broken.json", '{"instructions": [', "expected JSON, found an error"),
        ("broken.program.json", "{}", "found the keys (none)"),
        (
            "broken.json",
            '{"instructions": [{"name": "i"}], "buffers": []}',
            "missing key 'instructions.0.compute_secon",
        ),
        ("broken.json", '{"xla_solution": {}}', "expected a program (*.program.json) or an xla_suite file"),
    ],
)
def test_a_broken_file_is_found_before_anything_runs(
    name: str, text: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planner = Scripted()
    install(monkeypatch, scripted=planner)
    (folder / name).write_text(text, encoding="utf-8")
    error = refused("bench", folder, *QUICK, "--planners", "scripted", "--json", "o.json")
    assert message in error
    assert str(folder / name) in error
    assert planner.calls == []
    assert not Path("o.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--planners", "gredy"), "did you mean 'greedy'?"),
        (("--planners", ","), "--planners: expected names with commas between them, found ','"),
        (("--budget", "-1"), "--budget: expected a number of seconds"),
        (("--bound-time", "nan"), "--bound-time: expected a number of seconds"),
        (("--iterations", "-1"), "--iterations: expected 0 or more, found -1"),
        (("--capacity", "8MB"), "--capacity: expected bytes, or a number with KiB, MiB or GiB (8MiB), found '8MB'"),
        (("--capacity", "0.3"), "--capacity: expected bytes"),
        (("--capacity", "-8"), "--capacity: expected bytes"),
        (("--max-cross-program-prefetches", "-1"), "--max-cross-program-prefetches: expected 0 or more"),
        (("--accelerator", "tpu"), "unknown accelerator 'tpu'"),
        (("--json", "out.txt"), "--json out.txt: expected a name that ends with .json"),
        (("--page", "out.html"), "--page out.html: expected a name that ends with .md"),
        (("--json", "suite/a.program.json"), "--json suite/a.program.json: is one of the files in"),
        (("--page", "suite/a.program.json/o.md"), "cannot be used as a folder"),
    ],
)
def test_bad_options_are_refused(options: tuple[str, ...], message: str, folder: Path) -> None:
    before = names_in(folder)
    assert message in refused("bench", folder, *options)
    assert names_in(folder) == before


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "prices.json").write_text("{}")
    error = refused("bench", empty)
    assert f"{empty}: expected programs (*.program.json) or xla_suite files in it, found none among 1 *.json" in error
    assert "cannot be read" in refused("bench", tmp_path / "absent")


def test_two_files_of_one_name_keep_their_endings(folder: Path) -> None:
    (folder / "a.json").write_text((folder / "a.program.json").read_text())
    assert memstow("bench", folder, *QUICK, "--planners", "greedy", "--json", "o.json").code == 0
    assert [case.name for case in BenchResults.load("o.json").cases] == ["a.json", "a.program.json", "b", "tiny"]
