from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from memstow import models, planners
from memstow.accelerator import builtin_names, load_accelerator
from memstow.cli import app
from memstow.cli.accelerators import figures
from memstow.cli.console import format_bytes, format_count, format_seconds
from memstow.cli.models import load_figures
from memstow.cli.output import OutputFolder
from memstow.cli.plan import default_plan_path
from memstow.cli.tables import print_slow_tensors
from memstow.errors import InvalidInputError, UnsupportedModelError
from memstow.explain import SlowTensor
from memstow.plan import MemoryPlan
from memstow.program import Program
from memstow.schema import write_text
from memstow.summary import Summary
from memstow.validator import validate

from . import worked_example as example
from .fake_compiler import LIBRARY, FakeCompiler

DOCUMENTS = {"program.json", "plan.json", "summary.json", "trace.json", "report.html"}
MODEL = """\
import torch

class Double(torch.nn.Module):
    def forward(self, x):
        return 2 * x

def build():
    return Double().eval(), (torch.randn(4),)

def training():
    return Double(), [torch.randn(4)]

def inputs_alone():
    return torch.randn(4)

def no_module():
    return "model", (torch.randn(4),)

def bare_input():
    return Double(), torch.randn(4)

def number_input():
    return Double(), (4,)

def broken():
    raise RuntimeError("no weights here")

def leaves():
    raise SystemExit(3)

constant = 3
"""


class Result:
    def __init__(self, arguments: tuple[object, ...]) -> None:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code: int = result.exit_code
        self.out: str = result.stdout
        self.err: str = result.stderr

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document; anything before or after it would not parse."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def memstow(*arguments: object) -> Result:
    return Result(arguments)


def refused(*arguments: object) -> str:
    """The message of a command line that must be refused as bad input, with nothing on standard output."""
    result = memstow(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err
    return result.err


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "example.program.json"
    example.program().model_copy(update={"accelerator": "unit"}).save(path)
    return path


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path / "part.toml")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "my_module.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


Install = Callable[..., FakeCompiler]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    def put(**options: Any) -> FakeCompiler:
        compiler = FakeCompiler(**options)
        monkeypatch.setitem(sys.modules, "memstow.tvm_ext.compiler", compiler.as_module())
        return compiler

    return put


def write_part(path: Path, capacity: object = 16, slow_rate: object = 1.0) -> Path:
    path.write_text(
        f"""
name = "example"
flops_per_second = {{ f32 = 1.0 }}
dma = {{ bytes_per_second = 1.0 }}
[fast_memory]
name = "fast"
capacity_bytes = {capacity}
read_bytes_per_second = 4.0
write_bytes_per_second = 4.0
[slow_memory]
name = "slow"
capacity_bytes = 1024
read_bytes_per_second = {slow_rate}
write_bytes_per_second = 1.0
""",
        encoding="utf-8",
    )
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# The program itself


def test_help_imports_neither_torch_nor_tvm_nor_numpy() -> None:
    code = (
        "import sys; from memstow.cli import app; app(['--help'], standalone_mode=False);"
        "sys.exit(sorted({'torch', 'tvm', 'tvm_ffi', 'numpy', 'transformers'} & sys.modules.keys()) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    for command in ("compile", "plan", "check", "models", "accelerators"):
        assert command in run.stdout


@pytest.mark.parametrize("command", ["compile", "plan", "check", "models", "accelerators"])
def test_every_command_has_help_and_json(command: str) -> None:
    result = memstow(command, "--help")
    assert result.code == 0
    assert "--json" in result.out


def test_an_unknown_option_is_bad_input() -> None:
    assert "--colour" in refused("models", "--colour")


def test_the_version_is_printed() -> None:
    assert memstow("--version").out.startswith("memstow ")


# accelerators


def test_accelerators_lists_every_built_in() -> None:
    result = memstow("accelerators")
    assert result.code == 0
    assert all(name in result.out for name in builtin_names())
    document = memstow("accelerators", "--json").document
    assert [part["name"] for part in document["accelerators"]] == builtin_names()


@pytest.mark.parametrize("name", builtin_names())
def test_accelerators_explains_every_number_with_unit_and_source(name: str) -> None:
    document = memstow("accelerators", name, "--json").document
    assert all(figure["unit"] and figure["meaning"] for figure in document["figures"])
    sourced = {figure["key"]: figure["source"] for figure in document["figures"] if figure["value"] is not None}
    assert sourced == load_accelerator(name).sources
    assert memstow("accelerators", name).code == 0


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("flops_per_second.bf16", "FLOP/s"),
        ("vector_flops_per_second.f32", "FLOP/s"),
        ("fast_memory.capacity_bytes", "B"),
        ("slow_memory.read_bytes_per_second", "B/s"),
        ("dma.latency_seconds", "s"),
        ("dma.max_outstanding_prefetches", "copies"),
    ],
)
def test_units_follow_from_the_keys(key: str, unit: str) -> None:
    assert {figure.key: figure.unit for figure in figures(load_accelerator("tpu_v5e"))}[key] == unit


