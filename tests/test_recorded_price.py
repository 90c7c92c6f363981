"""Folders of problems, and the price of XLA's recorded solution."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from memstow.errors import InvalidInputError
from memstow.formats import find_problems, load_problem
from memstow.plan import MemoryPlan

from . import worked_example as example
from .test_formats import SUITE, SUITE_FILES, XLA, needs_suite, prices, write


def test_a_recorded_solution_by_hand(tmp_path: Path) -> None:
    """w is prefetched at 5 bytes/s: 1024 / 5 = 204.8 s before fusion, which then takes 1600 / 60 s and negate
    600 / 60 + 600 / 10 s. A cross-program prefetch costs no time, or the whole 204.8 s where it is charged."""
    data = copy.deepcopy(XLA)
    served = 1600 / 60 + 600 / 60 + 600 / 10
    own = load_problem(write(tmp_path, data)).recorded_price
    assert own is not None
    assert own.charged_seconds == own.free_seconds == pytest.approx(204.8 + served)
    data["xla_solution"]["prefetches"][0]["cross_program"] = True
    crossing = load_problem(write(tmp_path, data)).recorded_price
    assert crossing is not None
    assert (crossing.charged_seconds, crossing.free_seconds) == (pytest.approx(204.8 + served), pytest.approx(served))


def test_an_instruction_that_became_a_copy_takes_no_time(tmp_path: Path) -> None:
    data = copy.deepcopy(XLA)
    data["xla_solution"]["prefetches"][0]["replaces_instruction"] = 3
    found = load_problem(write(tmp_path, data)).recorded_price
    assert found is not None
    assert found.free_seconds == pytest.approx(204.8 + 1600 / 60)


def test_slices_are_copies_of_their_own(tmp_path: Path) -> None:
    """Half of w, 102.4 s, is needed at instruction 1, the other half at 3. All of fusion's bytes are fast, so its
    1600 / 60 s go to the second half; the rest of that is waited for."""
    data = copy.deepcopy(XLA)
    data["xla_solution"]["prefetches"][0]["parts"] = [[-1, 1, 512, 0], [-1, 3, 512, 1]]
    found = load_problem(write(tmp_path, data)).recorded_price
    assert found is not None
    fusion, negate = 1600 / 60, 600 / 60 + 600 / 10
    assert found.free_seconds == pytest.approx(102.4 + fusion + (102.4 - fusion) + negate)


def test_nothing_recorded_has_no_price(tmp_path: Path) -> None:
    data = {key: value for key, value in XLA.items() if key != "xla_solution"}
    assert load_problem(write(tmp_path, data)).recorded_price is None
    example.program().save(tmp_path / "p.program.json")
    assert load_problem(tmp_path / "p.program.json").recorded_price is None


@needs_suite
@pytest.mark.parametrize("path", SUITE_FILES, ids=lambda path: path.stem)
def test_the_price_is_that_of_the_suite(path: Path) -> None:
    """Both are rounded to 0.1 us there."""
    found, price = load_problem(path).recorded_price, prices()[path.stem]
    assert found is not None
    assert found.charged_seconds * 1e6 == pytest.approx(price["xla_us"], abs=0.051)
    assert found.free_seconds * 1e6 == pytest.approx(price["xla_cross_program_prefetch_free_us"], abs=0.051)


@needs_suite
def test_the_folder_of_the_suite() -> None:
    found = find_problems(SUITE)
    assert list(found.problems) == SUITE_FILES
    assert list(found.skipped) == [SUITE / "prices.json"]


def test_a_folder_of_both_formats(tmp_path: Path) -> None:
    example.program().save(tmp_path / "p.program.json")
    example.program().save(tmp_path / "bare.json")
    write(tmp_path, XLA)
    MemoryPlan.save(example.plan(), tmp_path / "p.plan.json")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "notes.txt").write_text("{")
    (tmp_path / "folder.json").mkdir()
    found = find_problems(tmp_path)
    assert [path.name for path in found.problems] == ["bare.json", "p.program.json", "problem.json"]
    assert [path.name for path in found.skipped] == ["list.json", "p.plan.json"]


def test_one_file_is_a_folder_of_one(tmp_path: Path) -> None:
    path = write(tmp_path, XLA)
    assert list(find_problems(path).problems) == [path]
    plan = tmp_path / "p.plan.json"
    example.plan().save(plan)
    with pytest.raises(InvalidInputError, match="expected a program"):
        find_problems(plan)


@pytest.mark.parametrize("text", ['{"buffers": []}', '{"fast_capacity_bytes": 3}', "{"])
def test_a_broken_problem_is_named(tmp_path: Path, text: str) -> None:
    write(tmp_path, XLA)
    (tmp_path / "z.json").write_text(text)
    with pytest.raises(InvalidInputError, match=r"z\.json: expected"):
        find_problems(tmp_path)
    assert json.loads((tmp_path / "problem.json").read_text()) == XLA
