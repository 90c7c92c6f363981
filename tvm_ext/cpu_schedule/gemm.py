"""Schedules for contractions with a row, a column and a reduction axis: matmul, batched matmul, convolution.

The contraction is brought to ``C[s, i, j] += A[s, i, k] * B[s, k, j]`` by index maps, where ``j`` holds the axis of C
that is contiguous in memory. A convolution becomes an implicit matrix product this way. One task packs a panel
``B[:, tile of j]`` (for convolutions this is im2col restricted to the panel) and runs the register-tiled kernel over
it:

    parallel (s, i chunk, j tile)
      pack B panel                          k x columns
      for i tile
        init; for k: rows x columns FMAs    accumulators stay in registers
        epilogue on the tile
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from tvm import s_tir, tirx
from tvm.ir import TensorLoad
from tvm.tirx.analysis import undefined_vars

from .analysis import Iter, block_iters, extents, is_canonical, is_spatial, root_blocks, strides, work
from .spatial import PARALLEL_THRESHOLD, inline_spatial, schedule_spatial, try_step
from .target import CpuTarget
from .tiling import Tile, ceil_div, choose_row_chunks, choose_tile

_MIN_ROWS_TO_PACK = 8


@dataclass(frozen=True)
class Contraction:
    """The roles of a contraction's iterators: lists of positions in the block's iterators."""

    batch: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    reduction: tuple[int, ...]
    row_read: int
    column_read: int


def find_contraction(sch: Any, block: Any) -> Contraction | None:
    """Classify the iterators of ``block``, or None if it is no product of two buffers summed over an axis."""
    iters = block_iters(sch, block)
    statement = sch.get(block)
    if iters is None or len(statement.reads) != 2 or len(statement.writes) != 1 or not is_product_sum(statement.body):
        return None
    regions = [_region_vars(region) for region in (*statement.reads, *statement.writes)]
    if any(region is None for region in regions):
        return None
    *reads, written = [region for region in regions if region is not None]
    last = next((axis for axis in reversed(iters) if not axis.is_reduction and axis.extent > 1), None)
    if last is None or (last.var in reads[0]) == (last.var in reads[1]):
        return None
    column_read = 0 if last.var in reads[0] else 1
    roles: dict[str, list[int]] = {"s": [], "i": [], "j": [], "k": []}
    for position, axis in enumerate(iters):
        in_row, in_column = axis.var in reads[1 - column_read], axis.var in reads[column_read]
        role = _role(axis, in_row, in_column, axis.var in written)
        if role is None:
            return None
        roles[role].append(position)
    if not roles["k"] or not roles["j"]:
        return None
    return Contraction(
        tuple(roles["s"]), tuple(roles["i"]), tuple(roles["j"]), tuple(roles["k"]), 1 - column_read, column_read
    )


def _role(axis: Iter, in_row: bool, in_column: bool, in_output: bool) -> str | None:
    if axis.is_reduction:
        return "k" if axis.extent == 1 or (in_row and in_column) else None
    if axis.extent == 1:
        return "s"
    if not in_output or not (in_row or in_column):
        return None
    return "s" if in_row and in_column else ("i" if in_row else "j")


def _region_vars(region: Any) -> set[Any] | None:
    found: set[Any] = set()
    for dim in region.region:
        if not (isinstance(dim.extent, tirx.IntImm) and int(dim.extent) == 1):
            return None
        found.update(undefined_vars(dim.min))
    return found


def is_product_sum(body: Any) -> bool:
    """Whether a block body is ``C[...] = C[...] + x * y``, with casts allowed around the factors."""
    if not isinstance(body, tirx.BufferStore) or not isinstance(body.value, tirx.Add):
        return False
    total, product = body.value.a, body.value.b
    same = isinstance(total, TensorLoad) and total.source.same_as(body.buffer)
    return same and isinstance(product, tirx.Mul) and all(_is_factor(x) for x in (product.a, product.b))


def _is_factor(value: Any) -> bool:
    while isinstance(value, tirx.Cast):
        value = value.value
    return isinstance(value, TensorLoad)


def schedule_contraction(func: Any, cpu: CpuTarget) -> Any | None:
    """Schedule ``func`` if its heaviest block is a contraction; None if it is not."""
    sch = s_tir.Schedule(func, error_render_level="fast")
    candidates = [(work(iters), block) for block in root_blocks(sch) if (iters := block_iters(sch, block)) is not None]
    if not candidates:
        return None
    main = max(candidates, key=lambda item: item[0])[1]
    roles = find_contraction(sch, main)
    if roles is None or not is_canonical(sch, main):
        return None
    inline_spatial(sch)
    builder = _Builder(sch, main, roles, cpu)
    if builder.rows == 1 and builder.packs:
        return None  # a panel that is used once costs more than it saves
    builder.normalise()
    return sch if builder.tile_and_pack() else None


class _Builder:
    """Applies the schedule to one contraction; its steps share the main block and the geometry."""

    def __init__(self, sch: Any, main: Any, roles: Contraction, cpu: CpuTarget) -> None:
        self.sch, self.main, self.roles, self.cpu = sch, main, roles, cpu
        self.iters = block_iters(sch, main) or []
        self.dtype = str(sch.get(main).writes[0].source.dtype)
        self.batch, self.rows, self.columns, self.depth = (
            prod(self.iters[position].extent for position in group)
            for group in (roles.batch, roles.rows, roles.columns, roles.reduction)
        )
        self.tile: Tile = choose_tile(self.rows, self.columns, cpu.lanes(self.dtype), cpu)
        self.pads = self.rows % self.tile.rows != 0 or self.columns % self.tile.columns != 0
        self.packs = self.pads or self.rows >= _MIN_ROWS_TO_PACK or not self._columns_are_contiguous()
        self.panel: Any = None
        self.epilogue: Any = None

    def _columns_are_contiguous(self) -> bool:
        source = self.sch.get(self.main).reads[self.roles.column_read]
        pattern = strides(source.source, [dim.min for dim in source.region], self.iters)
        if pattern is None:
            return False
        step = 1
        for position in reversed(self.roles.columns):
            if pattern[position] != step:
                return False
            step *= self.iters[position].extent
        return True

    def normalise(self) -> None:
        """Bring the block to ``C[s, i, j] += A[s, i, k] * B[s, k, j]``, padded to whole tiles.

        What remains besides it: the panel block that copies B, one epilogue block, and independent stages, which are
        scheduled here.
        """
        sch, main, roles = self.sch, self.main, self.roles
        read_groups = {
            roles.row_read: (roles.batch, roles.rows, roles.reduction),
            roles.column_read: (roles.batch, roles.reduction, roles.columns),
        }
        copies = {i: sch.reindex(main, ("read", i)) for i in read_groups}
        sch.reindex(main, ("write", 0))
        statement = sch.get(main)
        for i, groups in read_groups.items():
            index_map = self._map(statement.reads[i], groups)
            sch.transform_layout(main, ("read", i), index_map)
            sch.transform_block_layout(copies[i], index_map)
        write_map = self._map(statement.writes[0], (roles.batch, roles.rows, roles.columns))
        sch.transform_layout(main, ("write", 0), write_map)
        sch.transform_block_layout(main, self._map(None, (roles.batch, roles.rows, roles.columns, roles.reduction)))
        row_copy, self.panel = copies[roles.row_read], copies[roles.column_read]
        if self.pads:
            sch.pad_einsum(main, [1, self.tile.rows, self.tile.columns, 1])
            row_copy, self.panel = self._merge_padding(row_copy), self._merge_padding(self.panel)
        if not self.pads or self.rows % self.tile.rows == 0:
            try_step(sch.compute_inline, row_copy)
        self.epilogue = self._merge_consumers()
        if is_identity(sch, self.epilogue, write_map):
            sch.transform_block_layout(self.epilogue, write_map)
        own = [self.sch.get(block).name_hint for block in (main, self.panel, self.epilogue)]
        for block in root_blocks(sch):
            if sch.get(block).name_hint not in own:
                schedule_spatial(sch, block, self.cpu)

    def _map(self, region: Any, groups: tuple[tuple[int, ...], ...]) -> Any:
        """Index map from the iterators used in ``region`` (all without one) to one fused index per group."""
        used = None if region is None else _region_vars(region)
        inputs, fused = [], {}
        for position, axis in enumerate(self.iters):
            if used is None or axis.var in used:
                fused[position] = tirx.Var(f"i{position}", axis.var.ty)
                inputs.append(fused[position])
        zero = tirx.IntImm(self.iters[0].var.ty, 0)
        outputs = []
        for group in groups:
            index: Any = None
            for position in group:
                if position in fused:
                    index = fused[position] if index is None else index * self.iters[position].extent + fused[position]
            outputs.append(zero if index is None else index)
        return tirx.IndexMap(inputs, outputs, None)

    def _merge_padding(self, copy: Any) -> Any:
        """Inline the copy into the block that pads it, and return the block that feeds the contraction."""
        consumer = self.sch.get_consumers(copy)[0]
        if self.sch.get(consumer).name_hint == self.sch.get(self.main).name_hint:
            return copy
        self.sch.compute_inline(copy)
        return consumer

    def _merge_consumers(self) -> Any:
        """Inline the chain of spatial consumers forward into its last block, and return that block."""
        sch = self.sch
        block = sch.get_consumers(self.main)[0]
        while len(consumers := sch.get_consumers(block)) == 1 and try_step(sch.compute_inline, block):
            block = consumers[0]
        return block

    def tile_and_pack(self) -> bool:
        """Split the loops into tasks and register tiles, and attach the panel and the epilogue.

        False means that a block could not be attached as one exact tile: the schedule must be thrown away.
        """
        sch, main, tile = self.sch, self.main, self.tile
        batch, rows, columns, depth = sch.get_loops(main)
        row_tiles, column_tiles = ceil_div(self.rows, tile.rows), ceil_div(self.columns, tile.columns)
        chunks = choose_row_chunks(self.batch * column_tiles, row_tiles, self.cpu.cores)
        chunk, row_tile, row = sch.split(rows, [chunks, None, tile.rows])
        column_tile, column = sch.split(columns, [None, tile.columns])
        sch.reorder(batch, chunk, column_tile, row_tile, depth, row, column)
        task = sch.fuse(batch, chunk, column_tile)
        if self.batch * self.rows * self.columns * self.depth >= PARALLEL_THRESHOLD:
            sch.parallel(task)
        sch.unroll(row)
        sch.vectorize(column)
        if self.packs:
            sch.compute_at(self.panel, task)
            inner = sch.get_loops(self.panel)[1:]
            if extents(sch, inner) != [self.depth, tile.columns]:
                return False
            sch.vectorize(inner[-1])
        else:
            sch.compute_inline(self.panel)
        sch.reverse_compute_at(self.epilogue, row_tile)
        own = sch.get_loops(self.epilogue)[2:]
        if extents(sch, own) != [extent for extent in (tile.rows, tile.columns) if extent > 1]:
            return False
        sch.vectorize(own[-1])
        for loop in own[:-1]:
            sch.unroll(loop)
        sch.set_scope(main, 0, "local")
        sch.decompose_reduction(main, depth)
        return True


def is_identity(sch: Any, block: Any, index_map: Any) -> bool:
    """Whether ``block`` iterates over as many axes as ``index_map`` takes, so that the map can reorder its loops."""
    iters = block_iters(sch, block)
    return iters is not None and is_spatial(iters) and len(iters) == len(index_map.initial_indices)