def test_a_description_of_the_users_is_explained(part: Path) -> None:
    result = memstow("accelerators", part)
    assert result.code == 0
    assert "no source given" in result.out
    assert "no limit" in result.out


def test_an_unknown_accelerator_suggests_the_nearest() -> None:
    assert "did you mean 'tpu_v4'?" in refused("accelerators", "tpu4")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slow_rate": -1.0}, "slow_memory.read_bytes_per_second: Input should be greater than 0, found -1.0"),
        ({"capacity": -1}, "fast_memory.capacity_bytes: Input should be greater than or equal to 0, found -1"),
        ({"capacity": ""}, "expected TOML, found"),
    ],
)
@pytest.mark.parametrize("command", ["accelerators", "plan", "compile"])
def test_a_bad_description_is_refused(
    command: str, tmp_path: Path, program: Path, module: Path, changes: dict[str, object], message: str
) -> None:
    part = write_part(tmp_path / "bad.toml", **changes)
    arguments = {
        "accelerators": (part,),
        "plan": (program, "--accelerator", part),
        "compile": (f"{module}:build", "--accelerator", part),
    }
    error = refused(command, *arguments[command])
    assert str(part) in error
    assert message in error


def test_a_missing_number_is_named(tmp_path: Path) -> None:
    part = write_part(tmp_path / "bad.toml")
    part.write_text(part.read_text().replace("capacity_bytes = 16\n", ""))
    assert "missing key 'fast_memory.capacity_bytes'; add it" in refused("accelerators", part)


# models


def test_models_lists_the_zoo_with_its_figures() -> None:
    document = memstow("models", "--json").document
    assert [model["name"] for model in document["models"]] == models.names()
    for model in document["models"]:
        assert tuple(model["sizes"]) == models.sizes(model["name"])
        for size, found in model["sizes"].items():
            assert found is not None, f"{model['name']} {size}: run python -m memstow.cli.zoo_figures {model['name']}"
            assert found["parameters"] > 0
            assert found["flops"] > 0
            assert found["kernels"] > 0
    assert "resnet50" in memstow("models").out


def test_one_model_alone() -> None:
    assert [model["name"] for model in memstow("models", "bert", "--json").document["models"]] == ["bert"]


def test_an_unknown_model_suggests_the_nearest() -> None:
    assert "did you mean 'resnet50'?" in refused("models", "resnet5")


@pytest.mark.parametrize("name", models.names())
def test_the_table_has_the_parameters_of_the_tiny_models(name: str) -> None:
    module, _ = models.build(name, "tiny")
    assert load_figures().models[name]["tiny"].parameters == models.parameter_count(module)


@pytest.mark.parametrize("name", ["dlrm", "vit"])
def test_the_table_has_the_program_figures_of_the_tiny_models(name: str) -> None:
    # By the command that makes the table: the kernels are those of the real compiler.
    from memstow.cli.zoo_figures import measure

    assert measure(name, "tiny") == load_figures().models[name]["tiny"]


# plan


