"""Problem files of both formats, JSON schemas, and the real problems of the suite beside the repository."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from memstow.accelerator import builtin_names, load_accelerator
from memstow.errors import InvalidInputError, UnknownNameError
from memstow.formats import load_problem
from memstow.plan import Copy, MemoryPlan
from memstow.program import Program
from memstow.schemas import DOCUMENTS, file_name, load_schema, schema_text
from memstow.simulator import simulate
from memstow.validator import validate

SUITE = Path(__file__).resolve().parents[2] / "shared" / "xla_suite"
SUITE_FILES = sorted(path for path in SUITE.glob("*.json") if path.name != "prices.json")
needs_suite = pytest.mark.skipif(not SUITE_FILES, reason=f"no xla_suite files in {SUITE}")

#: Three instructions in the suite's format: a parameter, a fusion that reads it, a view of the result.
XLA: dict[str, Any] = {
    "name": "tiny_v4c8",
    "source": "by hand",
    "fast_capacity_bytes": 4096,
    "alignment_bytes": 512,
    "slow_bandwidth_bytes_per_s": 10.0,
    "fast_bandwidth_bytes_per_s": 60.0,
    "copy_bandwidth_bytes_per_s": 5.0,
    "max_outstanding_prefetches": 3,
    "max_outstanding_evictions": 2,
    "instructions": [
        {
            "name": "w",
            "opcode": "parameter",
            "compute_seconds": 0.0,
            "operands": [],
            "outputs": [{"buffer": 0, "bytes_accessed": 1000}],
            "elapsed_all_slow_seconds": 0.0,
        },
        {
            "name": "fusion",
            "opcode": "fusion",
            "compute_seconds": 7.0,
            "operands": [{"buffer": 0, "bytes_accessed": 1000}],
            "outputs": [{"buffer": 1, "bytes_accessed": 600}],
            "elapsed_all_slow_seconds": 160.0,
        },
        {
            "name": "bitcast",
            "opcode": "bitcast",
            "compute_seconds": 0.0,
            "operands": [{"buffer": 1, "bytes_accessed": 600}],
            "outputs": [{"buffer": 2, "bytes_accessed": 600}],
            "elapsed_all_slow_seconds": 0.0,
            "alias": True,
        },
        {
            "name": "negate",
            "opcode": "negate",
            "compute_seconds": 1.0,
            "operands": [{"buffer": 2, "bytes_accessed": 600}],
            "outputs": [{"buffer": 3, "bytes_accessed": 600}],
            "elapsed_all_slow_seconds": 120.0,
        },
    ],
    "buffers": [
        {"id": 0, "name": "w", "size_bytes": 1024, "kind": "parameter", "definition_time": 0, "use_times": [1]},
        {
            "id": 1,
            "name": "fusion",
            "size_bytes": 1024,
            "kind": "intermediate",
            "definition_time": 1,
            "use_times": [2],
            "alias_group": 5,
        },
        {
            "id": 2,
            "name": "bitcast",
            "size_bytes": 1024,
            "kind": "intermediate",
            "definition_time": 2,
            "use_times": [3],
            "alias_group": 5,
        },
        {
            "id": 3,
            "name": "negate",
            "size_bytes": 1024,
            "kind": "output",
            "definition_time": 3,
            "use_times": [],
            "live_out": True,
        },
    ],
    "xla_solution": {
        "allocations": [
            {"buffer": 0, "offset": 512, "size": 1024, "start": 0, "end": 1},
            {"buffer": 1, "offset": 2048, "size": 1024, "start": 1, "end": 3},
        ],
        "prefetches": [
            {"buffer": 0, "kind": "prefetch", "start_time": -1, "done_time": 1, "bytes": 1024, "cross_program": False}
        ],
        "operand_placement": [[], [1], [1], [1]],
        "output_placement": [[0], [1], [1], [0]],
    },
}


def write(folder: Path, data: object) -> Path:
    path = folder / "problem.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return path


def own_program() -> Program:
    return Program.model_validate(
        {
            "name": "own",
            "instructions": [
                {"name": "i", "compute_seconds": 1.0, "results": [{"buffer": 4, "bytes_accessed": 3}]},
            ],
            "buffers": [{"id": 4, "name": "out", "size_bytes": 3, "kind": "output", "definition_time": 0}],
        }
    )


# ---- memstow's own format ----


def test_the_own_format(tmp_path: Path) -> None:
    own_program().save(tmp_path / "own.program.json")
    loaded = load_problem(tmp_path / "own.program.json")
    assert loaded.program == own_program()
    assert loaded.accelerator is None
    assert loaded.recorded_plan is None


# ---- the xla_suite format ----


def test_the_formats_are_told_apart_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "tiny.program.json"
    path.write_text(json.dumps(XLA), encoding="utf-8")
    assert load_problem(path).program.accelerator == "v4c8"


def test_the_target_of_a_suite_file(tmp_path: Path) -> None:
    part = load_problem(write(tmp_path, XLA)).accelerator
    assert part is not None
    assert (part.name, part.capacity, part.alignment) == ("v4c8", 4096, 512)
    assert (part.slow_memory.bandwidth, part.fast_memory.bandwidth, part.copy_bandwidth) == (10.0, 60.0, 5.0)
    assert (part.dma.max_outstanding_prefetches, part.dma.max_outstanding_evictions) == (3, 2)
    assert part.max_cross_program_prefetches == 0


def test_the_program_of_a_suite_file(tmp_path: Path) -> None:
    program = load_problem(write(tmp_path, XLA)).program
    assert [step.name for step in program.instructions] == ["w", "fusion", "bitcast", "negate"]
    # A parameter is there before the program, whatever its definition_time.
    assert program.buffer_by_id[0].definition_time == -1
    # Parameters and aliases touch no memory.
    accessed = [[e.bytes_accessed for e in (*step.operands, *step.results)] for step in program.instructions]
    assert accessed == [[0], [1000, 600], [0, 0], [600, 600]]
    assert program.storage_of[1] == program.storage_of[2]
    assert [b.kind for b in program.buffers] == ["parameter", "intermediate", "intermediate", "output"]


def test_the_recorded_plan_of_a_suite_file(tmp_path: Path) -> None:
    loaded = load_problem(write(tmp_path, XLA))
    plan, part = loaded.recorded_plan, loaded.accelerator
    assert plan is not None
    assert part is not None
    # Issued after instruction -1 is issued before instruction 0.
    assert plan.copies == (Copy(buffer=0, direction="prefetch", start_time=0, done_time=1, offset=512, bytes=1024),)
    assert plan.operand_memory() == {(1, 0): "fast", (3, 0): "fast"}
    assert plan.result_memory() == {(1, 0): "fast", (3, 0): "slow"}
    assert validate(loaded.program, part, plan) == ()
    # The copy: 1024 bytes at 5 bytes/s, nothing to hide behind. fusion: max(7, 1600/60). negate: 600/60 + 600/10.
    expected = 1024 / 5 + 1600 / 60 + 70
    assert simulate(loaded.program, part, plan).total_seconds == pytest.approx(expected, rel=1e-12)


def test_a_cross_program_prefetch_starts_before_the_program(tmp_path: Path) -> None:
    data = copy.deepcopy(XLA)
    data["xla_solution"]["prefetches"][0] |= {"cross_program": True, "start_time": 0}
    plan = load_problem(write(tmp_path, data)).recorded_plan
    assert plan is not None
    assert plan.copies[0].start_time == -1
    assert plan.allocations[0].start == -1


def test_the_end_in_slow_memory_follows_must_end_slow_before_live_out(tmp_path: Path) -> None:
    data = copy.deepcopy(XLA)
    data["buffers"][3]["must_end_slow"] = False
    data["buffers"][1]["must_end_slow"] = True
    program = load_problem(write(tmp_path, data)).program
    assert [b.kind for b in program.buffers] == ["parameter", "output", "intermediate", "intermediate"]


def test_a_parameter_updated_in_place_must_end_in_slow_memory(tmp_path: Path) -> None:
    data = copy.deepcopy(XLA)
    data["buffers"][0] |= {"live_out": True, "alias_group": 8}
    data["buffers"][3] |= {"live_out": False, "kind": "intermediate", "alias_group": 8}
    program = load_problem(write(tmp_path, data)).program
    storage = program.storages[program.storage_of[0]]
    assert storage.born_slow
    assert storage.is_output


def test_a_suite_file_without_a_solution(tmp_path: Path) -> None:
    data = {key: value for key, value in XLA.items() if key != "xla_solution"}
    loaded = load_problem(write(tmp_path, data))
    assert loaded.accelerator is not None
    assert loaded.recorded_plan is None


# ---- bad files ----


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected JSON, found an error at line 1 column 1 .* is the file truncated"),
        (json.dumps(XLA)[:-10], "expected JSON, found an error"),
        ("null", r"expected a program .*or an xla_suite file.*found NoneType"),
        ("[1, 2]", "found list"),
        ('"program"', "found str"),
        ("{}", r"found the keys \(none\)"),
        ('{"nodes": [], "arg_nodes": []}', "found the keys arg_nodes, nodes"),
        ('{"instructions": [], "name": "x", "buffers": []}', "the program has no instructions"),
        ('{"instructions": [{}], "name": "x", "buffers": []}', r"missing key 'instructions\.0\.name'"),
        ('{"instructions": 3, "name": "x", "buffers": []}', "instructions: .*found 3"),
    ],
)
def test_truncated_and_foreign_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        load_problem(write(tmp_path, text))
    assert str(caught.value).startswith(str(tmp_path / "problem.json"))


def test_a_memory_plan_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "net.plan.json"
    MemoryPlan(program_fingerprint="0", accelerator="unit").save(path)
    with pytest.raises(InvalidInputError, match="check that this is the right file"):
        load_problem(path)


def test_absent_and_binary_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"absent\.json: cannot be read .*check the path"):
        load_problem(tmp_path / "absent.json")
    (tmp_path / "binary.json").write_bytes(b"\x93NUMPY\xff")
    with pytest.raises(InvalidInputError, match=r"binary\.json: expected JSON text in UTF-8, found binary data"):
        load_problem(tmp_path / "binary.json")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (lambda d: d, "unknown key 'surprise'"),
        (lambda d: d["instructions"][1], r"unknown key 'instructions\.1\.surprise'"),
        (lambda d: d["buffers"][2], r"unknown key 'buffers\.2\.surprise'"),
        (lambda d: d["xla_solution"]["allocations"][0], r"unknown key 'xla_solution\.allocations\.0\.surprise'"),
    ],
)
def test_unknown_keys_of_a_suite_file_are_refused(tmp_path: Path, section: Any, message: str) -> None:
    data = copy.deepcopy(XLA)
    section(data)["surprise"] = 1
    with pytest.raises(InvalidInputError, match=message):
        load_problem(write(tmp_path, data))


def test_a_suite_file_that_names_an_unlisted_buffer_is_refused(tmp_path: Path) -> None:
    data = copy.deepcopy(XLA)
    data["instructions"][1]["operands"][0]["buffer"] = 77
    with pytest.raises(InvalidInputError, match="buffer 77 is used but not listed"):
        load_problem(write(tmp_path, data))


@pytest.mark.parametrize("where", ["allocations", "prefetches"])
def test_a_solution_that_names_an_unlisted_buffer_is_refused(tmp_path: Path, where: str) -> None:
    data = copy.deepcopy(XLA)
    data["xla_solution"][where][0]["buffer"] = 77
    with pytest.raises(InvalidInputError, match=f"xla_solution.{where}: .*buffer 77"):
        load_problem(write(tmp_path, data))


# ---- schemas ----


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schema_files_are_up_to_date(name: str) -> None:
    path = Path(__file__).resolve().parents[1] / "memstow" / "schemas" / file_name(name)
    assert path.read_text(encoding="utf-8") == schema_text(name), "run: python -m memstow.schemas"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load_schema(name))


def test_an_unknown_schema_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown schema 'plans': did you mean 'plan'"):
        load_schema("plans")


@pytest.mark.parametrize("name", builtin_names())
def test_built_in_accelerators_fit_their_schema(name: str) -> None:
    data = json.loads(load_accelerator(name).model_dump_json(exclude_none=True))
    jsonschema.validate(data, load_schema("accelerator"))


VALID: dict[str, dict[str, Any]] = {
    "program": json.loads(own_program().model_dump_json(exclude_none=True)),
    "accelerator": json.loads(load_accelerator("unit").model_dump_json(exclude_none=True)),
    "plan": {
        "program_fingerprint": "0",
        "accelerator": "unit",
        "allocations": [{"buffer": 4, "offset": 0, "size": 3, "start": 0, "end": 0}],
        "copies": [
            {"buffer": 4, "direction": "evict", "start_time": 0, "done_time": 1, "offset": 0, "bytes": 3},
        ],
        "accesses": [{"instruction": 0, "result": 0, "memory": "fast"}],
    },
}


@pytest.mark.parametrize("name", VALID)
def test_a_schema_accepts_what_the_loader_accepts(name: str) -> None:
    jsonschema.validate(VALID[name], load_schema(name))
    DOCUMENTS[name].parse(VALID[name], where=name)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("program", "name", None),
        ("program", "name", 3),
        ("program", "surprise", 1),
        ("program", "instructions.0.surprise", 1),
        ("program", "instructions.0.compute_seconds", -1.0),
        ("program", "instructions.0.trip_count", 0),
        ("program", "instructions.0.results.0.buffer", None),
        ("program", "instructions.0.results.0.bytes_accessed", 1.5),
        ("program", "buffers.0.kind", "weight"),
        ("program", "buffers.0.definition_time", -2),
        ("accelerator", "dma", None),
        ("accelerator", "fast_memory.capacity_bytes", -1),
        ("accelerator", "slow_memory.read_bytes_per_second", 0.0),
        ("accelerator", "flops_per_second", {}),
        ("accelerator", "dma.max_outstanding_prefetches", -1),
        ("plan", "program_fingerprint", None),
        ("plan", "allocations.0.offset", "0x10"),
        ("plan", "copies.0.direction", "eviction"),
        ("plan", "accesses.0.memory", "cache"),
        ("plan", "accesses.0.result", None),
        ("plan", "accesses.0.operand", 0),
        ("plan", "simulated_seconds", -1.0),
    ],
)
def test_a_schema_and_the_loader_refuse_the_same(name: str, path: str, value: object) -> None:
    """``None`` takes the key out."""
    data = copy.deepcopy(VALID[name])
    *folders, last = path.split(".")
    target: Any = data
    for key in folders:
        target = target[int(key)] if isinstance(target, list) else target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, load_schema(name))
    with pytest.raises(InvalidInputError):
        DOCUMENTS[name].parse(data, where=name)


# ---- the suite ----


def prices() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = json.loads((SUITE / "prices.json").read_text(encoding="utf-8"))
    return table


def microseconds(program: Program, part: Any, plan: MemoryPlan) -> float:
    return simulate(program, part, plan).total_seconds * 1e6


@needs_suite
def test_the_suite_is_complete() -> None:
    assert len(SUITE_FILES) == 54
    assert {path.stem for path in SUITE_FILES} == prices().keys()


@needs_suite
@pytest.mark.parametrize("path", SUITE_FILES, ids=lambda path: path.stem)
def test_a_suite_file_loads_and_costs_what_its_price_says(path: Path) -> None:
    """Prices are rounded to 0.1 us. XLA slices its copies, which a memory plan cannot; for the price each slice joins
    the queue as a copy of its own, in XLA's order of issue, and an instruction that XLA replaced by a copy is free."""
    loaded, raw = load_problem(path), json.loads(path.read_text(encoding="utf-8"))
    price = prices()[path.stem]
    part, plan = loaded.accelerator, loaded.recorded_plan
    assert part is not None
    assert plan is not None
    for t, source in enumerate(raw["instructions"]):
        assert loaded.program.instructions[t].name == source["name"]
    nothing = MemoryPlan(program_fingerprint=loaded.program.fingerprint, accelerator=part.name)
    assert microseconds(loaded.program, part, nothing) == pytest.approx(price["all_slow_us"], abs=0.1)
    sliced = plan.model_copy(update={"copies": slices(raw)})
    program = without_replaced_instructions(loaded.program, raw)
    expected = price["xla_cross_program_prefetch_free_us"]
    assert microseconds(program, part, sliced) == pytest.approx(expected, rel=1e-3, abs=0.1)


