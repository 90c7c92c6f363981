from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memstow.planners.packing import FastMemory, Lifetime, pack, peak_load

random_blocks = settings(max_examples=100, deadline=None, derandomize=True, database=None)
lifetimes = st.builds(
    lambda start, length, size: Lifetime(start, start + length, size),
    st.integers(0, 12),
    st.integers(0, 6),
    st.integers(1, 20),
)


@dataclass(frozen=True)
class Placed:
    """A block with its offset."""

    life: Lifetime
    offset: int

    def meets(self, other: Placed) -> bool:
        in_time = self.life.start <= other.life.end and other.life.start <= self.life.end
        in_space = self.offset < other.offset + other.life.size and other.offset < self.offset + self.life.size
        return in_time and in_space


def three_blocks() -> FastMemory:
    """Capacity 12::

    offset 12
           |        CC    C: [8, 12) during [4, 5]
         8 |        CC
           | BBBBBB       B: [4, 7) during [0, 3]
         4 |
           | AA           A: [0, 4) during [0, 1]
         0 +--------> time
    """
    memory = FastMemory(12)
    memory.place(0, 0, 4, 0, 1)
    memory.place(1, 4, 3, 0, 3)
    memory.place(2, 8, 4, 4, 5)
    return memory


@pytest.mark.parametrize(
    ("span", "holes"),
    [
        ((0, 0), [(7, 5)]),
        ((2, 3), [(0, 4), (7, 5)]),
        ((3, 4), [(0, 4), (7, 1)]),
        ((5, 5), [(0, 8)]),
        ((6, 9), [(0, 12)]),
    ],
)
def test_holes_by_hand(span: tuple[int, int], holes: list[tuple[int, int]]) -> None:
    assert three_blocks().holes(*span) == holes


def test_holes_begin_at_aligned_offsets() -> None:
    # [7, 12) is free during [0, 0]; 8 is the first multiple of 4 in it.
    memory = FastMemory(12, alignment=4)
    memory.place(0, 0, 4, 0, 1)
    memory.place(1, 4, 3, 0, 3)
    assert memory.holes(0, 0) == [(8, 4)]
    assert memory.best_fit(5, 0, 0) == -1


def test_best_fit_takes_the_smallest_hole_and_first_fit_the_lowest() -> None:
    # During [3, 4] the holes are [0, 4) and [7, 8).
    memory = three_blocks()
    assert memory.best_fit(1, 3, 4) == 7
    assert memory.first_fit(1, 3, 4) == 0
    assert memory.best_fit(5, 3, 4) == memory.first_fit(5, 3, 4) == -1


def test_removed_blocks_leave_their_space() -> None:
    memory = three_blocks()
    memory.remove(1)
    assert memory.holes(2, 3) == [(0, 12)]
    assert memory.used_bytes(0) == 4


@random_blocks
@given(blocks=st.lists(lifetimes, max_size=10), query=lifetimes, alignment=st.sampled_from([1, 2, 4]))
def test_fit_agrees_with_a_grid_of_bytes(blocks: list[Lifetime], query: Lifetime, alignment: int) -> None:
    capacity = 40
    memory = FastMemory(capacity, alignment)
    taken: set[tuple[int, int]] = set()
    for key, block in enumerate(blocks):
        offset = memory.first_fit(block.size, block.start, block.end)
        if offset >= 0:
            memory.place(key, offset, block.size, block.start, block.end)
            cells = {(t, b) for t in range(block.start, block.end + 1) for b in range(offset, offset + block.size)}
            assert not cells & taken
            taken |= cells

    def free(offset: int) -> bool:
        times, bytes_ = range(query.start, query.end + 1), range(offset, offset + query.size)
        return all((t, b) not in taken for t in times for b in bytes_)

    lowest = next((o for o in range(0, capacity - query.size + 1, alignment) if free(o)), -1)
    assert memory.first_fit(query.size, query.start, query.end) == lowest
    best = memory.best_fit(query.size, query.start, query.end)
    assert (best < 0) == (lowest < 0)
    assert best < 0 or free(best)
    for time in range(20):
        assert memory.used_bytes(time) == sum(t == time for t, _ in taken)


def test_packing_by_hand() -> None:
    # A [0, 1] and C [2, 3] share 4 bytes below, B [1, 2] of 2 bytes stands above both: the load is 6 at 1 and at 2.
    blocks = [Lifetime(0, 1, 4), Lifetime(1, 2, 2), Lifetime(2, 3, 4)]
    assert peak_load(blocks) == 6
    peak, offsets = pack(blocks)
    assert peak == 6
    assert offsets[0] == offsets[2]


def test_a_block_may_straddle_two_that_have_gone() -> None:
    # Two of 4 bytes at 0, one of 8 bytes at 1: 8 bytes do, which reuse of whole blocks misses (4 + 8).
    assert pack([Lifetime(0, 0, 4), Lifetime(0, 0, 4), Lifetime(1, 1, 8)])[0] == 8


def test_nothing_to_pack() -> None:
    assert pack([]) == (0, [])
    assert peak_load([]) == 0


@random_blocks
@given(blocks=st.lists(lifetimes, min_size=1, max_size=25), alignment=st.sampled_from([1, 2, 8]))
def test_packings_are_valid_and_low(blocks: list[Lifetime], alignment: int) -> None:
    peak, offsets = pack(blocks, alignment)
    placed = [Placed(life, offset) for life, offset in zip(blocks, offsets, strict=True)]
    assert not any(one.meets(other) for one, other in combinations(placed, 2))
    assert all(offset >= 0 and offset % alignment == 0 for offset in offsets)
    assert peak == max(block.offset + block.life.size for block in placed)
    assert peak_load(blocks) <= peak <= slab_bytes(blocks, alignment)
    assert pack(blocks, alignment) == (peak, offsets)


def slab_bytes(blocks: list[Lifetime], alignment: int) -> int:
    """Bytes when each block takes the smallest free slab that it fits, else enlarges the largest, else opens one."""
    slabs: list[tuple[int, int]] = []
    for block in sorted(blocks, key=lambda b: b.start):
        size = -(-block.size // alignment) * alignment
        free = [(bytes_, i) for i, (bytes_, until) in enumerate(slabs) if until < block.start]
        fitting = [slab for slab in free if size <= slab[0] <= 16 * size]
        smaller = [slab for slab in free if size / 16 <= slab[0] < size]
        if fitting or smaller:
            bytes_, i = min(fitting) if fitting else max(smaller)
            slabs[i] = (max(bytes_, size), block.end)
        else:
            slabs.append((size, block.end))
    return sum(bytes_ for bytes_, _ in slabs)


def test_many_blocks_are_packed_near_their_load() -> None:
    # 400 blocks of 1 to 97 bytes, alive for 1 to 31 instructions, from a fixed linear congruence. First fit by size
    # is known to stay within some percent of the load on such sets; 15 % would be a broken packing.
    blocks = [Lifetime(i, i + (37 * i) % 31, 1 + (53 * i + 11) % 97) for i in range(400)]
    assert pack(blocks)[0] <= 1.15 * peak_load(blocks)