def test_plan_writes_a_valid_plan(program: Path, part: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er" / "out.json"
    result = memstow("plan", program, "--accelerator", part, "--out", out, "--planner", "greedy", "--seed", 3)
    assert result.code == 0
    plan = MemoryPlan.load(out)
    assert validate(Program.load(program), load_accelerator(part), plan) == ()
    assert (plan.planner, plan.seed, plan.accelerator) == ("greedy", 3, "example")
    assert "24 s" in result.out  # all slow, as derived in worked_example
    assert str(out) in result.out


@pytest.mark.parametrize("planner", planners.names())
def test_plan_takes_every_planner(planner: str, program: Path, part: Path) -> None:
    result = memstow("plan", program, "--accelerator", part, "--planner", planner, "--budget", 0.1, "--json")
    assert result.code == 0
    document = result.document
    assert document["summary"]["planner"] == planner
    assert document["summary"]["lower_bound_seconds"] == 20.0
    assert document["files"] == {"plan": "example.plan.json"}
    assert {"name", "reason", "sentence"} <= document["slow_tensors"][0].keys()


def test_the_accelerator_is_the_programs_own_unless_given(program: Path) -> None:
    assert memstow("plan", program, "--json").document["summary"]["accelerator"] == "unit"
    other = memstow("plan", program, "--json", "--accelerator", "ethos_u85")
    assert other.document["summary"]["accelerator"] == "ethos_u85"


def test_zero_capacity_leaves_everything_slow_and_says_why(program: Path, tmp_path: Path) -> None:
    part = write_part(tmp_path / "none.toml", capacity=0)
    document = memstow("plan", program, "--accelerator", part, "--json").document
    assert document["summary"]["planned_seconds"] == document["summary"]["all_slow_seconds"] == 24.0
    assert {tensor["reason"] for tensor in document["slow_tensors"]} == {"no-fast-memory"}


def test_a_tensor_larger_than_fast_memory_stays_slow_and_is_explained(program: Path, tmp_path: Path) -> None:
    part = write_part(tmp_path / "small.toml", capacity=4)
    document = memstow("plan", program, "--accelerator", part, "--json").document
    reasons = {tensor["name"]: tensor["reason"] for tensor in document["slow_tensors"]}
    assert reasons["w"] == "too-large"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a/b.program.json", "b.plan.json"), ("b.json", "b.plan.json"), ("b.txt", "b.txt.plan.json")],
)
def test_the_plans_default_name(given: str, expected: str) -> None:
    assert default_plan_path(Path(given)) == Path(expected)


def test_a_plan_never_replaces_its_program(program: Path) -> None:
    before = program.read_text()
    assert "is the program itself" in refused("plan", program, "--out", program)
    assert program.read_text() == before


def test_an_unknown_planner_suggests_the_nearest(program: Path) -> None:
    assert "did you mean 'greedy'?" in refused("plan", program, "--planner", "gredy")


@pytest.mark.parametrize("budget", ["-1", "nan", "inf"])
def test_a_budget_is_a_finite_time(budget: str, program: Path) -> None:
    assert "--budget: expected a number of seconds" in refused("plan", program, "--budget", budget)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name": "p", "instr', "expected JSON, found an error at line 1 column"),
        ('{"cells": []}', "found the keys cells; check that this is the right file"),
        ("[1, 2]", "found list"),
        ('{"name": "p", "instructions": [], "buffers": []}', "the program has no instructions"),
        (
            '{"name": "p", "instructions": [{"name": "i"}], "buffers": []}',
            "missing key 'instructions.0.compute_seconds'",
        ),
        ('{"name": "p", "colour": 1, "instructions": [{}], "buffers": []}', "unknown key 'colour'"),
        ("", "is the file truncated?"),
        ("\0\udcff", "expected JSON text in UTF-8, found binary data"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "check"])
