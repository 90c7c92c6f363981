"""Prices over all placements of a kernel's tensors."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memstow.cost_model.lattice import answers, asked_placements, every_placement, monotone


def test_worked_example():
    np.testing.assert_allclose(monotone(np.array([3.0, 2.0, 3.2, 1.0])), [3.1, 2.0, 3.1, 1.0])


def test_placements_by_mask():
    assert every_placement(2).tolist() == [[False, False], [True, False], [False, True], [True, True]]


@given(st.integers(0, 4).flatmap(lambda n: st.lists(st.floats(-9, 9), min_size=1 << n, max_size=1 << n)))
def test_never_rises_with_a_tensor_that_becomes_fast(values: list[float]):
    found = monotone(np.array(values))
    tensors = len(values).bit_length() - 1
    for mask in range(len(values)):
        for bit in range(tensors):
            assert found[mask | 1 << bit] <= found[mask] + 1e-12
    assert min(values) - 1e-12 <= found.min() and found.max() <= max(values) + 1e-12


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_what_is_monotone_stays(tensors: int, random):
    weights = [random.random() for _ in range(tensors)]
    values = -(every_placement(tensors) @ np.array(weights))
    np.testing.assert_allclose(monotone(values), values, atol=1e-12)


def test_answers_are_those_of_the_placements_that_were_asked():
    fast = np.array([[True, True, False], [False, False, False]])
    values = -np.arange(8.0)
    assert asked_placements(fast).shape == (8, 3)
    assert answers(fast, values).tolist() == [-3.0, 0.0]


def test_more_than_eight_tensors_keep_the_trees_word():
    fast = np.ones((2, 9), dtype=bool)
    assert asked_placements(fast) is fast
    assert answers(fast, np.array([1.0, 2.0])).tolist() == [1.0, 2.0]
