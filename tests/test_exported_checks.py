"""Models that a planned program would compute something else for are refused, by name and place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from memstow.errors import UnsupportedModelError
from memstow.tvm_ext.frontend import export_model, import_exported

X = torch.randn(3, 3)


class Net(nn.Module):
    total: torch.Tensor

    def __init__(self, compute: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.compute = compute
        self.register_buffer("total", torch.zeros(3))
        self.dropout = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.compute(self, x)


def imported(compute: Callable[..., torch.Tensor], *, training: bool = False) -> object:
    return import_exported(export_model(Net(compute).train(training), (X.clone(),), name="net"), name="net")


@pytest.mark.parametrize(
    ("compute", "training", "message"),
    [
        (lambda net, x: net.total.add_(x[0]), False, "changes 'total' in place; return the value instead"),
        (lambda net, x: x.add_(1), False, "writes to none of its inputs and weights, found one that changes 'x'"),
        (lambda net, x: net.norm(x), True, r"changes 'norm\.running_mean' in place; .* call module\.eval\(\)"),
        (lambda net, x: net.dropout(x), True, r"draws random numbers with aten\.native_dropout\.default"),
        (lambda net, x: x + torch.rand(3), False, r"aten\.rand\.default \(test_exported_checks\.py:\d+\)"),
        (
            lambda net, x: torch.linalg.svd(torch.fft.fft(x).real)[0],
            False,
            r"importer has no translation of aten\._fft_r2c\.default \(test_exported_checks\.py:\d+\), .*svd",
        ),
        (lambda net, x: x[:0] * 2, False, r"expected tensors with elements, found '\w+' of shape \(0, 3\)"),
    ],
)
def test_a_model_that_does_more_than_compute(compute, training, message):
    with pytest.raises(UnsupportedModelError, match=rf"^model 'net': .*{message}"):
        imported(compute, training=training)


def test_dropout_and_batch_norm_in_evaluation_mode_pass():
    assert imported(lambda net, x: net.norm(net.dropout(x)))


def test_constants_in_the_result_are_no_outputs_of_the_program():
    model = imported(lambda net, x: {"y": x + 1, "none": None, "number": x.shape[0]})
    assert len(model.module["main"].ret_ty.fields) == 1
    assert model.structure.unflatten(("tensor",)) == {"y": "tensor", "none": None, "number": 3}