def test_a_file_that_is_no_program_is_refused(command: str, text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    error = refused(command, path, *([path] if command == "check" else []))
    assert message in error
    assert str(path) in error


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "absent.json: cannot be read" in refused("plan", tmp_path / "absent.json")


def test_a_program_for_no_known_part_needs_the_option(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    example.program().model_copy(update={"accelerator": "mine"}).save(path)
    assert "names 'mine', which is not built in; pass --accelerator" in refused("plan", path)


# The tests may run as root, who can write to any folder: a folder below a regular file cannot even be made.


def test_plan_finds_out_that_it_cannot_write_before_it_plans(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(planners, "get", lambda name: pytest.fail("planned before the output was checked"))
    assert "cannot be used as a folder" in refused("plan", program, "--out", tmp_path / "file" / "plan.json")
    assert "found a folder" in refused("plan", program, "--out", tmp_path)


class Interrupting:
    name = description = "interrupting"

    def plan(self, problem: object, *, budget_seconds: float, seed: int) -> MemoryPlan:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the signal did not arrive")


class Invalid:
    name = description = "invalid"

    def plan(self, problem: object, *, budget_seconds: float, seed: int) -> MemoryPlan:
        overlapping = [a.model_copy(update={"offset": 0}) for a in example.plan().allocations]
        return example.plan().model_copy(update={"allocations": tuple(overlapping), "planner": "invalid"})


def test_ctrl_c_while_planning_leaves_the_old_plan(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("plan.json").write_text("old")
    monkeypatch.setattr(planners, "get", lambda name: Interrupting())
    result = memstow("plan", program, "--out", "plan.json")
    assert (result.code, result.out) == (130, "")
    assert "interrupted: in phase 'plan'; plan.json is as before" in result.err
    assert names_in(Path()) == {"plan.json", program.name}
    assert Path("plan.json").read_text() == "old"


def test_an_invalid_plan_is_not_written(program: Path, part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planners, "get", lambda name: Invalid())
    result = memstow("plan", program, "--accelerator", part, "--out", "plan.json")
    assert (result.code, result.out) == (1, "")
    assert "planner 'invalid' gave a plan with" in result.err
    assert not Path("plan.json").exists()


# check


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "example.plan.json"
    example.plan().save(path)
    return path


def test_check_accepts_a_valid_plan(program: Path, plan: Path, part: Path) -> None:
    result = memstow("check", program, plan, "--accelerator", part)
    assert result.code == 0
    assert "valid for example on example" in result.out
    document = memstow("check", program, plan, "--accelerator", part, "--json").document
    assert document["valid"] is True
    assert document["violations"] == []
    assert document["simulated_seconds"] == 20.0


def test_check_gives_the_violations_of_an_invalid_plan(program: Path, plan: Path, part: Path) -> None:
    Invalid().plan(None, budget_seconds=0, seed=0).save(plan)
    result = memstow("check", program, plan, "--accelerator", part)
    assert result.code == 1
    assert "INVALID for example on example" in result.out
    as_json = memstow("check", program, plan, "--accelerator", part, "--json")
    assert as_json.code == 1
    assert as_json.document["valid"] is False
    # w and h overlap, and the prefetch of w no longer goes where w lies.
    assert as_json.document["violations"][0]["rule"] == 1
    assert "overlap" in as_json.document["violations"][0]["message"]


def test_check_refuses_the_plan_of_another_program(program: Path, plan: Path, part: Path) -> None:
    example.plan().model_copy(update={"program_fingerprint": "0" * 64}).save(plan)
    result = memstow("check", program, plan, "--accelerator", part, "--json")
    assert result.code == 1
    assert [violation["rule"] for violation in result.document["violations"]] == [0]


def test_check_uses_the_accelerator_that_the_plan_was_made_for(program: Path) -> None:
    assert memstow("plan", program, "--accelerator", "ethos_u65", "--out", "plan.json").code == 0
    assert memstow("check", program, "plan.json", "--json").document["accelerator"] == "ethos_u65"


def test_check_does_not_guess_a_part_that_is_not_built_in(program: Path, plan: Path) -> None:
    # The program names unit, but the plan was made for another part: checking it for unit would mean nothing.
    assert "names 'example', which is not built in" in refused("check", program, plan)


def test_a_truncated_plan_is_refused(program: Path, plan: Path) -> None:
    plan.write_text(plan.read_text()[:-20])
    assert "is the file truncated?" in refused("check", program, plan)


def test_a_program_is_no_plan(program: Path) -> None:
    assert "missing key 'program_fingerprint'" in refused("check", program, program)


# compile


def test_compile_writes_every_file_and_prints_the_table(module: Path, part: Path, install: Install) -> None:
    compiler = install()
    result = memstow("compile", f"{module}:build", "--accelerator", part, "--seed", 5)
    assert result.code == 0, result.err
    folder = Path("memstow-out/my_module-build-example")
    assert names_in(folder) == DOCUMENTS | {"model.so"}
    assert (folder / "model.so").read_bytes() == LIBRARY
    program, plan = Program.load(folder / "program.json"), MemoryPlan.load(folder / "plan.json")
    assert validate(program, load_accelerator(part), plan) == ()
    summary = Summary.load(folder / "summary.json")
    assert summary.all_slow_seconds == 24.0
    assert summary.numerics is not None
    assert summary.numerics.passed
    assert summary.phase_seconds["plan"] == 0.25  # the compiler's own figure
    assert {"model", "export", "run"} <= summary.phase_seconds.keys()
    assert "traceEvents" in json.loads((folder / "trace.json").read_text())
    for shown in ("kernels", "weights", "all in slow memory", "lower bound", "stalls", "fast memory, peak", "numerics"):
        assert shown in result.out
    assert str(folder / "report.html") in result.out
    for phase in ("model", "export", "build", "run", "write"):
        assert phase in result.err
    assert compiler.calls[0]["seed"] == 5
    assert memstow("check", folder / "program.json", folder / "plan.json", "--accelerator", part).code == 0


def test_compile_prints_one_json_document_whatever_the_libraries_print(
    module: Path, install: Install, capfd: pytest.CaptureFixture[str]
) -> None:
    install(noise="chatter")
    result = memstow("compile", f"{module}:build", "--out", "out", "--json")
    assert result.code == 0, result.err
    document = result.document
    assert set(document) == {"summary", "slow_tensors", "cache_hit", "files"}
    assert document["files"]["report"] == "out/report.html"
    assert document["summary"]["accelerator"] == "tpu_v5e"
    assert document["summary"]["planner"] == "greedy"
    assert document["summary"]["budget_seconds"] == 10.0
    printed = capfd.readouterr()
    assert "chatter" not in printed.out
    assert "chatter" in printed.err  # written past Python, to the file descriptor


def test_plan_only_writes_no_library_and_runs_nothing(module: Path, install: Install) -> None:
    compiler = install(error=1.0)  # would fail the comparison
    result = memstow("compile", f"{module}:build", "--out", "out", "--plan-only", "--json")
    assert result.code == 0
    assert names_in(Path("out")) == DOCUMENTS
    assert "numerics" not in result.document["summary"]
    assert compiler.calls[0]["plan_only"] is True


def test_wrong_numerics_are_a_failed_check_with_all_files_written(module: Path, install: Install) -> None:
    install(error=1.0)
    result = memstow("compile", f"{module}:build", "--out", "out")
    assert result.code == 1
    assert "DIFFERS from PyTorch" in result.out
    assert names_in(Path("out")) == DOCUMENTS | {"model.so"}


def test_checked_reaches_the_compiler_and_the_summary(module: Path, install: Install) -> None:
    compiler = install()
    result = memstow("compile", f"{module}:build", "--out", "out", "--checked", "--json")
    assert result.document["summary"]["checked_run"] is True
    assert compiler.calls[0]["checked"] is True


def test_a_zoo_model_compiles_by_name(install: Install) -> None:
    compiler = install()
    result = memstow("compile", "dlrm", "--plan-only", "--json")
    assert result.code == 0, result.err
    assert result.document["summary"]["program"] == "dlrm-tiny"
    assert result.document["files"]["plan"] == "memstow-out/dlrm-tiny-tpu_v5e/plan.json"
    # With --plan-only no weight is materialised.
    assert {parameter.device.type for parameter in compiler.calls[0]["module"].parameters()} == {"meta"}


def test_the_deep_size_is_planned_only(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    built = (torch.nn.Linear(2, 2, device="meta"), (torch.empty(1, 2, device="meta"),))
    monkeypatch.setattr(models, "build", lambda name, size, seed: built if size == "deep" else pytest.fail(size))
    compiler = install()
    result = memstow("compile", "llama", "--size", "deep", "--out", "out", "--json")
    assert result.code == 0, result.err
    assert "planned only" in result.err
    assert compiler.calls[0]["plan_only"] is True
    assert names_in(Path("out")) == DOCUMENTS


def test_the_seed_decides_the_inputs(module: Path, install: Install) -> None:
    compiler = install()
    for seed in (1, 1, 2):
        memstow("compile", f"{module}:build", "--out", "out", "--seed", seed)
    first, again, other = (call["inputs"][0] for call in compiler.calls)
    assert first.equal(again)
    assert not first.equal(other)


def test_a_module_in_training_mode_is_compiled_in_evaluation_mode(module: Path, install: Install) -> None:
    compiler = install()
    result = memstow("compile", f"{module}:training", "--out", "out")
    assert result.code == 0
    assert "the module was in training mode" in result.err
    assert compiler.calls[0]["module"].training is False


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("bild", "unknown function in my_module.py: 'bild': did you mean 'build'?"),
        ("constant", "expected a function, found int"),
        ("broken", "my_module.py:broken() failed (line 26): RuntimeError: no weights here"),
        ("leaves", "my_module.py:leaves() failed (line 29): SystemExit: 3"),
        (
            "inputs_alone",
            "must return (module, example inputs), a torch.nn.Module and a tuple of tensors; found Tensor",
        ),
        ("no_module", "found str as the module"),
        ("bare_input", "found Tensor as the inputs, write a tuple: (x,)"),
        ("number_input", "found int as input 0"),
    ],
)
def test_a_function_that_gives_no_model_is_refused(function: str, message: str, module: Path, install: Install) -> None:
    install()
    assert message in refused("compile", f"my_module.py:{function}")
    assert not Path("memstow-out").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import absent_package\n", "ModuleNotFoundError: No module named 'absent_package'"),
        ("x = 1\nthis is no Python\n", "cannot be imported: SyntaxError"),
        ("x = 1\n1 / 0\n", "cannot be imported (line 2): ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused(source: str, message: str, tmp_path: Path, install: Install) -> None:
    install()
    path = tmp_path / "faulty.py"
    path.write_text(source)
    assert message in refused("compile", f"{path}:build")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("bret", "unknown model 'bret': did you mean 'bert'?"),
        ("absent.py:build", "absent.py: no such file"),
        ("my_module.py", "expected a model of the zoo or FILE.py:FUNCTION"),
        ("my_module.py:", "expected a model of the zoo or FILE.py:FUNCTION"),
        ("model.txt:build", "expected a model of the zoo or FILE.py:FUNCTION"),
    ],
)
def test_a_model_that_does_not_exist_is_refused(model: str, message: str, module: Path) -> None:
    assert message in refused("compile", model)


def test_a_size_that_does_not_exist_is_refused(module: Path) -> None:
    assert "unknown size of model 'bert': 'fulll': did you mean 'full'?" in refused(
        "compile", "bert", "--size", "fulll"
    )
    assert "only the zoo's models have sizes" in refused("compile", "my_module.py:build", "--size", "full")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--accelerator", "tpu_v5"), "did you mean 'tpu_v5e'?"),
        (("--planner", "first-tuch"), "did you mean 'first-touch'?"),
        (("--budget", "-2"), "--budget: expected"),
    ],
)
def test_bad_options_are_refused_before_the_model_is_built(
    options: tuple[str, ...], message: str, module: Path, install: Install
) -> None:
    compiler = install()
    assert message in refused("compile", f"{module}:broken", *options)
    assert compiler.calls == []


