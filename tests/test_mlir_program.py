from __future__ import annotations

from pathlib import Path

import pytest

from memstow import planners
from memstow.accelerator import load_accelerator
from memstow.cost_model.features import all_slow_seconds
from memstow.cost_model.kernel import KernelFacts
from memstow.cost_model.mlir import read_mlir, to_program
from memstow.errors import InvalidInputError
from memstow.planners import Effort, Problem
from memstow.retarget import retarget
from memstow.simulator import simulate
from memstow.validator import validate

from .mlir_text import DATA, function, kernels_of

FILES = sorted(path.name for path in DATA.glob("*.mlir"))


@pytest.mark.parametrize("name", FILES)
def test_instructions_carry_the_kernels_facts(name: str) -> None:
    kernels = read_mlir(DATA / name)
    program = to_program(kernels, load_accelerator("tpu_v5e"), name=name)
    sizes = {buffer.id: buffer.size_bytes for buffer in program.buffers}
    read_back = [KernelFacts.from_instruction(instruction, sizes) for instruction in program.instructions]
    assert read_back == [kernel.facts for kernel in kernels]


@pytest.mark.parametrize("name", FILES)
def test_programs_can_be_retargeted(name: str) -> None:
    kernels = read_mlir(DATA / name)
    there = load_accelerator("ethos_u65")
    moved = retarget(to_program(kernels, load_accelerator("tpu_v5e")), there)
    expected = [step.compute_seconds for step in to_program(kernels, there).instructions]
    assert [step.compute_seconds for step in moved.instructions] == pytest.approx(expected)


def test_kinds_of_buffers() -> None:
    program = to_program(read_mlir(DATA / "cnn.mlir"), load_accelerator("tpu_v5e"))
    kinds = [buffer.kind for buffer in program.buffers]
    assert (kinds.count("input"), kinds.count("output")) == (5, 2)


@pytest.mark.parametrize("name", FILES)
def test_a_planner_plans_the_program(name: str) -> None:
    accelerator = load_accelerator("tpu_v5e").with_capacity(32 * 1024)
    kernels = read_mlir(DATA / name)
    program = to_program(kernels, accelerator)
    plan = planners.get("greedy").plan(Problem(program, accelerator), Effort(2.0), seed=0)
    assert validate(program, accelerator, plan) == ()
    all_slow = sum(all_slow_seconds(kernel.facts, accelerator) for kernel in kernels)
    assert simulate(program, accelerator, plan).total_seconds < all_slow


def test_an_empty_function_cannot_be_planned(tmp_path: Path) -> None:
    kernels = kernels_of(tmp_path, function("%a: tensor<4xf32>", "    return %a : tensor<4xf32>", "tensor<4xf32>"))
    with pytest.raises(InvalidInputError, match="expected at least one kernel, found none"):
        to_program(kernels, load_accelerator("tpu_v5e"))
