"""What a machine with a cache reaches, as an :class:`~memstow.accelerator.Accelerator`: measured with few kernels."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tvm import te, tirx, topi
from tvm.target import Target

from ...accelerator import Accelerator, DmaEngine, Memory
from ...cost_model.measurer import Measurer, Runs
from ...errors import InvalidInputError
from .build_kernels import build_kernels

_RUNS = Runs(10, 100, 1.0)
_MATMUL_EXTENTS = (128, 256, 512)
_VECTOR_ELEMENTS = 4096
_VECTOR_STEPS = 64
_CACHE_LINE = 64
_COPY_SHARE = 8  # of the cache: source and destination fit, and the private caches do not hold them


def calibrate(measurer: Measurer, target: Target, cache_bytes: int | None = None) -> Accelerator:
    """Measure arithmetic, the bandwidths of cache and memory, and the time of an empty kernel, on one core.

    Args:
        measurer: runs the kernels.
        target: what to build them for.
        cache_bytes: size of the machine's last-level cache; left out, this machine's.

    Raises:
        InvalidInputError: the cache size is not given and cannot be read.
    """
    cache_bytes = cache_bytes or last_level_cache_bytes()
    elements = cache_bytes // _COPY_SHARE // 4
    kernels = {f"matmul_{extent}": _matmul(extent) for extent in _MATMUL_EXTENTS}
    kernels |= {"vector": _vector(), "copy": _copy(elements), "stream": _copy(16 * elements), "empty": _copy(1)}
    with tempfile.TemporaryDirectory(prefix="memstow-calibrate-") as folder:
        built = build_kernels(kernels, target, Path(folder) / "calibrate.so")

        def seconds(name: str, fast: bool) -> float:
            kernel = built[name]
            return measurer.measure(kernel, [(fast,) * len(kernel.arguments)], _RUNS)[0].seconds

        empty = seconds("empty", True)
        flops = max(2.0 * extent**3 / seconds(f"matmul_{extent}", True) for extent in _MATMUL_EXTENTS)
        vector = 2.0 * _VECTOR_ELEMENTS * _VECTOR_STEPS / max(seconds("vector", True) - empty, 1e-9)
        fast = 8.0 * elements / seconds("copy", True)
        slow = 16 * 8.0 * elements / seconds("stream", False)
    return Accelerator(
        name="host",
        description="One core of a machine, as measured: last-level cache over main memory",
        flops_per_second={"f32": _rounded(flops)},
        vector_flops_per_second={"f32": _rounded(vector)},
        launch_overhead_seconds=_rounded(empty),
        fast_memory=_memory("cache", cache_bytes, max(fast, slow)),
        slow_memory=_memory("memory", os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), slow),
        dma=DmaEngine(bytes_per_second=_rounded(slow)),
    )


def last_level_cache_bytes() -> int:
    """Of this machine's first core.

    Raises:
        InvalidInputError: the system does not tell.
    """
    sizes = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    if not sizes:
        raise InvalidInputError("last-level cache: expected its size under /sys, found none; pass cache_bytes")
    text = sizes[-1].read_text(encoding="ascii").strip()
    return int(text.rstrip("KM")) * {"K": 1 << 10, "M": 1 << 20}.get(text[-1], 1)


def _memory(name: str, capacity: int, bandwidth: float) -> Memory:
    rate = _rounded(bandwidth)
    return Memory(
        name=name,
        capacity_bytes=capacity,
        read_bytes_per_second=rate,
        write_bytes_per_second=rate,
        alignment_bytes=_CACHE_LINE,
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _tensor(*shape: int, name: str) -> te.Tensor:
    return te.placeholder([tirx.IntImm("int64", extent) for extent in shape], dtype="float32", name=name)


def _matmul(extent: int) -> tirx.PrimFunc:
    a, b = _tensor(extent, extent, name="a"), _tensor(extent, extent, name="b")
    return te.create_prim_func([a, b, topi.matmul(a, b)])


def _vector() -> tirx.PrimFunc:
    """Multiply-adds on elements that stay in registers, independent between elements."""
    x = _tensor(_VECTOR_ELEMENTS, name="x")

    def chain(i: tirx.Var) -> tirx.Expr:
        value = x[i]
        for _ in range(_VECTOR_STEPS):
            value = value * x[i] + x[i]
        return value

    return te.create_prim_func([x, te.compute(x.shape, chain, name="chain")])


def _copy(elements: int) -> tirx.PrimFunc:
    x = _tensor(elements, name="x")
    return te.create_prim_func([x, te.compute(x.shape, lambda i: x[i] + 1.0, name="copy")])
