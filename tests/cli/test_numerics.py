"""The comparison of the planned run with PyTorch's eager run."""

from __future__ import annotations

import math
import re

import pytest
import torch

from memstow.cli.numerics import compare, eager_outputs


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def test_equal_outputs_have_no_error() -> None:
    found = compare([tensor(1, -2)], [tensor(1, -2)])
    assert (found.outputs, found.max_absolute_error, found.max_scaled_error, found.passed) == (1, 0.0, 0.0, True)


def test_the_error_is_relative_to_the_outputs_largest_magnitude() -> None:
    # 0.5 of 8 in the first output, 0.25 of 2 in the second: the second is worse.
    found = compare([tensor(0.5, -8), tensor(2.25)], [tensor(0, -8), tensor(2)], tolerance=0.125)
    assert (found.max_absolute_error, found.max_scaled_error, found.passed) == (0.5, 0.125, True)
    assert compare([tensor(2.25)], [tensor(2)], tolerance=0.124).passed is False


@pytest.mark.parametrize(
    ("output", "expected", "note"),
    [
        (tensor(1, 2), tensor(1), r"output 0: expected shape \(1,\), found \(2,\)"),
        (tensor(1).double(), tensor(1), "output 0: expected torch.float32, found torch.float64"),
        (torch.tensor([1, 5]), torch.tensor([1, 2]), "output 0: 1 of 2 values differ"),
        (torch.tensor([True]), torch.tensor([False]), "output 0: 1 of 1 values differ"),
        (tensor(math.nan, 1), tensor(1, 1), "output 0: 1 of 2 values are NaN or infinite on one side only"),
        (tensor(1, 1), tensor(math.nan, math.inf), "output 0: 2 of 2 values are NaN or infinite"),
        (tensor(-math.inf), tensor(math.inf), "output 0: 1 of 1 values are NaN or infinite"),
    ],
)
def test_what_no_tolerance_can_excuse(output: torch.Tensor, expected: torch.Tensor, note: str) -> None:
    found = compare([output], [expected], tolerance=1e9)
    assert found.passed is False
    assert re.search(note, found.note)


def test_the_same_nan_and_infinity_on_both_sides_agree() -> None:
    values = tensor(math.nan, math.inf, -math.inf, 2.0)
    found = compare([values], [values.clone()])
    assert (found.max_absolute_error, found.passed) == (0.0, True)


def test_a_large_integer_is_compared_exactly() -> None:
    # 2**53 + 1 and 2**53 are the same number in float64.
    assert compare([torch.tensor([2**53 + 1])], [torch.tensor([2**53])]).passed is False


def test_an_output_of_zeros_must_be_zeros() -> None:
    assert compare([tensor(0)], [tensor(0)]).passed is True
    assert compare([tensor(1e-30)], [tensor(0)]).passed is False


def test_a_vanishing_output_is_pointed_out() -> None:
    found = compare([tensor(1e-24)], [tensor(1e-24)])
    assert found.passed is True
    assert "output 0: nearly zero (at most 1.0e-24)" in found.note


def test_a_missing_output_fails() -> None:
    found = compare([tensor(1)], [tensor(1), tensor(2)])
    assert (found.passed, found.max_scaled_error, found.note) == (False, None, "expected 2 outputs, found 1")


def test_an_empty_output_agrees_with_itself() -> None:
    assert compare([torch.empty(0, 3)], [torch.empty(0, 3)]).passed is True


class Nested(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> dict[str, object]:
        y = x + 1
        x.add_(100)
        return {"first": y, "rest": [y * 2, None, (y * 3,)]}


def test_eager_outputs_are_flat_and_leave_the_inputs_alone() -> None:
    inputs = (tensor(1, 2),)
    outputs = eager_outputs(Nested(), inputs)
    assert [output.tolist() for output in outputs] == [[2, 3], [4, 6], [6, 9]]
    assert inputs[0].tolist() == [1, 2]
