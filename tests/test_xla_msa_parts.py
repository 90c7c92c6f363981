"""The parts of the ``xla-msa`` planner alone, on unit hardware: slow memory and copies at 1 byte/s, fast at 4."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from memstow.planners import Problem
from memstow.planners.xla_msa.copy_resource import AsyncCopy, CopyResource, OpenCopies, scaled
from memstow.planners.xla_msa.costs import Costs
from memstow.planners.xla_msa.eviction import evict
from memstow.planners.xla_msa.heap import Heap
from memstow.planners.xla_msa.intervals import IntervalPicker
from memstow.planners.xla_msa.options import Options
from memstow.planners.xla_msa.order import in_turn, memory_boundedness
from memstow.planners.xla_msa.repack import Block, repack
from memstow.planners.xla_msa.slices import slice_starts
from memstow.planners.xla_msa.values import tenants
from memstow.planners.xla_msa.workspace import Stay, Workspace, longest_reach

from .small_problems import part, problem

#: Intervals measured in each copy's own time, so that numbers can be derived by hand.
OWN_SIZE = Options(interval_bytes=None)
#: Seconds of eight instructions: overlaps of 12, 9, 6, 4, 2, 1, 0 s between the starts 0 to 6 and a use at 7.
SECONDS = (5.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0, 7.0)


def idle(seconds: Sequence[float], capacity: int = 2) -> Problem:
    """Instructions that only compute."""
    return problem(part(capacity), {"x": ("parameter", 1)}, [(s, [], []) for s in seconds])


def costs_of(task: Problem) -> Costs:
    return Costs(task.program, task.accelerator)


def picker(capacity: int = 2, options: Options = OWN_SIZE) -> IntervalPicker:
    return IntervalPicker(costs_of(idle(SECONDS)), capacity, options)


def test_between_leaves_both_ends_out() -> None:
    costs = costs_of(idle(SECONDS))
    assert [costs.between(start, 7) for start in range(7)] == [12.0, 9.0, 6.0, 4.0, 2.0, 1.0, 0.0]
    assert costs.between(-1, 2) == 8.0  # instructions 0 and 1
    assert costs.between(-1, 8) == sum(SECONDS)


def test_starts_go_outwards_from_the_preferred_overlap() -> None:
    # 3 bytes copy in 3 s: at least 3 s of overlap (start 3 at the latest), 6 s preferred (start 2), at most 8 * 2 s.
    assert list(picker().starts(3, 0, 7, saving=0.0)) == [2, 3, 1, 0]


def test_longest_overlap_cuts_early_starts() -> None:
    # A fast memory of 1 byte fills in 1 s: at most 8 s of overlap.
    assert list(picker(capacity=1).starts(3, 0, 7, saving=0.0)) == [2, 3]


def test_what_the_use_saves_counts_as_overlap() -> None:
    # 3 s less 1 s saved: 2 s of overlap are enough, which start 4 has.
    assert list(picker().starts(3, 0, 7, saving=1.0)) == [2, 3, 1, 4, 0]


def test_no_start_if_the_live_range_is_too_short() -> None:
    assert list(picker().starts(3, 4, 7, saving=0.0)) == []
    assert list(picker().starts(3, 7, 7, saving=9.0)) == []


def test_the_first_of_equal_overlaps_is_preferred() -> None:
    # Instruction 3 takes no time: starts 2 and 3 overlap the same 2 s.
    costs = costs_of(idle((1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0)))
    assert IntervalPicker(costs, 2, OWN_SIZE).preferred_start(1, 0, 4, 6) == 2


def test_a_given_size_takes_the_place_of_the_copy_size() -> None:
    # 1 byte, a quarter of the 4 byte memory: minimum 1 s (start 5), preferred 2 s (start 4), for any copy.
    options = Options(interval_bytes=1)
    assert picker(4, options).latest_start(100, 0, 7, 0.0) == 5
    assert picker(4, options).preferred_start(100, 0, 5, 7) == 4
    # Two bytes are more than a quarter.
    assert picker(4, Options(interval_bytes=2)).latest_start(100, 0, 7, 0.0) == 5


def test_earlier_starts_are_explored_in_steps() -> None:
    # 1 byte: 2 s preferred (start 4), start 5 the latest. Then each earlier start has a quarter of 12 s more overlap
    # than the one before: 3 has 4 s, so start 2 with 6 s is left out and 1 with 9 s comes next.
    assert list(picker().starts(1, 0, 7, saving=0.0)) == [4, 5, 3, 2, 1, 0]
    options = Options(interval_bytes=None, explored_earlier_starts=4)
    assert list(picker(options=options).starts(1, 0, 7, saving=0.0)) == [4, 5, 3, 1, 0]


def test_eviction_has_the_preferred_overlap_and_more_with_each_retry() -> None:
    # 3 bytes: 6 s wanted after instruction 0, which 1 and 2 take. The first retry wants 3 * 6 s: more than there is.
    chosen = picker()
    assert chosen.eviction_end(3, 0, 7) == 3
    chosen.retry = 1
    assert chosen.eviction_end(3, 0, 7) == 8


def test_stays_are_limited_by_the_time_to_fill_fast_memory() -> None:
    # 8 * 1 byte: 8 s. Between 1 and 7 pass 9 s, between 2 and 7 only 6 s.
    assert not picker(capacity=1).allows_stay(1, 7)
    assert picker(capacity=1).allows_stay(2, 7)


def copy(start: int, end: int, seconds: float) -> AsyncCopy:
    return AsyncCopy(start, end, scaled(seconds))


def test_copies_share_what_instructions_offer() -> None:
    resource = CopyResource([0.0, 2.0, 2.0, 2.0, 2.0])
    resource.add(copy(0, 4, 3.0))  # 2 s in instruction 1, 1 s left for 2
    assert resource.delay_seconds(2) == 1.0
    resource.add(copy(1, 5, 3.0))  # waits for that second: 4 s of work from 2 on
    assert [resource.delay_seconds(t) for t in (2, 3, 4)] == [4.0, 2.0, 0.0]
    # From 3 on 2 s are left of the others and 4 s offered.
    assert resource.has_enough([copy(2, 5, 2.0)])
    assert not resource.has_enough([copy(2, 5, 2.5)])


def test_a_copy_may_push_later_ones_back_in_time_only() -> None:
    resource = CopyResource([0.0, 2.0, 2.0, 2.0])
    resource.add(copy(1, 4, 3.0))
    # 2 s in instruction 1; the rest pushes the copy from 1 back, which has 4 s in 2 and 3 for its own 3 s.
    assert resource.has_enough([copy(0, 4, 3.0)])
    assert not resource.has_enough([copy(0, 4, 3.5)])
    assert resource.delay_seconds(2) == 3.0  # both checks left no trace


def test_slices_are_checked_together() -> None:
    resource = CopyResource([0.0, 2.0, 2.0])
    assert resource.has_enough([copy(0, 3, 2.0), copy(1, 3, 2.0)])
    assert not resource.has_enough([copy(0, 3, 2.0), copy(1, 3, 2.5)])


def test_undone_copies_leave_no_trace() -> None:
    resource = CopyResource([0.0, 2.0, 2.0, 2.0])
    first, second = copy(0, 4, 1.5), copy(0, 3, 1.5)
    log = resource.add(first)
    resource.remove(second, resource.add(second))
    assert resource.delay_seconds(1) == 1.5
    resource.remove(first, log)
    assert resource.delay_seconds(1) == 0.0
    assert resource.has_enough([copy(0, 4, 6.0)])


def test_copies_without_work_need_no_budget() -> None:
    assert CopyResource([0.0, 0.0, 0.0]).has_enough([copy(0, 1, 0.0)])


def test_open_copies_count_every_overlap() -> None:
    open_copies = OpenCopies(2)
    open_copies.add(0, 3)
    open_copies.add(5, 8)
    # Never more than one open at a time, but both meet [3, 5].
    assert not open_copies.allows(3, 5)
    assert open_copies.allows(4, 4)
    assert not open_copies.allows(3, 4, more=1)
    open_copies.remove(5, 8)
    assert open_copies.allows(3, 5)
    assert OpenCopies(None).allows(0, 9)
    assert not OpenCopies(0).allows(0, 9)


def test_order_by_hand() -> None:
    # i0 reads w and writes x; i1 reads x and writes y; both are memory bound. Fast memory saves 3/4 s per byte:
    # w 6 s / sqrt(8), x 3 + 3 s / sqrt(4), y 3 s / sqrt(4).
    task = problem(
        part(64),
        {"w": ("parameter", 8), "x": ("intermediate", 4), "y": ("output", 4)},
        [(0.0, ["w"], ["x"]), (0.0, ["x"], ["y"])],
    )
    found, costs = tenants(task.program, 64), costs_of(task)
    scores = [memory_boundedness(found[index], costs, OWN_SIZE) for index in range(3)]
    assert scores == pytest.approx([6 / 8**0.5, 3.0, 1.5])
    assert [tenant.storage for tenant in in_turn(found.values(), costs, OWN_SIZE)] == [1, 0, 2]
    plain = Options(scale_benefit_by_size=False)
    assert [memory_boundedness(found[index], costs, plain) for index in range(3)] == [6.0, 6.0, 3.0]


def test_compute_bound_accesses_count_by_their_distance_from_being_memory_bound() -> None:
    # i0 computes 20 s and writes 4 bytes: 4 - 20. i1 computes 10 s and reads them: 4 - 10, the larger of the two.
    task = problem(part(64), {"x": ("intermediate", 4)}, [(20.0, [], ["x"]), (10.0, ["x"], [])])
    (tenant,) = tenants(task.program, 64).values()
    assert memory_boundedness(tenant, costs_of(task), OWN_SIZE) == -6.0 / 2.0


def test_best_fit_takes_the_smallest_hole() -> None:
    heap = Heap(16, 1, 10)
    heap.add(0, 4, 0, 9)
    heap.add(8, 2, 0, 9)  # holes [4, 8) and [10, ...)
    assert heap.best_fit(4, [(0, 9)]) == 4
    assert heap.best_fit(5, [(0, 9)]) == 10
    assert heap.best_fit(7, [(0, 9)]) is None
    number = heap.add(4, 4, 3, 5)
    assert heap.best_fit(4, [(0, 2)]) == 4
    assert heap.best_fit(4, [(2, 3)]) == 10
    heap.remove(number)
    assert heap.best_fit(4, [(2, 3)]) == 4


def test_holes_begin_at_aligned_offsets() -> None:
    heap = Heap(16, 4, 10)
    heap.add(0, 5, 0, 9)
    assert heap.best_fit(8, [(0, 9)]) == 8
    assert heap.best_fit(9, [(0, 9)]) is None


def test_room_over_time() -> None:
    heap = Heap(8, 1, 10)
    heap.add(0, 6, 2, 4)
    assert heap.first_time_with_room(2, 0, 7) == 0
    assert heap.first_time_with_room(3, 0, 7) == 5
    assert heap.first_time_with_room(3, 0, 4) == 5  # none in [0, 4]
    assert heap.latest_free_end(0, 4, 0, 9) == 1
    assert heap.latest_free_end(6, 2, 0, 9) == 9
    assert heap.is_free(0, 1, 5, 9)


def workspace(task: Problem, options: Options = OWN_SIZE) -> Workspace:
    return Workspace(costs_of(task), task.accelerator, options)


def test_places_that_reach_later_uses_come_first() -> None:
    # Best fit for [0, 2] alone would take the hole [0, 2), which another block closes at 4; [4, 8) is free throughout.
    state = workspace(idle([1.0] * 8, capacity=8))
    state.heap.add(2, 2, 0, 7)
    state.heap.add(0, 2, 4, 7)
    assert state.heap.best_fit(2, [(0, 2)]) == 0
    assert longest_reach(state, 2, 0, 2, [2, 5]) == 4
    assert longest_reach(state, 2, 0, 2, [2]) == 0
    assert longest_reach(state, 5, 0, 2, [2, 5]) is None


def test_eviction_by_hand() -> None:
    # 2 bytes, 1 s per instruction: the copy of 2 s wants 4 s after instruction 1, so it is due at 6.
    state = workspace(idle([1.0] * 9, capacity=8))
    stay = Stay(0, 2, 0, 1, 3)
    state.open_stay(stay)
    assert evict(state, stay, 1, 8) == 6
    assert (stay.eviction, stay.end) == ((2, 6), 6)
    assert not state.heap.is_free(0, 2, 4, 6)


def test_eviction_ends_before_another_block_begins() -> None:
    state = workspace(idle([1.0] * 9, capacity=8))
    stay = Stay(0, 2, 0, 1, 3)
    state.open_stay(stay)
    state.heap.add(1, 4, 5, 8)
    assert evict(state, stay, 1, 8) == 4


def test_eviction_without_budget_waits_for_the_last_retry() -> None:
    # Due at 3 at the latest, only instruction 2 lies between: 1 s for a copy of 2 s.
    state = workspace(idle([1.0] * 9, capacity=8))
    stay = Stay(0, 2, 0, 1, 2)
    state.open_stay(stay)
    assert evict(state, stay, 1, 3) is None
    state.picker.retry = 1
    assert evict(state, stay, 1, 3) == 3


def test_undo_restores_heap_and_budgets() -> None:
    state = workspace(idle([1.0] * 9, capacity=8))
    stay = Stay(0, 2, 0, 1, 3)
    state.open_stay(stay)
    assert evict(state, stay, 1, 8) is not None
    state.undo()
    assert state.heap.is_free(0, 8, 0, 8)
    assert state.evictions.has_enough([copy(0, 3, 2.0)])
    assert state.stays == []


def test_repack_places_the_longest_lived_first() -> None:
    # The blocks of 2 bytes live 0-9 and 0-3, the one of 4 bytes 4-9: offsets 0, 2 and 2 fill 6 bytes.
    blocks = [Block(2, ((0, 3),)), Block(4, ((4, 9),)), Block(2, ((0, 9),))]
    assert repack(blocks, Heap(6, 1, 10)) == [2, 2, 0]
    assert repack(blocks, Heap(5, 1, 10)) is None


def test_repack_keeps_one_offset_over_several_spans() -> None:
    # The first block leaves and comes back: in between is room for the second, beside it for the third.
    blocks = [Block(4, ((0, 2), (7, 9))), Block(4, ((3, 6),)), Block(4, ((2, 3),))]
    assert repack(blocks, Heap(8, 1, 10)) == [0, 0, 4]


def test_workspace_repacks_committed_stays() -> None:
    # Two blocks with a hole of 3 between them leave 3 + 1 bytes; moved together they leave 4 in one piece.
    state = workspace(idle([1.0] * 4, capacity=8))
    low, high = Stay(0, 2, 0, 0, 3), Stay(1, 2, 5, 0, 3)
    for stay in (low, high):
        state.open_stay(stay)
    state.commit()
    assert state.heap.best_fit(4, [(0, 3)]) is None
    assert state.repack()
    assert {low.offset, high.offset} == {0, 2}
    assert state.heap.best_fit(4, [(0, 3)]) == 4


def test_slices_spread_over_the_overlap() -> None:
    # 8 s after start 0, so the slices begin with 8, 6, 4 and 2 s left.
    costs = costs_of(idle([1.0] * 9))
    assert slice_starts(costs, 4, 0, 9) == [0, 2, 4, 6]
    assert slice_starts(costs, 1, 0, 9) == [0]
    assert slice_starts(costs, 4, 7, 9) == [7] * 4


def test_values_are_the_versions_of_a_storage() -> None:
    # x is made by i0, read by i1, replaced in place by i2 (as y), read by i3 and live at the end.
    task = problem(
        part(64),
        {"x": ("intermediate", 4), "y": ("output", 4)},
        [(0.0, [], ["x"]), (0.0, ["x"], []), (0.0, ["x"], ["y"]), (0.0, ["y"], [])],
        together=("x", "y"),
    )
    (tenant,) = tenants(task.program, 64).values()
    first, second = tenant.values
    assert [(use.time, use.makes_next) for use in first.uses] == [(1, False), (2, True)]
    assert (second.defined, [use.time for use in second.uses]) == (2, [3, 4])
    assert (tenant.starts_slow, tenant.ends_slow) == (False, True)
    assert tenants(task.program, 3) == {}
