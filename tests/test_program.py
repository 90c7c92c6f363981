"""Programs, plans and their JSON documents: what is accepted, what is refused and in which words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from memstow.errors import InvalidInputError
from memstow.plan import Access, Allocation, MemoryPlan
from memstow.program import Buffer, Instruction, Operand, Program

PROGRAM = Program(
    name="small",
    source="by hand",
    accelerator="unit",
    instructions=(
        Instruction(
            name="matmul",
            opcode="dot",
            compute_seconds=2.0,
            flops=4.0,
            operands=(Operand(buffer=1, bytes_accessed=8), Operand(buffer=2, bytes_accessed=6)),
            results=(Operand(buffer=3, bytes_accessed=4),),
            trip_count=2,
            cost_features={"dtype": "f32", "rows": 2.0},
        ),
        Instruction(
            name="relu",
            compute_seconds=1.0,
            operands=(Operand(buffer=3, bytes_accessed=4),),
            results=(Operand(buffer=4, bytes_accessed=4),),
        ),
    ),
    buffers=(
        Buffer(id=1, name="weight", size_bytes=8, kind="parameter", definition_time=-1, use_times=(0,)),
        Buffer(id=2, name="image", size_bytes=6, kind="input", definition_time=-1, use_times=(0,)),
        Buffer(
            id=3, name="hidden", size_bytes=4, kind="intermediate", definition_time=0, use_times=(1,), alias_group=9
        ),
        Buffer(id=4, name="logits", size_bytes=5, kind="output", definition_time=1, alias_group=9),
    ),
)


def data() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(PROGRAM.model_dump_json())
    return document


def edited(path: str, value: object) -> dict[str, Any]:
    """The program's document with one value set; ``None`` takes the key out."""
    document: Any = data()
    *folders, last = path.split(".")
    target = document
    for key in folders:
        target = target[int(key)] if isinstance(target, list) else target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return document


# ---- references inside a program ----


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("buffers.1.id", 1, "expected unique ids, found 1 more than once"),
        ("buffers.1.id", 7, "buffer 2 is used but not listed in 'buffers'"),
        ("buffers.0.use_times", [0, 1], r"'weight' \(id 1\): use_times \[0, 1\] differ from the operands' \[0\]"),
        ("buffers.0.definition_time", 0, r"'weight' \(id 1\): a parameter has definition_time -1, found 0"),
        ("buffers.2.definition_time", -1, r"'hidden' \(id 3\): an intermediate is defined by an instruction"),
        ("buffers.2.definition_time", 1, r"'hidden' \(id 3\): instruction 0 defines it, found definition_time 1"),
        ("instructions.0.results", [], r"'logits'|'hidden'"),
        ("instructions.0.compute_seconds", -1.0, r"instructions\.0\.compute_seconds: .*greater than or equal to 0"),
        ("instructions.0.compute_seconds", "fast", r"instructions\.0\.compute_seconds: .*found 'fast'"),
        ("instructions.0.compute_seconds", None, r"missing key 'instructions\.0\.compute_seconds'"),
        ("instructions.0.trip_count", 0, r"instructions\.0\.trip_count: .*greater than or equal to 1"),
        ("instructions.0.operands.1.bytes", 3, r"unknown key 'instructions\.0\.operands\.1\.bytes'; remove it"),
        ("buffers.3.size_bytes", -5, r"buffers\.3\.size_bytes: .*greater than or equal to 0, found -5"),
        ("buffers.3.kind", "weight", r"buffers\.3\.kind: .*found 'weight'"),
        ("surprise", 1, "unknown key 'surprise'"),
    ],
)
def test_a_bad_program_is_refused_with_the_place(path: str, value: object, message: str) -> None:
    if path == "instructions.0.results":
        document = edited(path, value)
        document["buffers"][2]["alias_group"] = None
        message = r"'hidden' \(id 3\): no instruction has it as a result"
    else:
        document = edited(path, value)
    with pytest.raises(InvalidInputError, match=message) as caught:
        Program.parse(document, where="net.program.json")
    assert str(caught.value).startswith("net.program.json: ")


def test_a_use_before_the_definition_is_refused() -> None:
    document = data()
    document["instructions"].reverse()
    for entry in document["buffers"]:
        entry["use_times"] = [1 - t for t in entry["use_times"]]
        if entry["definition_time"] >= 0:
            entry["definition_time"] = 1 - entry["definition_time"]
    with pytest.raises(InvalidInputError, match="used at 0 before its definition at 1"):
        Program.parse(document, where="net")


def test_infinite_and_undefined_numbers_are_refused() -> None:
    for value in (float("inf"), float("nan")):
        with pytest.raises(InvalidInputError, match=r"instructions\.1\.compute_seconds"):
            Program.parse(edited("instructions.1.compute_seconds", value), where="net")


def test_many_problems_are_counted_not_listed() -> None:
    document = data()
    for entry in document["buffers"]:
        entry["shape"], entry["dtype"] = [1], "f32"
    with pytest.raises(InvalidInputError, match=r"and 3 more$"):
        Program.parse(document, where="net")


# ---- storages ----


