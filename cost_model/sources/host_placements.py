"""Which placements of a kernel's tensors are worth measuring."""

from __future__ import annotations

from ..kernel import KernelFacts

#: Part of the cache that tensors may take for a kernel to find them there: the rest is the kernel's own.
USABLE_SHARE = 0.5


def choose_placements(
    kernel: KernelFacts, positions: tuple[int, ...], capacity_bytes: int, limit: int
) -> list[tuple[bool, ...]]:
    """All slow, all fast, then each tensor alone fast and alone slow, the largest first; at most ``limit``.

    Args:
        kernel: its tensors.
        positions: which argument each tensor is; tensors of one argument share their place.
        capacity_bytes: of the cache; placements that do not fit into :data:`USABLE_SHARE` of it are left out.
        limit: how many.

    Returns:
        For each placement, whether each operand, then each result is in fast memory.
    """
    size: dict[int, float] = {}
    accessed: dict[int, float] = {}
    for position, tensor in zip(positions, kernel.operands + kernel.results, strict=True):
        size[position] = max(tensor.size_bytes, size.get(position, 0.0))
        accessed[position] = tensor.bytes_accessed + accessed.get(position, 0.0)
    everything = frozenset(size)
    candidates = [frozenset[int](), everything]
    for position in sorted((p for p in size if accessed[p]), key=lambda p: (-accessed[p], p)):
        candidates += [frozenset({position}), everything - {position}]
    usable = USABLE_SHARE * capacity_bytes
    fitting = [fast for fast in dict.fromkeys(candidates) if sum(size[p] for p in fast) <= usable]
    return [tuple(position in fast for position in positions) for fast in fitting[:limit]]
