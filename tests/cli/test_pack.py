from __future__ import annotations

from pathlib import Path

import pytest

from memstow import packing
from memstow.packing import PackingResult

from .harness import memstow, names_in, refused

#: The example of MiniMalloc's README; 12 is its peak load.
EXAMPLE = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n"
#: Two aligned buffers leave [3, 4) and [7, 8), where 2 bytes do not fit; the load of 8 would.
NO_HOLE = "id,lower,upper,size,alignment\na,0,2,3,4\nb,0,2,3,4\nc,0,2,2,1\n"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return write(tmp_path / "example.csv", EXAMPLE)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_pack_writes_the_columns_and_offset(example: Path) -> None:
    result = memstow("pack", example, "--capacity", 12, "--out", "out.csv")
    assert result.code == 0
    assert "solved" in result.out
    lines = Path("out.csv").read_text().splitlines()
    assert [line.rpartition(",")[0] for line in lines] == EXAMPLE.splitlines()
    assert lines[0].endswith(",offset")
    # b5 lives with all others, b3 with b1 and b2: four bytes each within 12.
    offsets = [int(line.rpartition(",")[2]) for line in lines[1:]]
    assert {offsets[0], offsets[2], offsets[4]} == {offsets[1], offsets[2], offsets[4]} == {0, 4, 8}


@pytest.mark.parametrize("method", ["complete", "best-fit", "first-fit"])
def test_pack_in_json(example: Path, method: str) -> None:
    document = memstow("pack", example, "--capacity", 20, "--method", method, "--json").document
    assert document.pop("seconds") >= 0
    assert document.pop("nodes") >= 0
    assert 12 <= document.pop("height") <= 20
    assert document == {
        "outcome": "solved",
        "reason": "solved",
        "method": method,
        "buffers": 5,
        "capacity": 20,
        "peak_load": 12,
        "files": {"packing": "example.packed.csv"},
    }
    assert Path("example.packed.csv").exists()


@pytest.mark.parametrize(
    ("text", "options", "outcome", "reason"),
    [
        (EXAMPLE, ("--capacity", 11), "infeasible", "proven infeasible"),
        (NO_HOLE, ("--capacity", 8), "infeasible", "proven infeasible"),
        (
            NO_HOLE,
            ("--capacity", 8, "--method", "first-fit"),
            "unknown",
            "first-fit found no packing; --method complete may",
        ),
    ],
)
def test_no_packing_is_exit_code_1_and_no_file(
    tmp_path: Path, text: str, options: tuple[object, ...], outcome: str, reason: str
) -> None:
    path = write(tmp_path / "in.csv", text)
    result = memstow("pack", path, *options, "--out", "out.csv")
    assert result.code == 1
    assert reason in result.out
    result = memstow("pack", path, *options, "--out", "out.csv", "--json")
    assert result.code == 1
    assert (result.document["outcome"], result.document["reason"]) == (outcome, reason)
    assert (result.document["height"], result.document["files"]) == (None, {})
    assert names_in(tmp_path) == {"in.csv"}


def test_no_answer_in_time_is_exit_code_1(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "pack", lambda *_, **__: PackingResult(None, "unknown", 0.5, 7))
    result = memstow("pack", example, "--capacity", 12, "--time-limit", 0.5)
    assert result.code == 1
    assert "not solved within 0.5 s" in result.out


def test_a_wrong_packing_is_not_written(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "pack", lambda *_, **__: PackingResult((0, 0, 0, 0, 0), "solved", 0.5, 7))
    result = memstow("pack", example, "--capacity", 12)
    assert result.code == 1
    assert "gave a packing that is wrong, not written" in result.err
    assert "overlap" in result.err
    assert names_in(example.parent) == {"example.csv"}


def test_ctrl_c_leaves_the_old_file(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> PackingResult:
        raise KeyboardInterrupt

    monkeypatch.setattr(packing, "pack", interrupted)
    old = write(example.parent / "out.csv", "old")
    result = memstow("pack", example, "--capacity", 12, "--out", old)
    assert result.code == 130
    assert f"{old} is as before" in result.err
    assert old.read_text() == "old"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ": expected a header with id, lower, upper, size, found an empty file"),
        ("id,lower,upper\na,0,1\n", ":1: missing column 'size'"),
        ("id,lower,upper,size,size\n", ":1: column 'size': found 'size' twice"),
        ("id,lower,start,upper,size\n", ":1: column 'start': found 'lower' twice"),
        ("id,lower,upper,size,offset\n", ":1: column 'offset': is what packing adds"),
        ("id,lower,upper,size\na,0,1,2\nb,0,1,-2\n", ":3: column 'size': expected an integer of at least 0, found -2"),
        ("id,lower,upper,size\na,0,1,2.5\n", ":2: column 'size': expected an integer, found '2.5'"),
        ("id,lower,upper,size\na,0,x,2\n", ":2: column 'upper': expected an integer, found 'x'"),
        ("id,lower,upper,size\na,0,1,99999999999999999999\n", ":2: column 'size': expected an integer of 64 bits"),
        ("id,lower,upper,size\na,3,3,2\n", ":2: column 'upper': expected the interval to end after 3, found 3"),
        ("id,lower,upper,size\na,0,1\n", ":2: expected 4 fields, found 3"),
        ("id,lower,upper,size,alignment\na,0,1,2,0\n", ":2: column 'alignment': expected an integer of at least 1"),
        ("id,lower,upper,size,gaps\na,0,9,2,3-4\n", ":2: column 'gaps': gaps within a lifetime are not supported"),
        ('id,lower,upper,size\n"a,0,1,2\n', ": expected CSV, found "),
        ("id,lower,upper,size\na,0,1,2305843009213693952\nb,0,1,1\n", ": sizes and alignments: expected a sum"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "bad.csv", text)
    error = refused("pack", path, "--capacity", 9)
    assert str(path) in error
    assert message in error
    assert names_in(tmp_path) == {"bad.csv"}


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    assert "no.csv: cannot be read (No such file or directory)" in refused("pack", "no.csv", "--capacity", 9)
    assert "cannot be read (Is a directory)" in refused("pack", tmp_path, "--capacity", 9)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    assert "expected CSV text in UTF-8" in refused("pack", "bytes.csv", "--capacity", 9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--capacity", 0), "--capacity: expected a number above 0, found 0"),
        (("--capacity", -3), "--capacity: expected a number above 0, found -3"),
        (("--capacity", 1 << 62), "capacity: expected 0 to 2^61"),
        (("--capacity", "much"), "--capacity"),
        ((), "--capacity"),
        (("--capacity", 9, "--time-limit", -1), "--time-limit: expected a number of seconds"),
        (("--capacity", 9, "--time-limit", "nan"), "--time-limit: expected a number of seconds"),
        (("--capacity", 9, "--method", "fit"), "unknown packing method 'fit'"),
        (("--capacity", 9, "--out", "example.csv"), "--out example.csv: is the input itself"),
        (("--capacity", 9, "--out", "."), "expected a file to write, found a folder"),
    ],
)
def test_bad_options_are_refused(example: Path, options: tuple[object, ...], message: str) -> None:
    assert message in refused("pack", example, *options)
    assert example.read_text() == EXAMPLE
