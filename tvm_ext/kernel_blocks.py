"""The blocks of a TIR kernel as plain facts: who stores what, how often, and where its elements come from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tvm_ffi
from tvm import tirx
from tvm.ir import Var
from tvm.ir.expr import TensorLoad
from tvm.s_tir.stmt import SBlock

from .expressions import REDUCTION, loads, static
from .index_map import OUTSIDE, NotAnIndexMap, Points, coordinates, flat_offset, probe_grid


@dataclass(frozen=True)
class Store:
    """A store with the number of times that it runs."""

    node: tirx.BufferStore
    trips: int

    @property
    def buffer(self) -> Any:
        """What is written to."""
        return self.node.buffer


@dataclass(frozen=True)
class Block:
    """A block without blocks inside."""

    node: SBlock
    stores: tuple[Store, ...]

    @property
    def extents(self) -> dict[Var, int]:
        """Extents of the block's variables."""
        return {iv.var: static(iv.dom.extent) for iv in self.node.iter_vars}

    @property
    def reduced(self) -> set[Var]:
        """Variables that are reduced over."""
        return {iv.var for iv in self.node.iter_vars if int(iv.iter_type) == REDUCTION}


def read_blocks(func: tirx.PrimFunc) -> list[Block]:
    """Blocks in program order. Statements outside of any inner block make one block with the root."""
    found: list[Block] = []
    _read_block(func.body.block if hasattr(func.body, "block") else func.body, 1, found)
    return found


def _read_block(root: Any, trips: int, found: list[Block]) -> None:
    stores: list[Store] = []

    def visit(statement: Any, trips: int) -> None:
        def on_loop(loop: tirx.For) -> tvm_ffi.WalkResult:
            visit(loop.body, trips * static(loop.extent))
            return tvm_ffi.WalkResult.SKIP

        def on_store(store: tirx.BufferStore) -> None:
            stores.append(Store(store, trips))

        def on_block(block: SBlock) -> tvm_ffi.WalkResult:
            # A block's variables take the place of the loops around it.
            _read_block(block, math.prod(static(iv.dom.extent) for iv in block.iter_vars), found)
            return tvm_ffi.WalkResult.SKIP

        tvm_ffi.structural_walk(
            statement, [(SBlock, on_block), (tirx.For, on_loop), (tirx.BufferStore, on_store)], order="pre"
        )

    visit(root.body if isinstance(root, SBlock) else root, trips)
    if stores:
        found.append(Block(root, tuple(stores)))


@dataclass
class Movement:
    """Follows the elements of results back through blocks that only rename, reshape or compute them in place."""

    blocks: list[Block]
    _producers: dict[Any, Block] = field(init=False)

    def __post_init__(self) -> None:
        single = [block for block in self.blocks if len(block.stores) == 1 and not block.reduced]
        self._producers = {block.stores[0].buffer: block for block in single if isinstance(block.node, SBlock)}

    def is_in_order(self, block: Block) -> bool:
        """Whether the elements of a block's store lie in the order in which their sources lie.

        Dimensions in which a source repeats (a broadcast) are no matter of order.
        """
        buffer = block.stores[0].buffer
        shape = [int(extent) for extent in buffer.shape]
        grid, points = probe_grid(shape)
        flat = np.zeros(points[0].shape if points else (1,), dtype=np.int64)
        for axis, extent in zip(points, shape, strict=True):
            flat = flat * extent + axis
        try:
            return all(_is_monotone(offsets.reshape(grid)) for offsets in self._sources(buffer, flat))
        except NotAnIndexMap:
            return True

    def _sources(self, buffer: Any, offsets: Points) -> Iterator[Points]:
        """Where the elements at ``offsets`` come from, in every tensor that no block here computes element by element.

        Raises:
            NotAnIndexMap: that depends on data.
        """
        seen: set[tuple[Any, bytes]] = set()
        open_ends: list[tuple[Any, Points]] = [(buffer, offsets)]
        while open_ends:
            buffer, offsets = open_ends.pop()
            key = (buffer, offsets.tobytes())
            producer = self._producers.get(buffer)
            if key in seen:
                continue
            seen.add(key)
            if producer is None:
                yield offsets
                continue
            values = _bind(producer, offsets)
            for load in _own_loads(producer):
                found = flat_offset(load.indices, load.source.shape, values, len(offsets))
                open_ends.append((load.source, np.where(offsets == OUTSIDE, OUTSIDE, found)))


def _own_loads(block: Block) -> list[TensorLoad]:
    return loads(block.stores[0].node.value)


def _bind(block: Block, offsets: Points) -> dict[Var, Points]:
    """Values of the block's variables at which it stores to ``offsets``."""
    store = block.stores[0].node
    values = {}
    for index, points in zip(store.indices, coordinates(offsets, store.buffer.shape), strict=True):
        if isinstance(index, Var):
            values[index] = points
        elif not isinstance(index, tirx.IntImm):
            raise NotAnIndexMap("a store to computed indices")
    return values


def _is_monotone(grid: Points) -> bool:
    """Whether offsets grow with the position, over the dimensions in which they change at all."""
    for axis in range(grid.ndim):
        # Where the largest is taken for one that is outside, all offsets along a broadcast are the same.
        largest = grid.max(axis=axis, keepdims=True)
        if np.all((grid == largest) | (grid == OUTSIDE)):
            grid = largest
        # A repetition merged into a dimension (grouped queries) shows as equal slices.
        grid = grid.take(np.sort(np.unique(grid, axis=axis, return_index=True)[1]), axis=axis)
    inside = grid[grid != OUTSIDE]
    return bool(np.all(np.diff(inside) >= 0))
