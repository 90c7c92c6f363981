"""``tvm.compile`` with memstow's pipeline, in every form that users write."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
import tvm
from relax_modules import Diamond, W, X, diamond_of
from torch import nn
from tvm import relax
from tvm.relax.frontend.torch import from_exported_program

import memstow
from memstow.errors import InvalidInputError, UnknownNameError, UnsupportedModelError

from . import tiny_cost_model as tiny
from .all_planners import all_planners


class Perceptron(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(32, 48)
        self.second = nn.Linear(48, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.relu(self.first(x)))


def exported(*, dynamic: bool = False) -> tuple[Perceptron, torch.Tensor, torch.export.ExportedProgram]:
    torch.manual_seed(0)
    module, x = Perceptron().eval(), torch.randn(4, 32)
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    return module, x, torch.export.export(module, (x,), dynamic_shapes=shapes)


def check(executable: tvm.runtime.Executable, arguments: list[torch.Tensor], expected: torch.Tensor) -> None:
    machine = relax.VirtualMachine(executable, tvm.cpu())
    result = machine["main"](*(tvm.runtime.tensor(argument.detach().numpy()) for argument in arguments))
    np.testing.assert_allclose(result[0].numpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["memstow", "object", "checked"])
def test_weights_as_parameters(form):
    module, x, program = exported()
    mod, params = relax.frontend.detach_params(from_exported_program(program, keep_params_as_input=True))
    pipeline = "memstow" if form == "memstow" else memstow.pipeline(accelerator="unit", checked=form == "checked")
    executable = tvm.compile(mod, target="llvm", relax_pipeline=pipeline)
    check(executable, [x, *(torch.from_numpy(p.numpy()) for p in params["main"])], module(x))


@pytest.mark.parametrize("planner", all_planners())
def test_weights_bound_into_the_program(planner):
    module, x, program = exported()
    seen = []
    pipeline = memstow.pipeline(accelerator="tpu_v5e", planner=planner, checked=True, on_plan=lambda *a: seen.append(a))
    executable = tvm.compile(from_exported_program(program), target="llvm", relax_pipeline=pipeline)
    check(executable, [x], module(x))
    ((problem, plan),) = seen
    assert {buffer.kind for buffer in problem.program.buffers} == {"input", "constant", "intermediate", "output"}
    assert plan.planner == planner


def test_relax_build_with_the_pipeline():
    module, x, program = exported()
    executable = relax.build(from_exported_program(program), target="llvm", relax_pipeline=memstow.pipeline())
    check(executable, [x], module(x))


def test_a_module_in_relax():
    @tvm.script.ir_module
    class Module:
        @tvm.script.relax.function
        def main(x: tvm.script.relax.Tensor((64,), "float32")) -> tvm.script.relax.Tensor((64,), "float32"):
            with tvm.script.relax.dataflow():
                y = tvm.script.relax.add(x, x)
                z = tvm.script.relax.exp(y)
                tvm.script.relax.output(z)
            return z

    machine = relax.VirtualMachine(tvm.compile(Module, target="llvm", relax_pipeline="memstow"), tvm.cpu())
    np.testing.assert_allclose(machine["main"](tvm.runtime.tensor(X)).numpy(), np.exp(2 * X), rtol=1e-5)


def test_a_module_already_in_destination_passing_style():
    executable = tvm.compile(Diamond, target="llvm", relax_pipeline=memstow.pipeline(accelerator="unit", checked=True))
    machine = relax.VirtualMachine(executable, tvm.cpu())
    result = machine["main"](tvm.runtime.tensor(X), tvm.runtime.tensor(W)).numpy()
    np.testing.assert_allclose(result, diamond_of(X, W), rtol=1e-6)


def test_the_pipeline_is_registered_by_importing_tvm():
    code = "import tvm; from tvm import relax; print(relax.get_pipeline('memstow', planner='all-slow').info.name)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "memstow.pipeline"


def test_dynamic_shapes_say_what_to_do():
    _, _, program = exported(dynamic=True)
    with pytest.raises(UnsupportedModelError, match=r"has the symbolic dimension .*upper bound with relax\.transform"):
        tvm.compile(from_exported_program(program), target="llvm", relax_pipeline=memstow.pipeline())


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown accelerator 'tpu_v5': did you mean 'tpu_v5e'"):
        memstow.pipeline(accelerator="tpu_v5")
    with pytest.raises(UnknownNameError, match="unknown planner 'gredy': did you mean 'greedy'"):
        memstow.pipeline(planner="gredy")


@pytest.mark.parametrize("form", ["path", "text", "model"])
def test_a_cost_model_of_ones_own(form, tmp_path):
    given = tiny.save(tmp_path / "tiny") if form != "model" else tiny.model()
    module, x, program = exported()
    seen = []
    pipeline = memstow.pipeline(
        accelerator="unit", cost_model=str(given) if form == "text" else given, on_plan=lambda *a: seen.append(a)
    )
    executable = tvm.compile(from_exported_program(program), target="llvm", relax_pipeline=pipeline)
    check(executable, [x], module(x))
    ((problem, plan),) = seen
    assert plan.cost_model == problem.cost.name == "tiny"
    # The model knows other kernels, but each of these says what it is.
    assert problem.cost.fallbacks.keys() == set(range(len(problem.program.instructions)))
    assert all("trained on" in reason for reason in problem.cost.fallbacks.values())


def test_a_cost_model_that_is_not_there():
    with pytest.raises(UnknownNameError, match="unknown cost model 'rofline': did you mean 'roofline'"):
        memstow.pipeline(cost_model="rofline")
    with pytest.raises(InvalidInputError, match="accelerator 'unit': expected the name of a trained cost model"):
        memstow.pipeline(accelerator="unit", cost_model="learned")


def test_a_function_that_is_not_there():
    with pytest.raises(InvalidInputError, match=r"Relax function 'forward', found .*'main'"):
        tvm.compile(Diamond, target="llvm", relax_pipeline=memstow.pipeline(function="forward"))
