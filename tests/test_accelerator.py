from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memstow.accelerator import Accelerator, builtin_names, load_accelerator
from memstow.errors import InvalidInputError, UnknownNameError

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["ethos_u55", "ethos_u65", "ethos_u85", "gemmini", "hexagon_v73", "tpu_v4", "tpu_v5e", "unit"]

MINIMAL = """\
name = "part"
[flops_per_second]
f16 = 8.0
f32 = 4.0
[fast_memory]
name = "fast"
capacity_bytes = 64
read_bytes_per_second = 30.0
write_bytes_per_second = 20.0
[slow_memory]
name = "slow"
capacity_bytes = 4096
read_bytes_per_second = 5.0
write_bytes_per_second = 3.0
[dma]
bytes_per_second = 4.0
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "part.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load_edited(folder: Path, old: str, new: str) -> Accelerator:
    assert MINIMAL.count(old) == 1
    return load_accelerator(write(folder, MINIMAL.replace(old, new)))


def numbers(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{key}.")
        elif not isinstance(value, str) and value is not None:
            yield f"{prefix}{key}", value


def test_the_built_ins_are_listed() -> None:
    assert builtin_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_loads_under_its_own_name(name: str) -> None:
    part = load_accelerator(name)
    assert part.name == name
    assert part.description
    assert part.copy_bandwidth <= part.slow_memory.bandwidth <= part.fast_memory.bandwidth
    assert part.capacity < part.slow_memory.capacity_bytes
    assert part.capacity % part.alignment == 0


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source_and_every_source_a_number(name: str) -> None:
    part = load_accelerator(name)
    # The dump has the defaults too: a number that the file leaves to its default needs a source as well.
    assert sorted(part.sources) == sorted(path for path, _ in numbers(part.model_dump(exclude={"sources"})))


@pytest.mark.parametrize("name", NAMES)
def test_a_source_names_a_document_or_says_that_there_is_none(name: str) -> None:
    shorthands = ("Vela ", "regor ", "Configs.scala", "README", "estimate: ", "compiler: ", "choice: ", "definition: ")
    for path, source in load_accelerator(name).sources.items():
        assert source.startswith(("https://", *shorthands)), path


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("tpu_v5e", "flops_per_second.bf16", 197e12),
        ("tpu_v5e", "fast_memory.capacity_bytes", 112 * 2**20),
        ("tpu_v4", "fast_memory.capacity_bytes", 64 * 2**20),
        ("ethos_u55", "flops_per_second.int8", 2 * 256 * 0.5e9),
        ("ethos_u65", "flops_per_second.int8", 2 * 512 * 1e9),
        ("ethos_u85", "flops_per_second.int8", 2 * 2048 * 1e9),
        ("gemmini", "flops_per_second.int8", 2 * 16 * 16 * 1e9),
        ("gemmini", "fast_memory.capacity_bytes", 256 * 2**10),
        ("hexagon_v73", "fast_memory.capacity_bytes", 8 * 2**20),
    ],
)
def test_headline_numbers(name: str, path: str, value: float) -> None:
    assert dict(numbers(load_accelerator(name).model_dump()))[path] == value


def test_unit_is_one_everywhere() -> None:
    part = load_accelerator("unit")
    rates = {path: value for path, value in numbers(part.model_dump()) if "per_second" in path}
    assert len(rates) == 7
    assert set(rates.values()) == {1.0}
    assert part.alignment == part.slow_memory.alignment_bytes == 1
    assert part.capacity == 1024
    assert part.launch_overhead_seconds == 0.0
    assert part.fast_memory.latency_seconds == part.slow_memory.latency_seconds == part.dma.latency_seconds == 0.0
    assert part.dma.max_outstanding_prefetches is None
    assert part.dma.max_outstanding_evictions is None
    assert part.peak_flops("bf16", matrix=True) == part.peak_flops("int8", matrix=False) == 1.0


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown accelerator 'tpu_v5': did you mean 'tpu_v5e'\?.*\.toml file"):
        load_accelerator("tpu_v5")


def test_a_name_like_no_other_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known: ethos_u55, ethos_u65, ethos_u85, gemmini") as caught:
        load_accelerator("zzz")
    assert "did you mean" not in str(caught.value)


@pytest.mark.parametrize("as_text", [True, False])
def test_a_path_of_the_users_works(tmp_path: Path, as_text: bool) -> None:
    path = write(tmp_path, MINIMAL)
    part = load_accelerator(str(path) if as_text else path)
    assert part.name == "part"
    assert part.alignment == 1
    assert part.max_cross_program_prefetches == 0
    assert part.sources == {}


def test_a_path_object_is_a_path_whatever_its_ending(tmp_path: Path) -> None:
    path = tmp_path / "unit"
    path.write_text(MINIMAL, encoding="utf-8")
    assert load_accelerator(path).name == "part"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("capacity_bytes = 64\n", "", r"missing key 'fast_memory\.capacity_bytes'"),
        ("bytes_per_second = 4.0\n", "", r"missing key 'dma\.bytes_per_second'"),
        ('name = "part"\n', "", "missing key 'name'"),
        ("capacity_bytes = 64", "capacity_bytes = -64", r"fast_memory\.capacity_bytes: .*greater than or equal to 0"),
        ("= 5.0", "= -5.0", r"slow_memory\.read_bytes_per_second: .*greater than 0, found -5\.0"),
        ("= 5.0", "= 0.0", r"slow_memory\.read_bytes_per_second: .*greater than 0, found 0\.0"),
        ("= 5.0", "= inf", r"slow_memory\.read_bytes_per_second: .*finite"),
        ("= 5.0", "= nan", r"slow_memory\.read_bytes_per_second: "),
        ("= 5.0", '= "fast"', r"slow_memory\.read_bytes_per_second: .*found 'fast'"),
        ("f16 = 8.0", "f16 = -8.0", r"flops_per_second\.f16: .*greater than 0"),
        ("f16 = 8.0\nf32 = 4.0\n", "", "flops_per_second: .*at least 1 item"),
        ("[dma]\n", "[dma]\nlatency = 1.0\n", r"unknown key 'dma\.latency'"),
        ('name = "part"\n', 'name = "part"\ncapacity = 1\n', "unknown key 'capacity'"),
        ("[dma]\n", "[dma]\nmax_outstanding_prefetches = -1\n", r"dma\.max_outstanding_prefetches: .*greater than"),
        ("= 64\n", "= 64\nalignment_bytes = 48\n", r"fast_memory\.alignment_bytes: .*power of two, found 48"),
        ("= 4096\n", "= 4096\nalignment_bytes = 3\n", r"slow_memory\.alignment_bytes: .*power of two, found 3"),
        ("= 64\n", "= 64\nalignment_bytes = 0\n", r"fast_memory\.alignment_bytes: .*greater than 0"),
        ("= 64\n", "= 64.5\n", r"fast_memory\.capacity_bytes: .*integer"),
    ],
)
def test_bad_entries_are_refused_with_their_path(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        load_edited(tmp_path, old, new)
    assert str(caught.value).startswith(str(tmp_path / "part.toml"))


def test_malformed_toml_names_the_file_and_the_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"part\.toml: expected TOML, found: .*line 3"):
        load_edited(tmp_path, "f16 = 8.0", "f16 = = 8.0")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"absent\.toml: cannot be read .* check the path"):
        load_accelerator(tmp_path / "absent.toml")


def test_binary_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "part.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInputError, match="expected TOML text in UTF-8"):
        load_accelerator(path)


def test_zero_capacity_is_allowed(tmp_path: Path) -> None:
    assert load_edited(tmp_path, "capacity_bytes = 64", "capacity_bytes = 0").capacity == 0


def test_with_capacity_changes_nothing_else() -> None:
    part = load_accelerator("tpu_v5e")
    small = part.with_capacity(8 * 2**20)
    assert small.capacity == 8 * 2**20
    assert part.capacity == 112 * 2**20
    assert small.with_capacity(part.capacity) == part


def test_with_capacity_refuses_a_negative_one() -> None:
    with pytest.raises(InvalidInputError, match="tpu_v5e with another capacity: capacity_bytes"):
        load_accelerator("tpu_v5e").with_capacity(-1)


def test_a_memory_has_the_bandwidth_of_its_slower_direction(tmp_path: Path) -> None:
    part = load_accelerator(write(tmp_path, MINIMAL))
    assert part.fast_memory.bandwidth == 20.0
    assert part.slow_memory.bandwidth == 3.0


@pytest.mark.parametrize(("dma", "expected"), [("4.0", 3.0), ("3.0", 3.0), ("2.0", 2.0)])
def test_copies_run_at_the_slower_of_dma_and_slow_memory(tmp_path: Path, dma: str, expected: float) -> None:
    assert load_edited(tmp_path, "bytes_per_second = 4.0", f"bytes_per_second = {dma}").copy_bandwidth == expected


def test_an_absent_data_type_runs_at_the_slowest_listed_rate(tmp_path: Path) -> None:
    part = load_accelerator(write(tmp_path, MINIMAL))
    assert part.peak_flops("f16", matrix=True) == 8.0
    assert part.peak_flops("int8", matrix=True) == 4.0


def test_the_vector_peak_defaults_to_the_matrix_peak(tmp_path: Path) -> None:
    part = load_accelerator(write(tmp_path, MINIMAL))
    assert part.peak_flops("f16", matrix=False) == 8.0
    own = load_edited(tmp_path, "[fast_memory]\n", "[vector_flops_per_second]\nf32 = 0.5\n[fast_memory]\n")
    assert own.peak_flops("f16", matrix=False) == 0.5
    assert own.peak_flops("f16", matrix=True) == 8.0


@pytest.mark.parametrize(
    ("matrix_flops", "vector_flops", "expected"), [(80.0, 0.0, 10.0), (80.0, 6.0, 12.0), (8.0, 0.5, 1.0)]
)
def test_the_slower_unit_decides_the_compute_time(
    tmp_path: Path, matrix_flops: float, vector_flops: float, expected: float
) -> None:
    # f16: 8 FLOP/s in the matrix unit, 0.5 FLOP/s in the vector unit.
    part = load_edited(tmp_path, "[fast_memory]\n", "[vector_flops_per_second]\nf16 = 0.5\n[fast_memory]\n")
    assert part.compute_seconds("f16", matrix_flops, vector_flops) == expected


def test_the_ten_lines_of_the_docs_load(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "accelerators.md").read_text(encoding="utf-8")
    example = page.split('```toml title="my_part.toml"\n')[1].split("```")[0]
    assert len(example.splitlines()) == 10
    assert load_accelerator(write(tmp_path, example)).copy_bandwidth == 20e9


def test_the_tables_of_the_docs_are_up_to_date() -> None:
    script = ROOT / "benchmarks" / "accelerator_table.py"
    subprocess.run([sys.executable, script, ROOT / "docs" / "accelerators.md", "--check"], check=True, timeout=120)