@needs_suite
@pytest.mark.parametrize("path", SUITE_FILES, ids=lambda path: path.stem)
def test_what_a_recorded_plan_breaks_is_what_a_memory_plan_cannot_say(path: Path) -> None:
    """Rule 1 where slices let an allocation begin in parts, rule 6 for XLA's one cross-program prefetch, rule 5 where
    XLA keeps a member of an alias group in fast memory whose later members are pinned. Nothing else."""
    loaded, raw = load_problem(path), json.loads(path.read_text(encoding="utf-8"))
    assert loaded.accelerator is not None
    assert loaded.recorded_plan is not None
    program = loaded.program
    sliced = {program.storage_of[a["buffer"]] for a in raw["xla_solution"]["allocations"] if a.get("slice_chunks")}
    placed = {program.storage_of[a["buffer"]] for a in raw["xla_solution"]["allocations"]}
    for violation in validate(program, loaded.accelerator, loaded.recorded_plan):
        assert violation.buffer is not None
        storage = program.storages[program.storage_of[violation.buffer]]
        if violation.rule == 1:
            assert " overlaps " in violation.message
            assert any(f"(id {m.id})" in violation.message for s in sliced for m in program.storages[s].members)
        elif violation.rule == 5:
            assert storage.pinned_slow
            assert storage.index in placed
            assert not all(member.pinned_slow for member in storage.members)
        else:
            assert violation.rule == 6
            assert sum(c.get("cross_program", False) for c in raw["xla_solution"]["prefetches"]) == 1


