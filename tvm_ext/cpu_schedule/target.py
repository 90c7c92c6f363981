"""The facts about a CPU that the schedule rules need, read from a ``tvm.target.Target``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tvm
from tvm.target import Target

from ...hardware import core_count

_FEATURE_BITS = (("avx512f", 512), ("avx", 256), ("sse2", 128))
_FALLBACK_BITS = 128


@dataclass(frozen=True)
class CpuTarget:
    """Vector width, register count and core count of one CPU target."""

    vector_bits: int
    vector_registers: int
    cores: int

    @classmethod
    def of(cls, target: Target) -> CpuTarget:
        """Derive the facts from ``target``; a plain ``llvm`` target is taken for SSE2 with 128-bit vectors."""
        bits = _vector_bits(target)
        cores = target.attrs.get("num-cores", None)
        return cls(bits, 32 if bits == 512 else 16, int(cores) if cores else core_count())

    def lanes(self, dtype: str) -> int:
        """Elements of ``dtype`` in one vector register, at least 1."""
        return max(1, self.vector_bits // max(8, int(tvm.DataType(dtype).bits)))


def _vector_bits(target: Target) -> int:
    has_feature = tvm.get_global_func("target.target_has_feature")
    return next((bits for feature, bits in _FEATURE_BITS if has_feature(feature, target)), _FALLBACK_BITS)


def host_target(cores: int | None = None) -> Target:
    """Return the LLVM target of this machine: its CPU name and ``cores`` (default: those this process may use)."""
    config: dict[str, Any] = {
        "kind": "llvm",
        "mcpu": str(tvm.get_global_func("target.llvm_get_system_cpu")()),
        "num-cores": cores or core_count(),
    }
    return Target(config)
