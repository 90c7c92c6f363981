"""Every model of the zoo, from PyTorch to numbers, in checked mode and with a memory too small for it."""

from __future__ import annotations

import pytest
import torch

from memstow import models, planners
from memstow.accelerator import load_accelerator
from memstow.planners import Effort
from memstow.tvm_ext.build_cache import BuildCache
from memstow.tvm_ext.compiler import compile_model
from memstow.validator import validate

TPU = load_accelerator("tpu_v5e")


@pytest.mark.parametrize("name", models.names())
def test_planned_numbers_are_pytorchs(name, tmp_path):
    module, inputs = models.build(name, "tiny")
    with torch.no_grad():
        eager = module(*inputs)
    expected = eager if isinstance(eager, tuple) else (eager,)
    budget = sum(p.numel() * p.element_size() for p in module.parameters()) // 8 + (32 << 10)
    compilation = compile_model(
        module,
        inputs,
        name=name,
        accelerator=TPU.with_capacity(budget),
        planner=planners.get("furthest-next-use"),
        effort=Effort(5),
        seed=0,
        checked=True,
        cache=BuildCache(tmp_path),
    )
    assert validate(compilation.program, compilation.accelerator, compilation.plan) == ()
    assert compilation.plan.copies, "the memory was meant to be too small to do without copies"
    outputs = compilation.run(*inputs)
    assert len(outputs) == len(expected)
    for output, reference in zip(outputs, expected, strict=True):
        scale = reference.abs().max().item()
        torch.testing.assert_close(output, reference, rtol=1e-3, atol=1e-4 * scale)