def test_compile_finds_out_that_it_cannot_write_before_it_builds(module: Path, install: Install) -> None:
    install()
    Path("file").write_text("")
    assert "cannot be used as a folder" in refused("compile", f"{module}:broken", "--out", "file/out")
    assert "cannot be used as a folder" in refused("compile", f"{module}:broken", "--out", "file")
    Path("out/plan.json").mkdir(parents=True)
    assert "expected a file to replace, found a folder" in refused("compile", f"{module}:broken", "--out", "out")


def test_a_model_that_tvm_cannot_take_is_bad_input(module: Path, install: Install) -> None:
    install(raises=UnsupportedModelError("input 'x': its first dimension is dynamic; give it a bound"))
    assert "its first dimension is dynamic" in refused("compile", f"{module}:build", "--out", "out")
    assert not Path("out").exists()


@pytest.mark.parametrize("swallowed", [False, True])
@pytest.mark.parametrize("phase", ["export", "plan", "build"])
def test_ctrl_c_keeps_the_old_files_and_leaves_no_partial_ones(
    phase: str, swallowed: bool, module: Path, install: Install
) -> None:
    write_text_in(Path("out"), "plan.json", "old")
    install(interrupted_in=phase, swallowed=swallowed)
    result = memstow("compile", f"{module}:build", "--out", "out", "--json")
    assert (result.code, result.out) == (130, "")
    assert "interrupted: in phase" in result.err
    assert "nothing was written to out" in result.err
    if not swallowed:
        assert f"in phase '{phase}'" in result.err
    assert names_in(Path("out")) == {"plan.json"}
    assert Path("out/plan.json").read_text() == "old"


