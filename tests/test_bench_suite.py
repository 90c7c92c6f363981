"""``benchmarks/suite.py``: the parts of the suite, the cache of programs, the page and the exit status."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import benchmark_modules
import pytest

from memstow.bench import BenchResults, Machine, Settings
from memstow.program import Program

from . import worked_example as example

suite = benchmark_modules.load("suite")
programs = benchmark_modules.load("suite_programs")

MIB = 1 << 20


def options(tmp_path: Path, *more: str) -> list[str]:
    where = ["--folder", str(tmp_path / "build"), "--out", str(tmp_path / "suite.md"), "--suite", str(tmp_path / "xla")]
    return [*where, "--models", "bert", *more]


def test_the_zoo_is_planned_with_the_whole_a_quarter_and_a_sixteenth(tmp_path: Path) -> None:
    found = {part.name: part for part in suite.parts(Path("xla"), tmp_path, ["tpu_v5e"])}
    assert list(found) == ["xla", "xla-crossing", "xla-brief", "tpu_v5e"]
    assert found["tpu_v5e"].options == ("--capacity", f"{112 * MIB // 4},{112 * MIB // 16}")
    assert found["xla-crossing"].options == ("--max-cross-program-prefetches", "1")
    assert found["tpu_v5e"].programs == tmp_path / "tpu_v5e"


def test_a_parts_command_line_is_one_that_bench_takes(tmp_path: Path) -> None:
    given = suite.parse(options(tmp_path, "--budget", "0.5", "--resume", "--planners", "greedy"))
    words = suite.command(given.parts[1], tmp_path / "r.json", given)
    assert words[:4] == [sys.executable, "-m", "memstow.cli", "bench"]
    assert words[4] == str(tmp_path / "xla")
    assert words[-5:] == ["--planners", "greedy", "--resume", "--json", str(tmp_path / "r.json")]


@pytest.mark.parametrize(("flag", "name"), [("--parts", "xlla"), ("--models", "berd"), ("--accelerators", "tpu")])
def test_unknown_names_are_refused(tmp_path: Path, flag: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        suite.parse(options(tmp_path, flag, name))
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


def results() -> BenchResults:
    machine = Machine(cpu="Abacus", cores=2, memory_bytes=2**32, system="Linux")
    return BenchResults(
        memstow_version="9", code="c0de", date="2031-02-03", machine=machine, source="xla", settings=Settings()
    )


def test_the_page_has_a_section_for_every_part_with_results(tmp_path: Path) -> None:
    given = suite.parse(options(tmp_path, "--page-only"))
    (tmp_path / "build").mkdir()
    results().save(tmp_path / "build" / "xla.bench.json")
    assert suite.main(options(tmp_path, "--page-only")) == 0
    text = (tmp_path / "suite.md").read_text(encoding="utf-8")
    assert text.startswith("# The suite, measured\n\nWritten by `make bench-suite`; do not edit.")
    assert "## Production programs, cross-program prefetches charged\n\n- Machine: Abacus, 2 cores" in text
    assert text.count("\n## ") == 1
    assert len(given.parts) == 5


@pytest.mark.parametrize(("ended", "ran", "status"), [((0, 0), 2, 0), ((1, 0), 2, 1), ((130, 0), 1, 130)])
def test_a_failed_planner_is_told_of_and_an_interruption_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: tuple[int, int], ran: int, status: int
) -> None:
    left, lines = list(ended), list[list[str]]()

    def run(words: list[str]) -> int:
        lines.append(words)
        return left.pop(0)

    monkeypatch.setattr(suite, "run", run)
    assert suite.main(options(tmp_path, "--parts", "xla,xla-crossing")) == status
    assert len(lines) == ran
    assert (tmp_path / "suite.md").is_file()


def test_one_part_end_to_end(tmp_path: Path) -> None:
    folder = tmp_path / "xla"
    folder.mkdir()
    example.program().save(folder / "p.program.json")
    quick = ("--parts", "xla", "--planners", "greedy", "--budget", "0.05", "--bound-time", "0")
    assert suite.main(options(tmp_path, *quick)) == 0
    assert "| p | unit, " in (tmp_path / "suite.md").read_text(encoding="utf-8")
