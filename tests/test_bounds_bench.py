"""The table of ``benchmarks/bounds.py``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import worked_example as example
from .benchmark_modules import load

bounds = load("bounds")


def save_example(folder: Path) -> Path:
    path = folder / "example.program.json"
    example.program().model_copy(update={"accelerator": "unit"}).save(path)
    return path


def test_a_row_has_every_bound_and_the_plan(tmp_path: Path) -> None:
    row = bounds.measure(save_example(tmp_path), 15.0, 10.0)
    assert (row.name, row.instructions, row.recorded) == ("example", 2, 15.0)
    assert row.best == max(row.simple, row.fluid, row.integer)
    assert 0.0 <= row.best_gap <= row.simple_gap


def test_the_table_has_a_line_per_row_and_the_medians() -> None:
    """Gaps to the best bound: 10 %, 50 % and 0 %."""
    rows = [
        bounds.Row(name, 3, 1.0, None, None, None, best, planned, 0.5)
        for name, best, planned in (("a", 2.0, 2.2), ("b", 2.0, 3.0), ("c", 3.0, 3.0))
    ]
    lines = bounds.table(rows).splitlines()
    assert lines[2] == "| a | 3 | 1000000.0 | - | - | - | 2000000.0 | 2200000.0 | 120.0% | 10.00% | 0.5 |"
    assert lines[-1] == "gap of greedy to best: median 10.00%, worst 50.0%"
    assert {line.count("|") for line in lines if line.startswith("|")} == {len(bounds.COLUMNS) + 1}


def test_recorded_bounds_come_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_example(tmp_path)
    (tmp_path / "prices.json").write_text(json.dumps({"example.program": {"lower_bound_us": 7.0}}))
    out = tmp_path / "out.md"
    monkeypatch.setattr("sys.argv", ["bounds.py", str(tmp_path), "--time-limit", "5", "--out", str(out)])
    bounds.main()
    assert "| example | 2 |" in out.read_text()
    assert "| 7.0 |" in out.read_text()