def test_ctrl_c_removes_the_folders_that_were_made(module: Path, install: Install) -> None:
    install(interrupted_in="plan")
    assert memstow("compile", f"{module}:build", "--out", "new/out").code == 130
    assert not Path("new").exists()


def test_a_handler_for_ctrl_c_is_put_back(module: Path, install: Install) -> None:
    install(interrupted_in="plan")
    before = signal.getsignal(signal.SIGINT)
    memstow("compile", f"{module}:build", "--out", "out")
    assert signal.getsignal(signal.SIGINT) is before


def write_text_in(folder: Path, name: str, text: str) -> None:
    folder.mkdir()
    write_text(folder / name, text)


# Output folders


def test_files_appear_together() -> None:
    with OutputFolder(Path("out")) as output:
        output.stage("a").write_text("1")
        output.stage("b").write_text("2")
        assert not Path("out/a").exists()
        assert output.commit() == [Path("out/a"), Path("out/b")]
    assert names_in(Path("out")) == {"a", "b"}


def test_a_full_disk_leaves_nothing() -> None:
    message = "out: cannot be written to .* make room or choose another folder"
    with pytest.raises(InvalidInputError, match=message), OutputFolder(Path("out")) as output, output.writing():
        output.stage("a").write_text("1")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not Path("out").exists()


