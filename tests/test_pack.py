from __future__ import annotations

import math
import signal
import subprocess
import sys
from itertools import product
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memstow.errors import InvalidInputError
from memstow.packing import Buffers, check, minimise_height, pack, peak_load, read_csv, write_csv

from .benchmark_modules import load

random_problems = settings(max_examples=150, deadline=None, derandomize=True, database=None)
#: (lower, length, size, alignment)
rows = st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(0, 4), st.sampled_from([1, 1, 2]))
#: Example of the C++ header and of MiniMalloc's README.
EXAMPLE = Buffers(lower=[0, 3, 0, 9, 0], upper=[3, 9, 9, 21, 21], size=[4, 4, 4, 4, 4])


def buffers_of(drawn: list[tuple[int, int, int, int]]) -> Buffers:
    columns = zip(*drawn, strict=True) if drawn else ((), (), (), ())
    lower, length, size, alignment = (np.array(column, dtype=np.int64) for column in columns)
    return Buffers(lower, lower + length, size, alignment)


def is_packing(buffers: Buffers, offsets: tuple[int, ...], capacity: int) -> bool:
    """Cell by cell: no (time, unit of memory) is used twice, and none outside."""
    used: set[tuple[int, int]] = set()
    for i, offset in enumerate(offsets):
        times = range(int(buffers.lower[i]), int(buffers.upper[i]))
        units = range(offset, offset + int(buffers.size[i]))
        cells = set(product(times, units))
        if cells & used or offset < 0 or units.stop > capacity or offset % int(buffers.alignment[i]):
            return False
        used |= cells
    return True


def hard_problem() -> tuple[Buffers, int]:
    """Six aligned walls make six holes of 1001 units; 30 even sizes of 6002 units in all must fill them.

    Even sizes leave a unit of every hole, so only 6000 fit and there is no packing. The search knows nothing of parity
    and has to try.
    """
    walls, holes = 6, 1001
    sizes = [2 * half for half in (*range(85, 114), 130)]
    assert sum(sizes) == walls * holes - 4
    size = [1] * walls + sizes
    alignment = [holes + 1] * walls + [1] * len(sizes)
    return Buffers([0] * len(size), [1] * len(size), size, alignment), walls * (holes + 1)


@random_problems
@given(st.lists(rows, max_size=5), st.integers(0, 9))
def test_the_outcome_is_that_of_every_offset_tried(drawn: list[tuple[int, int, int, int]], capacity: int) -> None:
    buffers = buffers_of(drawn)
    ranges = [range(max(0, capacity - int(size)) + 1) for size in buffers.size]
    feasible = any(is_packing(buffers, offsets, capacity) for offsets in product(*ranges))
    result = pack(buffers, capacity, time_limit_seconds=math.inf)
    assert result.outcome == ("solved" if feasible else "infeasible")
    assert (result.offsets is not None) == feasible
    if result.offsets is not None:
        assert is_packing(buffers, result.offsets, capacity)


@random_problems
@given(st.lists(rows, max_size=9), st.sampled_from(["best-fit", "first-fit"]), st.integers(0, 12))
def test_greedy_methods_pack_or_do_not_know(drawn: list[tuple[int, int, int, int]], method: str, capacity: int) -> None:
    buffers = buffers_of(drawn)
    result = pack(buffers, capacity, method=method)
    assert result.outcome in ("solved", "unknown")
    assert (result.offsets is None) == (result.outcome == "unknown")
    if result.offsets is not None:
        assert is_packing(buffers, result.offsets, capacity)
        assert pack(buffers, capacity).outcome == "solved"


@random_problems
@given(st.lists(rows, min_size=1, max_size=6), st.data())
def test_check_agrees_with_the_cells(drawn: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    buffers = buffers_of(drawn)
    offsets = tuple(data.draw(st.lists(st.integers(-1, 9), min_size=len(drawn), max_size=len(drawn))))
    assert (check(buffers, offsets, 10) == []) == is_packing(buffers, offsets, 10)


@random_problems
@given(st.lists(rows, max_size=6))
def test_the_least_height_is_solved_and_the_next_is_infeasible(drawn: list[tuple[int, int, int, int]]) -> None:
    buffers = buffers_of(drawn)
    best = minimise_height(buffers, time_limit_seconds=math.inf)
    assert best.height == best.lower_bound >= peak_load(buffers)
    assert is_packing(buffers, best.offsets, best.height)
    if best.height > 0:
        assert pack(buffers, best.height - 1).outcome == "infeasible"


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((8, 8, 4, 4), "expected 5 offsets, found 4"),
        ((9, 8, 4, 4, 0), r"buffer 0 (size 4 during [0, 3)) at 9: outside of [0, 12)"),
        (
            (8, 8, 4, 3, 0),
            "buffer 4 (size 4 during [0, 21)) at 0 and buffer 3 (size 4 during [9, 21)) at 3: overlap",
        ),
    ],
)
def test_check_says_what_is_wrong(offsets: tuple[int, ...], message: str) -> None:
    assert check(EXAMPLE, offsets, 12) == [message]


