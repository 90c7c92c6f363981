"""``memstow.compile``, ``CompiledModel`` and ``memstow.load``: what users of the package call."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from torch import nn

import memstow
from memstow.accelerator import load_accelerator
from memstow.cost_model.interface import RooflineModel
from memstow.errors import InvalidInputError, UnknownNameError, UnsupportedModelError
from memstow.plan import MemoryPlan
from memstow.planners.all_slow import AllSlow
from memstow.program import Program
from memstow.tvm_ext.build_cache import BuildCache
from memstow.validator import validate


class Towers(nn.Module):
    """Nested arguments and result, tied weights, a buffer, constants in the result, dropout that must be off."""

    shift: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("shift", torch.arange(8.0))

    def forward(self, x: dict[str, torch.Tensor], *, mask: list[torch.Tensor]) -> dict[str, object]:
        y = self.dropout(self.second(torch.relu(self.first(x["a"])))) * mask[0]
        return {"y": y, "more": (y.shape[0], [y + self.shift, y > 0], None)}


def towers() -> tuple[Towers, dict[str, object]]:
    torch.manual_seed(0)
    return Towers().eval(), {"x": {"a": torch.randn(4, 8)}, "mask": [torch.ones(4, 8)]}


def same(found: object, expected: object) -> None:
    torch.testing.assert_close(found, torch.utils._pytree.tree_map_only(torch.Tensor, torch.detach, expected))


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache, monkeypatch):
    monkeypatch.setenv("MEMSTOW_CACHE", str(cache))


@pytest.fixture(scope="module")
def compiled(cache) -> memstow.CompiledModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMSTOW_CACHE", str(cache))
        model, inputs = towers()
        return memstow.compile(model, inputs, accelerator="ethos_u55", name="towers")


def test_importing_the_package_loads_neither_torch_nor_tvm():
    code = (
        "import sys, memstow; names = dir(memstow); assert set(memstow.__all__) <= set(names), names; "
        "print(sorted({'torch', 'tvm', 'tvm_ffi', 'numpy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    assert memstow.__all__ == sorted(memstow.__all__)
    assert all(getattr(memstow, name).__doc__ for name in memstow.__all__)
    with pytest.raises(AttributeError, match="module 'memstow' has no attribute 'compyle'"):
        memstow.compyle  # noqa: B018


def test_the_compiled_model_returns_what_the_module_returns(compiled):
    model, inputs = towers()
    same(compiled(**inputs), model(**inputs))
    other = {"mask": [torch.rand(4, 8)], "x": {"a": torch.randn(8, 4).T}}
    same(compiled(**other), model(**other))


def test_plan_program_accelerator_and_figures_belong_together(compiled):
    assert validate(compiled.program, compiled.accelerator, compiled.plan) == ()
    assert compiled.program.name == compiled.summary.program == "towers"
    assert compiled.accelerator == load_accelerator("ethos_u55")
    assert compiled.plan.planner == "greedy"
    assert compiled.summary.planned_seconds == compiled.plan.simulated_seconds
    kernels = len(compiled.program.instructions)
    assert repr(compiled).startswith(f"<CompiledModel towers on ethos_u55, planned by greedy: {kernels} kernels in ")


def test_a_module_in_training_mode_is_compiled_for_evaluation_and_left_as_it_was():
    model, inputs = towers()
    model.train()
    model.dropout.eval()
    found = memstow.compile(model, inputs)(**inputs)
    assert (model.training, model.first.training, model.dropout.training) == (True, True, False)
    same(found, model.eval()(**inputs))


@pytest.mark.parametrize(
    "example", [torch.ones(2, 8), (torch.ones(2, 8),), [torch.ones(2, 8)], {"input": torch.ones(2, 8)}]
)
def test_example_inputs_as_a_tensor_a_tuple_a_list_or_a_dictionary(example):
    linear = nn.Linear(8, 3)
    compiled = memstow.compile(linear, example)
    given = torch.randn(2, 8)
    found = compiled(input=given) if isinstance(example, dict) else compiled(given)
    torch.testing.assert_close(found, linear(given).detach())


def test_weights_are_the_modules_own():
    linear, x = nn.Linear(8, 3), torch.randn(2, 8)
    compiled = memstow.compile(linear, x)
    with torch.no_grad():
        linear.weight.mul_(3.0)
        torch.testing.assert_close(compiled(x), linear(x))
        linear.weight.data = torch.randn(8, 3).T  # another storage, which kernels cannot read as it is
        torch.testing.assert_close(memstow.compile(linear, x)(x), linear(x))
        linear.weight.mul_(3.0)
        torch.testing.assert_close(memstow.compile(linear, x)(x), linear(x))


def test_a_second_compilation_takes_the_machine_code_from_the_cache(monkeypatch):
    model, inputs = towers()
    phases: list[str] = []
    memstow.compile(model, inputs, planner="first-touch", on_phase=phases.append)
    assert phases[-1] == "build"
    phases.clear()
    memstow.compile(model, inputs, planner="first-touch", on_phase=phases.append)
    assert phases[-1] == "apply"


@dataclasses.dataclass(frozen=True)
class Mine:
    """Delegates, so that its plans can be told from others by name alone."""

    name: str = "mine"
    description: str = "for tests"

    def plan(self, problem, effort, *, seed):
        return AllSlow().plan(problem, effort, seed=seed).model_copy(update={"planner": self.name})


class Doubled:
    name = "doubled"

    def prices(self, program, accelerator):
        return DoubledPrices(RooflineModel().prices(program, accelerator))


class DoubledPrices:
    name = "doubled"

    def __init__(self, inner):
        self.inner = inner

    def seconds(self, *placement):
        return 2.0 * self.inner.seconds(*placement)


@pytest.mark.parametrize("planner", [Mine(), Mine])
@pytest.mark.parametrize("cost_model", [Doubled(), Doubled])
def test_planner_cost_model_and_accelerator_may_be_objects(planner, cost_model):
    unit = load_accelerator("unit").with_capacity(1 << 20)
    model, inputs = towers()
    plain = memstow.compile(model, inputs, accelerator=unit, planner="all-slow")
    own = memstow.compile(model, inputs, accelerator=unit, planner=planner, cost_model=cost_model)
    assert (own.plan.planner, own.plan.cost_model, own.accelerator) == ("mine", "doubled", unit)
    assert own.summary.planned_seconds == 2 * plain.summary.planned_seconds
    same(own(**inputs), model(**inputs))


def test_iterations_give_the_same_plan_and_a_bound_in_the_time_given():
    model, inputs = towers()
    found = [
        memstow.compile(model, inputs, planner="local-search", iterations=50, seed=3, bound_time=1.0) for _ in range(2)
    ]
    assert found[0].plan == found[1].plan
    assert found[0].summary.lower_bound_seconds <= found[0].summary.planned_seconds


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": print}, InvalidInputError, r"^model: expected a torch.nn.Module, found builtin.*; wrap a function"),
        ({"model": nn.Linear(8, 8, device="meta")}, InvalidInputError, "found 'weight' on meta; give it storage"),
        ({"example_inputs": 3}, InvalidInputError, r"^example_inputs: expected .* found int; write \(x,\)"),
        ({"example_inputs": (torch.ones(2, 8), 3)}, InvalidInputError, "found int at position 1; fix such values"),
        ({"example_inputs": {"input": None}}, InvalidInputError, "model 'Linear': .* found NoneType at input"),
        ({"accelerator": "tpu_v5"}, UnknownNameError, "unknown accelerator 'tpu_v5': did you mean 'tpu_v5e'"),
        ({"planner": "gredy"}, UnknownNameError, "unknown planner 'gredy': did you mean 'greedy'"),
        ({"planner": 3}, InvalidInputError, r"^planner: expected an object with a plan\(\) method, found int"),
        ({"cost_model": "rofline"}, UnknownNameError, "unknown cost model 'rofline': did you mean 'roofline'"),
        ({"budget": -1}, InvalidInputError, "^budget: expected a number of seconds, 0 or more, found -1$"),
        ({"budget": "60"}, InvalidInputError, "^budget: expected a number of seconds, 0 or more, found '60'$"),
        ({"iterations": -1}, InvalidInputError, "^iterations: expected 0 or more, found -1$"),
        ({"bound_time": float("nan")}, InvalidInputError, "^bound_time: expected a number of seconds"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_compiled(change, error, message):
    given = {"model": nn.Linear(8, 8), "example_inputs": torch.ones(2, 8), **change}
    with pytest.raises(error, match=message):
        memstow.compile(**given)


def test_a_call_that_does_not_fit_is_refused(compiled):
    _, inputs = towers()
    with pytest.raises(InvalidInputError, match=r"towers: expected arguments like the example .*\(x=\{'a': tensor"):
        compiled(inputs["x"])
    with pytest.raises(InvalidInputError, match=r"'mask_0': expected shape and type .*found \(\(2, 2\), 'float32'\)"):
        compiled(x=inputs["x"], mask=[torch.ones(2, 2)])
    with pytest.raises(InvalidInputError, match=r"a tensor on the CPU, found one on meta.*call \.cpu\(\) first"):
        compiled(x={"a": torch.empty(4, 8, device="meta")}, mask=inputs["mask"])
    with pytest.raises(InvalidInputError, match=r"requires a gradient; .* under torch\.no_grad\(\)"):
        compiled(x=inputs["x"], mask=[torch.ones(4, 8, requires_grad=True)])
    with torch.no_grad():
        assert compiled(x=inputs["x"], mask=[torch.ones(4, 8, requires_grad=True)])


def test_a_model_that_tvm_cannot_lower_is_unsupported(monkeypatch):
    from memstow.tvm_ext import compiler

    def fails(*_: object) -> object:
        raise RuntimeError("first line\nInternalError: no such kernel\n")

    monkeypatch.setattr(compiler, "lower", fails)
    with pytest.raises(UnsupportedModelError, match=r"'Linear': TVM fails at fusing its operators \(InternalError: no"):
        memstow.compile(nn.Linear(8, 3), torch.ones(2, 8))


def test_the_report_as_text_and_as_a_file(compiled, tmp_path):
    page = compiled.report()
    assert page.startswith("<!DOCTYPE html>") and "towers on ethos_u55" in page
    assert compiled.report(tmp_path / "page.html").read_text() == page
    with pytest.raises(InvalidInputError, match="cannot be written"):
        compiled.report(tmp_path / "absent" / "page.html")


def test_notebooks_show_a_picture_and_a_line_of_figures():
    linear = nn.Linear(64, 64)
    compiled = memstow.compile(linear, torch.ones(2, 64), name="<script>")
    shown = compiled._repr_html_()
    assert "<script>" not in shown
    element = ElementTree.fromstring(shown)
    assert element[0].tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(element[0].iter("{http://www.w3.org/2000/svg}rect"))) >= len(compiled.plan.allocations)
    assert "lower bound" in "".join(element[1].itertext())


LOADED = """
import sys, torch, memstow
folder, arguments = sys.argv[1], torch.load(sys.argv[2])
compiled = memstow.load(folder)
torch.testing.assert_close(compiled(**arguments["inputs"]), arguments["expected"])
print(compiled)
"""


@pytest.fixture
def saved(compiled, tmp_path) -> Path:
    return compiled.save(tmp_path / "saved")


def test_a_saved_model_runs_in_another_process(compiled, saved, tmp_path):
    model, inputs = towers()
    with torch.no_grad():
        torch.save({"inputs": inputs, "expected": model(**inputs)}, tmp_path / "arguments.pt")
    command = [sys.executable, "-c", LOADED, str(saved), str(tmp_path / "arguments.pt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == repr(compiled)


def test_a_loaded_model_has_everything_the_saved_one_has(compiled, saved, tmp_path):
    loaded = memstow.load(saved)
    for name in ("plan", "program", "accelerator", "summary"):
        assert getattr(loaded, name) == getattr(compiled, name)
    assert loaded.report() == compiled.report()
    assert loaded._repr_html_() == compiled._repr_html_()
    again = loaded.save(tmp_path / "again")
    for path in saved.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_folder_has_the_documents_of_the_command_line_and_each_weight_once(saved):
    program, plan = Program.load(saved / "program.json"), MemoryPlan.load(saved / "plan.json")
    assert plan.program_fingerprint == program.fingerprint
    from safetensors.torch import load_file

    assert set(load_file(saved / "weights.safetensors")) == {"first.weight", "first.bias", "second.bias", "shift"}
    card = json.loads((saved / "model.json").read_text())
    assert card["weights"]["second.weight"] == "first.weight"


def damage(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("model.json", None, r"expected a folder that CompiledModel\.save\(\) wrote, found none with model\.json"),
        ("model.json", ('"format": 1', '"format": 7'), "expected format 1, found 7; compile and save the model again"),
        (
            "model.json",
            ('"processor": "', '"processor": "z80-'),
            "code for processor .*, found it made for z80-",
        ),
        ("model.json", ('"memstow": "', '"memstow": "9.'), r"machine code for memstow .*, found it made for 9\."),
        (
            "model.json",
            ('"tensor": 0', '"tensor": -1'),
            r"json: structure\.[\w.]+\.tensor: .* found -1$",
        ),
        ("model.json", (': "first.weight"', ': "frist.weight"'), "expected the weight 'frist.weight', found none"),
        ("model.so", None, "expected the model's machine code, found none; save it again"),
        ("weights.safetensors", None, "expected weights as safetensors, found"),
        ("program.json", ('"bytes_accessed": ', '"bytes_accessed": 1'), "expected a plan for the program beside it"),
        ("plan.json", ("{", ""), "expected JSON"),
    ],
)
def test_a_damaged_folder_is_refused(saved, file, change, message):
    if change is None:
        (saved / file).unlink()
    else:
        damage(saved / file, *change)
    with pytest.raises(InvalidInputError, match=message):
        memstow.load(saved)


def test_a_library_that_is_none_is_refused_at_the_first_call(saved):
    (saved / "model.so").write_bytes(b"no machine code")
    loaded = memstow.load(saved)
    with pytest.raises(InvalidInputError, match=r"model\.so: expected the machine code of a planned program, found: "):
        loaded(**towers()[1])


def test_a_folder_that_cannot_be_written_stays_as_it_was(compiled, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="cannot be used as a folder"):
        compiled.save(tmp_path / "file")
    (tmp_path / "saved" / "model.so").mkdir(parents=True)
    with pytest.raises(InvalidInputError, match="expected a file to replace, found a folder"):
        compiled.save(tmp_path / "saved")
    assert [path.name for path in (tmp_path / "saved").iterdir()] == ["model.so"]


def test_the_machine_code_is_where_the_cache_says(cache, compiled):
    assert list(BuildCache.default().folder.glob("*.so"))
    assert BuildCache.default().folder == cache