def test_an_alias_group_is_one_storage() -> None:
    assert [[m.id for m in storage.members] for storage in PROGRAM.storages] == [[1], [2], [3, 4]]
    shared = PROGRAM.storages[PROGRAM.storage_of[4]]
    assert shared is PROGRAM.storages[PROGRAM.storage_of[3]]
    assert shared.size_bytes == 5
    assert shared.representative.id == 3
    assert shared.reads == ((1, 0, 4),)
    assert shared.writes == ((0, 0, 4), (1, 0, 4))
    assert (shared.is_output, shared.born_slow, shared.pinned_slow) == (True, False, False)
    assert (shared.definition_time, shared.last_time) == (0, 1)


def test_a_group_number_is_no_buffer_id() -> None:
    document = data()
    for position in (2, 3):
        document["buffers"][position]["alias_group"] = 1
    program = Program.parse(document, where="net")
    assert program.storage_of[1] != program.storage_of[3] == program.storage_of[4]


# ---- fingerprints ----


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "other"),
        ("source", "elsewhere"),
        ("accelerator", "tpu_v5e"),
        ("accelerator", None),
        ("buffers.0.name", "kernel"),
        ("buffers.3.name", "scores"),
        ("instructions.0.name", "gemm"),
    ],
)
def test_renaming_keeps_the_fingerprint(path: str, value: object) -> None:
    assert Program.parse(edited(path, value), where="net").fingerprint == PROGRAM.fingerprint


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("instructions.0.compute_seconds", 3.0),
        ("instructions.0.trip_count", 3),
        ("instructions.0.cost_features", {"dtype": "f16", "rows": 2.0}),
        ("instructions.0.operands.0.bytes_accessed", 7),
        ("instructions.0.results.0.bytes_accessed", 3),
        ("instructions.0.operands", [{"buffer": 2, "bytes_accessed": 6}, {"buffer": 1, "bytes_accessed": 8}]),
        ("buffers.0.size_bytes", 9),
        ("buffers.0.kind", "constant"),
        ("buffers.0.pinned_slow", True),
        ("buffers.2.kind", "output"),
        ("buffers.2.alias_group", 8),
    ],
)
def test_what_a_plan_depends_on_changes_the_fingerprint(path: str, value: object) -> None:
    assert Program.parse(edited(path, value), where="net").fingerprint != PROGRAM.fingerprint


def test_the_order_of_instructions_changes_the_fingerprint() -> None:
    steps = tuple(Instruction(name="i", compute_seconds=seconds) for seconds in (1.0, 2.0))
    programs = [Program(name="p", instructions=order, buffers=()) for order in (steps, steps[::-1])]
    assert programs[0].fingerprint != programs[1].fingerprint


def test_a_fingerprint_survives_the_file(tmp_path: Path) -> None:
    PROGRAM.save(tmp_path / "net.program.json")
    again = Program.load(tmp_path / "net.program.json")
    assert again == PROGRAM
    assert again.fingerprint == PROGRAM.fingerprint
    assert len(again.fingerprint) == 64


# ---- files ----


def test_a_saved_file_leaves_nothing_else_behind(tmp_path: Path) -> None:
    PROGRAM.save(tmp_path / "net.program.json")
    PROGRAM.save(tmp_path / "net.program.json")
    assert [path.name for path in tmp_path.iterdir()] == ["net.program.json"]


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.program.json"
    PROGRAM.save(path)
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"net\.program\.json: expected JSON, .* is the file truncated\?"):
        Program.load(path)


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"net\.json: cannot be written .*choose another folder"):
        PROGRAM.save(tmp_path / "absent" / "net.json")


# ---- plans ----


@pytest.mark.parametrize("entry", [{}, {"operand": 0, "result": 0}, {"operand": None}])
def test_an_access_is_of_one_operand_or_one_result(entry: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError, match="expected exactly one of 'operand' and 'result'"):
        Access.parse({"instruction": 0, "memory": "fast", **entry}, where="plan")


def test_a_plan_survives_its_file_without_empty_keys(tmp_path: Path) -> None:
    plan = MemoryPlan(
        program_fingerprint=PROGRAM.fingerprint,
        accelerator="unit",
        simulated_seconds=3.0,
        bound_seconds=2.0,
        allocations=(Allocation(buffer=1, offset=0, size=8, start=0, end=1),),
        accesses=(Access(instruction=0, operand=1, memory="fast"), Access(instruction=0, result=0, memory="slow")),
    )
    plan.save(tmp_path / "net.plan.json")
    assert MemoryPlan.load(tmp_path / "net.plan.json") == plan
    assert "null" not in (tmp_path / "net.plan.json").read_text(encoding="utf-8")
    assert plan.operand_memory() == {(0, 1): "fast"}
    assert plan.result_memory() == {(0, 0): "slow"}
    assert plan.peak_bytes == 8
    assert plan.gap == 0.5


def test_a_plan_without_times_has_no_gap() -> None:
    assert MemoryPlan(program_fingerprint="", accelerator="unit").gap is None
    assert MemoryPlan(program_fingerprint="", accelerator="unit", simulated_seconds=1.0, bound_seconds=0.0).gap is None