def test_check_minds_alignment() -> None:
    (violation,) = check(Buffers([0], [1], [2], [4]), [2], 8)
    assert violation == "buffer 0 (size 2 during [0, 1), alignment 4) at 2: not a multiple of its alignment"


def test_the_example_fits_its_peak_load() -> None:
    result = pack(EXAMPLE, peak_load(EXAMPLE))
    assert result.offsets is not None
    assert check(EXAMPLE, result.offsets, 12) == []
    assert pack(EXAMPLE, 11).outcome == "infeasible"


def test_a_time_limit_of_nothing_is_unknown() -> None:
    buffers, capacity = hard_problem()
    result = pack(buffers, capacity, time_limit_seconds=0)
    assert (result.outcome, result.offsets) == ("unknown", None)
    best = minimise_height(buffers, time_limit_seconds=0)
    assert best.lower_bound == peak_load(buffers) < best.height
    assert check(buffers, best.offsets, best.height) == []


SEARCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits that it is ignored
from memstow.packing import Buffers, pack
lower, upper, size, alignment, capacity = eval(sys.argv[1])
pack(Buffers([0], [1], [1]), 1)  # loads the core
print("searching", flush=True)
pack(Buffers(lower, upper, size, alignment), capacity, time_limit_seconds=50)
"""


def test_ctrl_c_ends_the_search() -> None:
    """In a process of its own: test runners have signal handlers and threads of theirs."""
    buffers, capacity = hard_problem()
    columns = (buffers.lower, buffers.upper, buffers.size, buffers.alignment)
    problem = repr((*(column.tolist() for column in columns), capacity))
    process = subprocess.Popen([sys.executable, "-c", SEARCH, problem], stdout=PIPE, stderr=PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "searching\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=40)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0], [0], [1]), r"buffer 0 .*: expected lower < upper"),
        (([0, 0], [1, 1], [1, -1]), r"buffer 1 .*: expected a size of at least 0"),
        (([0], [1], [1], [0]), r"buffer 0 .*: expected an alignment of at least 1"),
        (([0], [1, 2], [1]), "upper: expected 1 numbers as in lower, found 2"),
        (([0.5], [1], [1]), "lower: expected a one-dimensional column of integers, found float64"),
        (([0], [1], [1 << 70]), "size: expected 64-bit integers, found a larger number"),
        (([0, 0], [1, 1], [1 << 61, 1]), "expected a sum of at most 2"),
    ],
)
def test_bad_buffers_are_refused(columns: tuple[list[int], ...], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Buffers(*columns)


def test_bad_options_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="capacity: expected 0 to"):
        pack(EXAMPLE, -1)
    with pytest.raises(InvalidInputError, match="time limit: expected a number of seconds"):
        pack(EXAMPLE, 12, time_limit_seconds=math.nan)
    with pytest.raises(InvalidInputError, match="unknown packing method 'bestfit': did you mean 'best-fit'"):
        pack(EXAMPLE, 12, method="bestfit")


def test_the_files_columns_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('name,size,id,upper,lower\n"a, b",4,7,3,0\n\n,2,8,4,3\n', encoding="utf-8")
    file = read_csv(path)
    assert file.buffers.rows().tolist() == [[0, 3], [3, 4], [4, 2], [1, 1]]
    write_csv(tmp_path / "out.csv", file, [5, 6])
    assert (tmp_path / "out.csv").read_text() == 'name,size,id,upper,lower,offset\n"a, b",4,7,3,0,5\n,2,8,4,3,6\n'


def test_older_names_of_columns_are_read(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("buffer_id,start,end,size,alignment,gaps\nx,0,3,4,8,\n", encoding="utf-8")
    # An `end` is the last time itself.
    assert read_csv(path).buffers.rows().tolist() == [[0], [4], [4], [8]]


def test_the_benchmarks_table_counts_what_is_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark = load("minimalloc")
    text = "id,lower,upper,size\na,0,2,3\nb,1,3,4\n"
    for capacity in (6, 7):
        (tmp_path / f"P{capacity}.{capacity}.csv").write_text(text, encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["minimalloc.py", str(tmp_path)])
    assert benchmark.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| P6 | 2 | 6 | 7 | infeasible | ")
    assert lines[3].startswith("| P7 | 2 | 7 | 7 | solved | ")
    assert "1 of 2 solved" in lines[4]
    (tmp_path / "nameless.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"nameless.csv: expected NAME.CAPACITY.csv"):
        benchmark.main()