def test_an_interruption_says_which_files_are_new() -> None:
    output = OutputFolder(Path("out"))
    assert output.describe_kept() == "nothing was written to out"
    output.kept.append("plan.json")
    assert output.describe_kept() == "out has the new plan.json; its other files are as before"


# Tables


def slow_tensor(name: str, cost_seconds: float) -> SlowTensor:
    return SlowTensor(0, name, "input", 4, 1, 1, cost_seconds, "no-room", f"Why {name}.")


def test_the_tensors_that_cost_most_are_printed_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    costs = [0.0, 3.0, 1.0, 2.0, 6.0, 5.0, 4.0]
    print_slow_tensors([slow_tensor(f"t{cost:.0f}", cost) for cost in costs])
    printed = capsys.readouterr().out
    assert "Left in slow memory: 7 tensors, 6 of them at a cost, the highest first" in printed
    assert re.findall(r"Why t(\d)\.", printed) == ["6", "5", "4", "3", "2"]


def test_slow_tensors_at_no_cost_are_only_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_slow_tensors([slow_tensor("x", 0.0)])
    assert capsys.readouterr().out == "Left in slow memory: 1 tensor, 0 of them at a cost\n"


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (format_bytes, 0, "0 B"),
        (format_bytes, 1023, "1023 B"),
        (format_bytes, 1536, "1.5 KiB"),
        (format_bytes, 112 * 2**20, "112 MiB"),
        (format_seconds, 0.0, "0 s"),
        (format_seconds, 2.5e-9, "2.5 ns"),
        (format_seconds, 1.2345e-3, "1.234 ms"),
        (format_seconds, 90.0, "90 s"),
        (format_count, 999, "999"),
        (format_count, 197e12, "197 T"),
    ],
)
def test_figures_as_people_read_them(function: Callable[[float], str], value: float, expected: str) -> None:
    assert function(value) == expected
