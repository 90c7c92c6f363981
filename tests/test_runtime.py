from __future__ import annotations

import numpy as np
import pytest
import tvm

from memstow.native import library_path
from memstow.tvm_ext import runtime  # noqa: F401

FAST, SLOW = 1, 0


def function(name: str):
    return tvm.get_global_func(f"memstow.runtime.{name}")


def view(context, memory: int, offset: int, size: int, dtype: str = "float32"):
    return function("view")(context, memory, offset, tvm.runtime.ShapeTuple([size]), tvm.DataType(dtype))


def test_the_core_is_part_of_the_installed_package():
    assert library_path().is_file()


def test_views_of_an_arena_share_its_bytes():
    context = function("context")(256, 0, False)
    view(context, FAST, 0, 64).copyfrom(np.arange(64, dtype=np.float32))
    np.testing.assert_array_equal(view(context, FAST, 128, 16).numpy(), np.arange(32, 48))


def test_a_copy_is_there_after_its_wait():
    context = function("context")(1024, 1024, False)
    view(context, SLOW, 0, 256).copyfrom(np.arange(256, dtype=np.float32))
    function("start")(context, 0, view(context, SLOW, 0, 256), view(context, FAST, 0, 256))
    function("wait")(context, 0)
    np.testing.assert_array_equal(view(context, FAST, 0, 256).numpy(), np.arange(256))


@pytest.mark.parametrize(
    ("memory", "offset", "size", "message"),
    [
        (FAST, 0, 65, "view of 260 bytes at offset 0 lies outside of the fast arena of 256 bytes"),
        (SLOW, -64, 1, "view of 4 bytes at offset -64 lies outside of the slow arena of 64 bytes"),
        (FAST, 8, 1, "expected an offset that is a multiple of 64 bytes, found 8"),
    ],
)
def test_views_outside_an_arena_are_refused(memory, offset, size, message):
    with pytest.raises(ValueError, match=message):
        view(function("context")(256, 64, False), memory, offset, size)


def test_a_wait_without_a_start_is_refused():
    with pytest.raises(ValueError, match="copy 3 was never started; start it before the wait"):
        function("wait")(function("context")(64, 64, False), 3)


def test_checked_arenas_and_copies_in_flight_are_poison():
    context = function("context")(64, 64, True)
    slow, fast = view(context, SLOW, 0, 16), view(context, FAST, 0, 16)
    assert np.isnan(slow.numpy()).all()
    slow.copyfrom(np.ones(16, np.float32))
    fast.copyfrom(np.ones(16, np.float32))
    function("start")(context, 0, slow, fast)
    assert np.isnan(fast.numpy()).all()
    function("wait")(context, 0)
    assert (fast.numpy() == 1).all()


def test_a_checked_copy_whose_source_changed_delivers_poison():
    context = function("context")(64, 64, True)
    slow, fast = view(context, SLOW, 0, 16), view(context, FAST, 0, 16)
    slow.copyfrom(np.ones(16, np.float32))
    function("start")(context, 0, slow, fast)
    slow.copyfrom(np.zeros(16, np.float32))
    function("wait")(context, 0)
    assert np.isnan(fast.numpy()).all()


@pytest.mark.parametrize(("dtype", "expected"), [("int64", 165), ("int32", 165), ("uint8", 0xA5), ("bool", 0xA5)])
def test_integers_are_poisoned_with_165(dtype, expected):
    tensor = view(function("context")(64, 64, False), FAST, 0, 3, dtype)
    function("poison")(tensor)
    assert (tensor.numpy().astype(np.int64) == expected).all() or (dtype == "bool" and tensor.numpy().all())
