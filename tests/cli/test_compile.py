from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from memstow import models
from memstow.accelerator import load_accelerator
from memstow.errors import UnsupportedModelError
from memstow.plan import MemoryPlan
from memstow.program import Program
from memstow.schema import write_text
from memstow.summary import Summary
from memstow.validator import validate

from .fake_compiler import LIBRARY
from .harness import DOCUMENTS, Install, memstow, names_in, refused


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

    def build(name: str, size: str, *, seed: int, shapes_only: bool) -> object:
        return built if size == "deep" else pytest.fail(size)

    monkeypatch.setattr(models, "build", build)
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