def slices(raw: dict[str, Any]) -> tuple[Copy, ...]:
    """Every slice as a copy, in order of issue; parts are (start, done, bytes, order)."""
    count = len(raw["instructions"])
    found = []
    for source in raw["xla_solution"]["prefetches"]:
        whole = [[source["start_time"], source["done_time"], source["bytes"], -1]]
        for start, done, size, order in source.get("parts") or whole:
            start = -1 if source.get("cross_program") else start + 1
            entry = {
                "buffer": source["buffer"],
                "direction": "prefetch" if source["kind"] == "prefetch" else "evict",
                "start_time": start,
                "done_time": min(max(start, done), count),
                "offset": 0,
                "bytes": size,
            }
            found.append((order, start, Copy.model_validate(entry)))
    return tuple(entry for _, _, entry in sorted(found, key=lambda item: item[:2]))


def without_replaced_instructions(program: Program, raw: dict[str, Any]) -> Program:
    """The same schedule where instructions that XLA replaced by a copy take no time and touch no memory."""
    replaced = {c["replaces_instruction"] for c in raw["xla_solution"]["prefetches"] if "replaces_instruction" in c}
    document = json.loads(program.model_dump_json())
    for t in replaced - {None}:
        step = document["instructions"][t]
        step["compute_seconds"] = 0.0
        for entry in (*step["operands"], *step["results"]):
            entry["bytes_accessed"] = 0
    return Program.parse(document, where=program.name)
