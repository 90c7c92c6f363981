from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
import torch
from torch import nn

from memstow import models, planners
from memstow.accelerator import load_accelerator
from memstow.errors import InfeasiblePlanError, InvalidInputError, UnsupportedModelError
from memstow.planners import Effort
from memstow.tvm_ext.build_cache import BuildCache
from memstow.tvm_ext.compiler import PHASES, PLAN_ONLY_PHASES, Compilation, compile_model

TPU = load_accelerator("tpu_v5e")


class Residual(nn.Module):
    """Two inputs, two outputs, one of them an input's view; a buffer beside the parameters."""

    scale: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(16, 16)
        self.register_buffer("scale", torch.full((16,), 3.0))

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.linear(x) * self.scale + y, y.reshape(8, 8)


def residual() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(0)
    return Residual().eval(), (torch.randn(4, 16), torch.randn(4, 16))


@pytest.fixture
def cache(tmp_path) -> BuildCache:
    return BuildCache(tmp_path / "cache")


def compiled(module: nn.Module, inputs: tuple[torch.Tensor, ...], **options: object) -> Compilation:
    defaults = {"name": "net", "accelerator": TPU, "planner": planners.get("greedy"), "effort": Effort(1.0), "seed": 0}
    return compile_model(module, inputs, **{**defaults, **options})


@pytest.mark.parametrize("checked", [False, True])
def test_a_compiled_module_gives_pytorchs_numbers(cache, checked):
    module, inputs = residual()
    outputs = compiled(module, inputs, cache=cache, checked=checked).run(*inputs)
    for output, expected in zip(outputs, module(*inputs), strict=True):
        torch.testing.assert_close(output, expected.detach(), rtol=1e-4, atol=1e-5)


def test_other_inputs_of_the_same_shape(cache):
    module, inputs = residual()
    compilation = compiled(module, inputs, cache=cache)
    other = (torch.randn(16, 4).T, torch.zeros(4, 16))
    torch.testing.assert_close(compilation.run(*other)[0], module(*other)[0].detach(), rtol=1e-4, atol=1e-5)


def test_phases_are_announced_in_order_and_timed(cache):
    seen: list[str] = []
    compilation = compiled(*residual(), cache=cache, on_phase=seen.append)
    assert tuple(seen) == PHASES == tuple(compilation.phase_seconds)
    assert not compilation.cache_hit


def test_the_second_compilation_comes_from_the_cache(cache):
    module, inputs = residual()
    first = compiled(module, inputs, cache=cache)
    with torch.no_grad():
        module.linear.weight += 1.0
    second = compiled(module, inputs, cache=cache)
    assert (first.cache_hit, second.cache_hit) == (False, True)
    torch.testing.assert_close(second.run(*inputs)[0], module(*inputs)[0].detach(), rtol=1e-4, atol=1e-5)
    assert not compiled(module, inputs, cache=cache, checked=True).cache_hit


def test_the_same_seed_gives_the_same_plan(cache):
    assert compiled(*residual(), cache=cache).plan == compiled(*residual(), cache=cache).plan


RUN_LIBRARY = """
import sys, numpy, torch, tvm
machine = tvm.relax.VirtualMachine(tvm.runtime.load_module(sys.argv[1]), tvm.cpu())
arguments = torch.load(sys.argv[2])
outputs = machine["main"](*(tvm.runtime.tensor(value.numpy()) for value in arguments["inputs"] + arguments["weights"]))
torch.testing.assert_close(torch.from_numpy(outputs[0].numpy()), arguments["expected"], rtol=1e-4, atol=1e-5)
"""


