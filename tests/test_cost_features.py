"""The features of a kernel: by hand for one, and what holds for all of them."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memstow.accelerator import Accelerator, load_accelerator
from memstow.cost_model.features import (
    FEATURES,
    NAMES,
    all_slow_seconds,
    compute_seconds,
    feature_rows,
    roofline_seconds,
)
from memstow.cost_model.kernel import OP_CLASSES, KernelFacts, TensorFacts

PARTS = [load_accelerator(name) for name in ("ethos_u65", "tpu_v5e", "unit")]


def tensor(*shape: int, dtype: str = "int8") -> TensorFacts:
    size = math.prod(shape)
    return TensorFacts(size_bytes=size, bytes_accessed=size, dtype=dtype, shape=shape)


#: 8 x 16 = (8 x 32) (16 x 32)^T.
MATMUL = KernelFacts(
    op_class="matmul",
    dtype="int8",
    matrix_flops=2 * 8 * 16 * 32,
    m=8,
    n=16,
    k=32,
    operands=(tensor(8, 32), tensor(16, 32)),
    results=(tensor(8, 16),),
)


def row(kernel: KernelFacts, part: Accelerator, *fast: bool) -> dict[str, float]:
    values = feature_rows(kernel, part, np.array([fast], dtype=bool))[0]
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_names_are_unique_and_documented():
    assert not [name for name, count in Counter(NAMES).items() if count > 1]
    assert all(feature.unit and feature.meaning for feature in FEATURES)
    placement = [feature.placement for feature in FEATURES]
    assert placement == sorted(placement), "what depends on the placement comes last"


def test_a_product_of_matrices_by_hand():
    # The Ethos-U65: 1.024e12 operations/s, 16e9 bytes/s of SRAM, 12e9 of DRAM, units of 8 x 16, 500 ns to launch.
    found = row(MATMUL, PARTS[0], True, False, False)
    assert (found["is_matmul"], found["is_copy"], found["element_bits"]) == (1.0, 0.0, 8.0)
    assert found["matrix_flops"] == pytest.approx(math.log2(1 + 8192))
    assert (found["m"], found["n"], found["k"]) == tuple(pytest.approx(math.log2(1 + x)) for x in (8, 16, 32))
    assert (found["m_fill16"], found["n_fill16"], found["depth_fill128"]) == (0.5, 1.0, 0.25)
    assert (found["unit_use"], found["unit_blocks"]) == (1.0, pytest.approx(math.log2(1 + 4 * 1)))
    assert (found["operand0_along_k"], found["operand1_along_k"]) == (1.0, 1.0)
    assert found["operand1_bytes"] == pytest.approx(math.log2(1 + 512))
    assert found["operand1_ratio"] == pytest.approx(math.log2(512 / 128))
    assert (found["operand0_slow"], found["operand1_slow"]) == (0.0, pytest.approx(math.log2(1 + 512)))
    assert found["slow_share"] == pytest.approx(640 / 896)
    memory = 256 / 16e9 + 640 / 12e9
    assert found["memory_ratio"] == pytest.approx(math.log2(memory / 8e-9), rel=1e-5)
    assert found["roofline_ratio"] == pytest.approx((memory + 5e-7) / (896 / 12e9 + 5e-7), rel=1e-5)
    assert found["slow_latency"] == pytest.approx(math.log2(1 + 500), rel=1e-5)


def test_the_roofline_is_the_analytical_models():
    fast = np.array([[False] * 3, [True] * 3])
    slow, quick = roofline_seconds(MATMUL, PARTS[0], fast)
    assert slow == pytest.approx(all_slow_seconds(MATMUL, PARTS[0])) == pytest.approx(896 / 12e9 + 5e-7)
    assert quick == pytest.approx(896 / 16e9 + 5e-7)
    assert compute_seconds(MATMUL, PARTS[0]) == pytest.approx(8e-9)


@st.composite
def kernels(draw: st.DrawFn) -> KernelFacts:
    extent = st.integers(1, 300)
    shapes = draw(st.lists(st.tuples(extent, extent), min_size=1, max_size=4))
    result = draw(st.tuples(extent, extent))
    amount = st.floats(0, 1e9)
    return KernelFacts(
        op_class=draw(st.sampled_from(OP_CLASSES)),
        dtype=draw(st.sampled_from(["int8", "f32"])),
        matrix_flops=draw(amount),
        elementwise=draw(amount),
        m=draw(extent),
        n=draw(extent),
        k=draw(extent),
        operands=tuple(tensor(*shape) for shape in shapes),
        results=(tensor(*result),),
    )


@given(kernels(), st.sampled_from(PARTS), st.data())
def test_placement_features_never_fall_as_a_tensor_leaves_fast_memory(
    kernel: KernelFacts, part: Accelerator, data: st.DataObject
):
    count = len(kernel.operands) + len(kernel.results)
    fast = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)), dtype=bool)
    moved = fast & (np.arange(count) != data.draw(st.integers(0, count - 1)))
    before, after = feature_rows(kernel, part, np.stack([fast, moved]))
    assert np.isfinite(before).all()
    placement = np.array([feature.placement for feature in FEATURES])
    np.testing.assert_array_equal(before[~placement], after[~placement])
    assert (after[placement] >= before[placement] - 1e-5).all()


def test_no_price_depends_on_the_capacity():
    small = PARTS[0].with_capacity(1024)
    assert row(MATMUL, small, True, True, False) == row(MATMUL, PARTS[0], True, True, False)
