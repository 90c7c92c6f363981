from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from memstow import extras
from memstow.errors import MissingPackageError
from memstow.explore import MEAN, ExploreResults, Journal
from memstow.explore import measure as measuring

from .. import worked_example as example
from .harness import Invalid, memstow, names_in, refused
from .test_bench import install

QUICK = ("--iterations", 1, "--bound-time", 0, "--out", "out")
VARY = ("--vary", "capacity=1|16,slow_bandwidth=x1|x2")
FILES = {"explore.json", "points.csv", "points.jsonl", "explore.svg", "explore.png"}


@pytest.fixture
def programs(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.program.json" for name in ("p", "q")]
    for path in paths:
        example.program(path.name[0]).save(path)
    return paths


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests need no picture, which takes seconds."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_models_on_a_grid(programs: list[Path], part: Path) -> None:
    pytest.importorskip("matplotlib")
    result = memstow("explore", *programs, "--accelerator", part, *VARY, *QUICK)
    assert result.code == 0
    assert names_in(Path("out")) == FILES
    assert "4 variants of example, 8 points" in result.err
    assert "8 of 8  q, capacity 16 B, slow_bandwidth 2 B/s: " in result.err
    titles = re.findall(r"^(.+): (\d) of 4 variants are beaten by none$", result.out, re.MULTILINE)
    assert [title for title, _ in titles] == ["p", "q", MEAN]
    assert re.search(r"16 B +1 B/s +20 s +1\.\d\d\d +0\.833 +0\.0 %", result.out)


@pytest.mark.usefixtures("no_matplotlib")
def test_the_document_on_standard_output_is_the_one_in_the_folder(programs: list[Path], part: Path) -> None:
    result = memstow("explore", programs[0], "--accelerator", part, *VARY, *QUICK, "--json")
    found = ExploreResults.parse(result.document["results"], where="stdout")
    assert found == ExploreResults.load("out/explore.json")
    assert "out/points.csv" in result.document["files"]
    assert found.axes == {"capacity": (1.0, 16.0), "slow_bandwidth": (1.0, 2.0)}


@pytest.mark.usefixtures("no_matplotlib")
def test_finished_points_are_not_planned_again(
    programs: list[Path], part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memstow("explore", *programs, "--accelerator", part, "--vary", "capacity=1|16", *QUICK)
    planned: list[str] = []
    real = measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda task, *rest: planned.append(task.model) or real(task, *rest))
    result = memstow("explore", *programs, "--accelerator", part, "--vary", "capacity=1|16|32", *QUICK, "--resume")
    assert "out/points.jsonl: has 4 of 6 points" in result.err
    assert planned == ["p", "q"]
    assert len(ExploreResults.load("out/explore.json").of(MEAN)) == 3


@pytest.mark.usefixtures("no_matplotlib")
def test_ctrl_c_keeps_the_finished_points(programs: list[Path], part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = Journal.add, iter(range(9))

    def add(journal: Journal, point: object) -> None:
        real(journal, point)  # type: ignore[arg-type]
        if next(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Journal, "add", add)
    result = memstow("explore", *programs, "--accelerator", part, *VARY, *QUICK)
    assert result.code == 130
    kept = "out/points.jsonl has 2 of 8 points; the same command with --resume goes on"
    assert result.err.endswith(f"interrupted: {kept}\n")
    assert names_in(Path("out")) == {"points.jsonl"}
    monkeypatch.undo()


@pytest.mark.usefixtures("no_matplotlib")
def test_a_failed_point_is_told_of(programs: list[Path], part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, invalid=Invalid())
    result = memstow("explore", programs[0], "--accelerator", part, *VARY, *QUICK, "--planner", "invalid")
    assert result.code == 1
    assert "no plan: p, capacity 16 B, slow_bandwidth 1 B/s: planner 'invalid' made an invalid plan" in result.out


@pytest.mark.usefixtures("no_matplotlib")
def test_without_matplotlib_there_is_no_picture(programs: list[Path], part: Path) -> None:
    result = memstow("explore", programs[0], "--accelerator", part, *VARY, *QUICK)
    assert result.code == 0
    assert "no picture: the picture: expected matplotlib, found none; install it: pip install 'memstow[re" in result.err
    assert names_in(Path("out")) == {"explore.json", "points.csv", "points.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--vary: expected a parameter and its values"),
        (("--vary", "capacity=1MB"), "--vary capacity=1MB: expected bytes"),
        (("--vary", "slow_bandwidth=0|1"), "slow_memory.read_bytes_per_second: Input should be greater than 0"),
        (("--vary", "capacity=1", "--actors", 0), "--actors: expected 1 or more, found 0"),
        (("--vary", "capacity=1", "--size", "full"), "--size full: only the zoo's models have sizes; leave it out"),
        (("--vary", "capacity=1", "--planner", "gredy"), "unknown planner 'gredy': did you mean 'greedy'?"),
    ],
)
def test_bad_options_are_refused_before_anything_is_planned(
    programs: list[Path], part: Path, arguments: tuple[object, ...], message: str
) -> None:
    assert message in refused("explore", programs[0], "--accelerator", part, *arguments, "--out", "out")
    assert not Path("out/points.jsonl").exists()


def test_programs_of_one_name_are_refused(programs: list[Path], part: Path) -> None:
    other = programs[0].parent / "other"
    other.mkdir()
    example.program("p").save(other / "p.program.json")
    message = refused("explore", programs[0], other, "--accelerator", part, *VARY, *QUICK)
    assert "p: expected each program once, found two of that name; rename a file" in message


@pytest.mark.usefixtures("no_matplotlib")
def test_models_are_brought_to_programs() -> None:
    """A model of the zoo and a function of one's own, through the real compiler."""
    Path("mine.py").write_text(
        "import torch\n\n\ndef build():\n    return torch.nn.Linear(8, 8), (torch.zeros(2, 8),)\n", encoding="utf-8"
    )
    models = ("lstm", "mine.py:build")
    result = memstow("explore", *models, "--accelerator", "ethos_u85", "--vary", "capacity=1KiB|16KiB", *QUICK)
    assert result.code == 0
    found = ExploreResults.load("out/explore.json")
    assert found.models == ("lstm-tiny", "mine-build")
    assert len(found.of("lstm-tiny")) == len(found.of(MEAN)) == 2


def test_the_error_of_a_missing_extra_has_one_home() -> None:
    with pytest.raises(MissingPackageError, match="matplotlib"), extras.needed_for("x", "matplotlib", "report"):
        raise ModuleNotFoundError("no", name="matplotlib.figure")
