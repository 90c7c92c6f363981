"""The choice of register tiles and of the number of parallel tasks for the contraction schedule."""

from __future__ import annotations

from dataclasses import dataclass

from .target import CpuTarget

_PADDING_PENALTY = 0.03
_MAX_IMBALANCE = 1.15


@dataclass(frozen=True)
class Tile:
    """A register tile of ``rows`` x ``columns`` accumulators."""

    rows: int
    columns: int


def ceil_div(a: int, b: int) -> int:
    """Quotient rounded up."""
    return -(-a // b)


def choose_tile(rows: int, columns: int, lanes: int, cpu: CpuTarget) -> Tile:
    """Pick the register tile with the highest estimated throughput for a ``rows`` x ``columns`` result.

    Per step of k a tile loads ``vectors`` vectors and ``tile rows`` broadcast scalars for ``rows * vectors`` FMAs; a
    core issues two loads and two FMAs a cycle with a latency of 4, so at least 8 accumulators are needed to fill it.
    """
    best, best_score = Tile(1, lanes), 0.0
    for vectors in (1, 2, 4):
        width = vectors * lanes
        for height in range(1, min(rows, 14) + 1):
            accumulators = height * vectors
            if accumulators + vectors + 1 > cpu.vector_registers:
                continue
            padded_rows = ceil_div(rows, height) * height
            padded_columns = ceil_div(columns, width) * width
            useful = rows * columns / (padded_rows * padded_columns)
            cycles = max(accumulators / 2, (vectors + height) / 2, 4)
            score = useful * accumulators / cycles * (accumulators / (accumulators + 1))
            if padded_rows != rows:
                score *= 1 - _PADDING_PENALTY
            if score > best_score:
                best, best_score = Tile(height, width), score
    return best


def choose_row_chunks(independent: int, row_tiles: int, cores: int) -> int:
    """Smallest divisor of ``row_tiles`` that spreads ``independent * chunks`` equal tasks evenly over ``cores``."""
    for chunks in range(1, row_tiles + 1):
        tasks = independent * chunks
        if row_tiles % chunks == 0 and ceil_div(tasks, cores) * cores <= tasks * _MAX_IMBALANCE:
            return chunks
    return row_tiles
