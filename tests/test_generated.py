"""Generated operators and models: always the same, usual in shape, and what they claim to be."""

from __future__ import annotations

import math

import pytest
import torch

from memstow.cost_model.sources.vela_generated import GENERATED, generated_operators
from memstow.tvm_ext.measure.generated_models import GENERATED as MODELS
from memstow.tvm_ext.measure.generated_models import generated_model


@pytest.mark.parametrize("program", ["generated_pooling", "generated_depthwise"])
def test_operators_are_always_the_same_and_of_bounded_size(program: str):
    operators = generated_operators(program)
    assert operators == generated_operators(program)
    assert len(set(operators)) == GENERATED[program][1]
    for op in operators:
        assert all(extent >= 1 for shape in (*op.inputs, op.output) for extent in shape)
        assert max(math.prod(shape) for shape in (*op.inputs, op.output)) <= 1 << 23


def test_facts_of_a_generated_convolution_are_those_of_its_shapes():
    op = generated_operators("generated_depthwise")[0]
    facts = op.facts()
    assert facts.op_class == "depthwise"
    assert facts.matrix_flops == 2.0 * math.prod(op.output) * math.prod(op.window)
    assert [t.shape for t in facts.operands] == [op.inputs[0], op.weights]


@pytest.mark.parametrize("program", [name for name in MODELS if name.endswith("_0")])
def test_models_are_always_the_same_and_run(program: str):
    for seed in range(3):
        (one, inputs), (two, again) = (generated_model(seed, MODELS[program]) for _ in range(2))
        with torch.no_grad():
            first, second = one(*inputs), two(*again)
        assert first.shape == second.shape
        assert torch.equal(torch.nan_to_num(first), torch.nan_to_num(second))
        assert all(not parameter.requires_grad for parameter in one.parameters())