def test_an_exported_library_runs_in_another_process_with_tvm_alone(cache, tmp_path):
    module, inputs = residual()
    compiled(module, inputs, cache=cache).export(tmp_path / "model.so")
    weights = [parameter.detach() for parameter in module.parameters()] + [module.scale]
    arguments = {"inputs": list(inputs), "weights": weights, "expected": module(*inputs)[0].detach()}
    torch.save(arguments, tmp_path / "arguments.pt")
    command = [sys.executable, "-c", RUN_LIBRARY, str(tmp_path / "model.so"), str(tmp_path / "arguments.pt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_plan_only_reads_no_weight():
    with torch.device("meta"):
        module, inputs = Residual().eval(), (torch.empty(4, 16), torch.empty(4, 16))
    seen: list[str] = []
    compilation = compiled(module, inputs, plan_only=True, on_phase=seen.append)
    assert tuple(seen) == PLAN_ONLY_PHASES
    assert compilation.plan.program_fingerprint == compilation.program.fingerprint
    with pytest.raises(InvalidInputError, match="only its plan was made; compile without plan_only to run it"):
        compilation.run(*inputs)


def test_meta_and_real_weights_give_one_program(cache):
    module, inputs = models.build("mlp_mixer", "tiny")
    with torch.device("meta"):
        meta = models.entry("mlp_mixer").builder(**models.entry("mlp_mixer").configs["tiny"])[0].eval()
    meta_inputs = tuple(torch.empty_like(value, device="meta") for value in inputs)
    plans = [compiled(m, i, plan_only=True).program.fingerprint for m, i in ((module, inputs), (meta, meta_inputs))]
    assert plans[0] == plans[1]


def test_a_tensor_larger_than_fast_memory_stays_in_slow_memory(cache):
    module, inputs = residual()
    compilation = compiled(module, inputs, cache=cache, accelerator=TPU.with_capacity(512), checked=True)
    weight = next(buffer for buffer in compilation.program.buffers if buffer.size_bytes == 16 * 16 * 4)
    assert weight.id not in {allocation.buffer for allocation in compilation.plan.allocations}
    torch.testing.assert_close(compilation.run(*inputs)[0], module(*inputs)[0].detach(), rtol=1e-4, atol=1e-5)


def test_zero_capacity(cache):
    module, inputs = residual()
    compilation = compiled(module, inputs, cache=cache, accelerator=TPU.with_capacity(0))
    assert compilation.plan.allocations == ()
    torch.testing.assert_close(compilation.run(*inputs)[0], module(*inputs)[0].detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((torch.zeros(4, 16),), "expected 2 inputs, found 1"),
        (
            (torch.zeros(4, 16), torch.zeros(5, 16)),
            r"expected shape and type \(\(4, 16\), 'float32'\), found \(\(5, 16\)",
        ),
        ((torch.zeros(4, 16), torch.zeros(4, 16, dtype=torch.float64)), "found .*'float64'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(cache, inputs, message):
    compilation = compiled(*residual(), cache=cache)
    with pytest.raises(InvalidInputError, match=message):
        compilation.run(*inputs)


def test_example_inputs_must_be_tensors():
    with pytest.raises(InvalidInputError, match="expected tensors as example inputs, found int at position 1"):
        compiled(Residual(), (torch.zeros(4, 16), 3))


def test_a_module_that_cannot_be_exported():
    class Branches(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1 if x.sum() > 0 else x - 1

    with pytest.raises(UnsupportedModelError, match=r"model 'net': torch\.export cannot capture it as one graph"):
        compiled(Branches(), (torch.zeros(3),))


def test_a_module_that_computes_nothing():
    class Identity(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    with pytest.raises(InvalidInputError, match=r"calls no kernel.*is the model empty"):
        compiled(Identity(), (torch.zeros(3),))


def test_an_invalid_plan_of_a_foreign_planner_is_refused(cache):
    @dataclasses.dataclass(frozen=True)
    class Careless:
        name: str = "careless"
        description: str = "forgets where tensors are accessed"

        def plan(self, problem, effort, *, seed):
            plan = planners.get("greedy").plan(problem, effort, seed=seed)
            return plan.model_copy(update={"accesses": (), "planner": self.name})

    with pytest.raises(InfeasiblePlanError, match="planner 'careless' made an invalid plan with"):
        compiled(*residual(), cache=cache, planner=Careless())


def test_a_cache_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match=r"expected a cache folder that can be written to.*MEMSTOW_CACHE"):
        compiled(*residual(), cache=BuildCache(tmp_path / "file" / "cache"))
