"""The timing rules (docs/semantics.md), each against times derived by hand.

On ``unit`` every rate is 1 byte/s and 1 FLOP/s, so that an access of n bytes takes n seconds in either memory, and a
copy of n bytes n seconds of DMA time. Instructions are written as (compute seconds, operands, results).
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from memstow.accelerator import Accelerator, load_accelerator
from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.program import Buffer, Instruction, Operand, Program
from memstow.simulator import Simulation, occupancy, simulate

UNIT = load_accelerator("unit")
#: Buffer ids: parameters of 10 bytes each.
A, B, C = 1, 2, 3


def program(*steps: Instruction) -> Program:
    uses = {b: tuple(t for t, step in enumerate(steps) if any(o.buffer == b for o in step.operands)) for b in (A, B, C)}
    buffers = [
        Buffer(id=b, name=f"p{b}", size_bytes=10, kind="parameter", definition_time=-1, use_times=uses[b])
        for b in (A, B, C)
    ]
    return Program(name="by hand", instructions=steps, buffers=tuple(buffers))


def step(compute: float, *reads: tuple[int, int], trips: int = 1) -> Instruction:
    """An instruction that reads (buffer, bytes) pairs."""
    operands = tuple(Operand(buffer=b, bytes_accessed=n) for b, n in reads)
    return Instruction(name="i", compute_seconds=compute, operands=operands, trip_count=trips)


def prefetch(buffer: int, start: int, done: int, size: int = 10) -> Copy:
    return Copy(buffer=buffer, direction="prefetch", start_time=start, done_time=done, offset=0, bytes=size)


def evict(buffer: int, start: int, done: int, size: int = 10) -> Copy:
    return Copy(buffer=buffer, direction="evict", start_time=start, done_time=done, offset=0, bytes=size)


def run(
    steps: Sequence[Instruction],
    copies: Sequence[Copy] = (),
    fast: Sequence[tuple[int, int]] = (),
    accelerator: Accelerator = UNIT,
) -> Simulation:
    """Simulate with the operands in ``fast``, as (instruction, operand), in fast memory."""
    code = program(*steps)
    plan = MemoryPlan(
        program_fingerprint=code.fingerprint,
        accelerator=accelerator.name,
        copies=tuple(copies),
        accesses=tuple(Access(instruction=t, operand=k, memory="fast") for t, k in fast),
    )
    return simulate(code, accelerator, plan)


def part(**changes: float) -> Accelerator:
    """``unit`` with other numbers; ``fast`` and ``slow`` are bandwidths, ``dma`` and ``latency`` the copy engine's."""
    both = ("read_bytes_per_second", "write_bytes_per_second")
    fast = UNIT.fast_memory.model_copy(update=dict.fromkeys(both, changes.get("fast", 1.0)))
    slow = UNIT.slow_memory.model_copy(update=dict.fromkeys(both, changes.get("slow", 1.0)))
    dma = UNIT.dma.model_copy(
        update={"bytes_per_second": changes.get("dma", 1.0), "latency_seconds": changes.get("latency", 0.0)}
    )
    overhead = changes.get("overhead", 0.0)
    return UNIT.model_copy(
        update={"fast_memory": fast, "slow_memory": slow, "dma": dma, "launch_overhead_seconds": overhead}
    )


# ---- one instruction: e = max(compute, slow/slow_bw + fast/fast_bw) + overhead ----


@pytest.mark.parametrize(
    ("compute", "slow", "fast", "accelerator", "expected"),
    [
        # Compute hides the memory: max(7, 4) = 7.
        (7.0, 4, 0, UNIT, 7.0),
        # Memory decides: max(3, 4) = 4.
        (3.0, 4, 0, UNIT, 4.0),
        # The two memories are served one after the other: max(3, 4 + 5) = 9.
        (3.0, 4, 5, UNIT, 9.0),
        # Fast at 5 bytes/s: 4/1 + 5/5 = 5.
        (3.0, 4, 5, part(fast=5.0), 5.0),
        # Slow at 2 bytes/s: 4/2 + 5/5 = 3, as long as compute.
        (3.0, 4, 5, part(fast=5.0, slow=2.0), 3.0),
        # Overhead comes on top of the maximum, not inside: max(7, 4) + 2 = 9.
        (7.0, 4, 0, part(overhead=2.0), 9.0),
        # Nothing to do but to launch.
        (0.0, 0, 0, part(overhead=2.0), 2.0),
    ],
)
def test_roofline(compute: float, slow: int, fast: int, accelerator: Accelerator, expected: float) -> None:
    result = run([step(compute, (A, slow), (B, fast))], fast=[(0, 1)], accelerator=accelerator)
    assert result.total_seconds == expected
    assert (result.instructions[0].slow_bytes, result.instructions[0].fast_bytes) == (slow, fast)


def test_the_slower_direction_is_the_bandwidth() -> None:
    slow = UNIT.slow_memory.model_copy(update={"read_bytes_per_second": 4.0, "write_bytes_per_second": 2.0})
    # 8 bytes at min(4, 2) bytes/s.
    assert run([step(0, (A, 8))], accelerator=UNIT.model_copy(update={"slow_memory": slow})).total_seconds == 4.0


def test_results_count_where_they_are_written() -> None:
    out = Buffer(id=9, name="out", size_bytes=6, kind="intermediate", definition_time=0)
    code = Program(
        name="writes",
        instructions=(Instruction(name="i", compute_seconds=0, results=(Operand(buffer=9, bytes_accessed=6),)),),
        buffers=(out,),
    )
    plan = MemoryPlan(
        program_fingerprint=code.fingerprint,
        accelerator="unit",
        accesses=(Access(instruction=0, result=0, memory="fast"),),
    )
    # 6 bytes at 3 bytes/s in fast memory; at 1 byte/s in slow memory.
    assert simulate(code, part(fast=3.0), plan).total_seconds == 2.0
    assert simulate(code, part(fast=3.0), plan.model_copy(update={"accesses": ()})).total_seconds == 6.0


def test_the_parts_of_the_time() -> None:
    # 0: max(3, 5) + 1 = 6 seconds: 3 compute, 2 more for memory, 1 overhead. 1: max(4, 0) + 1: 4 compute, 1 overhead.
    result = run([step(3, (A, 5)), step(4)], accelerator=part(overhead=1.0))
    assert result.compute_seconds == 7.0
    assert result.memory_seconds == 2.0
    assert result.overhead_seconds == 2.0
    assert result.stall_seconds == 0.0
    assert result.total_seconds == 11.0


def test_a_cost_model_replaces_the_elapsed_time_and_nothing_else() -> None:
    class Fixed:
        def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
            assert (list(operands_fast), list(results_fast)) == ([False, True][instruction : instruction + 1], [])
            return 6.0

    code = program(step(1, (A, 4)), step(1, (B, 10)))
    plan = MemoryPlan(
        program_fingerprint=code.fingerprint,
        accelerator="unit",
        copies=(prefetch(B, 0, 1),),
        accesses=(Access(instruction=1, operand=0, memory="fast"),),
    )
    # Instruction 0 takes 6 s, 4 of them with slow memory busy: 2 s of the copy's 10 pass, 8 s of stall remain.
    result = simulate(code, UNIT, plan, Fixed())
    assert [t.stall_seconds for t in result.instructions] == [0.0, 8.0]
    assert result.total_seconds == 6.0 + 8.0 + 6.0


# ---- the queue ----


def test_a_copy_drains_with_the_bandwidth_that_is_left_idle() -> None:
    # 0 takes max(15, 5) = 15 s; slow memory is busy for 5, idle for 10: just what the copy of 10 bytes needs.
    result = run([step(15, (A, 5)), step(0, (B, 10))], [prefetch(B, 0, 1)], [(1, 0)])
    assert result.stall_seconds == 0.0
    assert result.total_seconds == 15.0 + 10.0
    # 1 byte more of traffic leaves 9 s idle: 1 s of stall.
    result = run([step(15, (A, 6)), step(0, (B, 10))], [prefetch(B, 0, 1)], [(1, 0)])
    assert result.instructions[1].stall_seconds == 1.0
    assert result.total_seconds == 15.0 + 1.0 + 10.0


def test_fast_accesses_leave_the_slow_memory_idle() -> None:
    # 0 reads 10 bytes of fast memory in 10 s; the copy of B passes meanwhile.
    result = run([step(0, (A, 10)), step(0, (B, 10))], [prefetch(B, 0, 1)], [(0, 0), (1, 0)])
    assert result.total_seconds == 20.0


def test_launch_overhead_is_idle_time_too() -> None:
    # 0: 10 s of slow traffic and 4 s of overhead, in which 4 bytes of B pass; 6 s of stall; 1: 10 + 4 s.
    result = run([step(0, (A, 10)), step(0, (B, 10))], [prefetch(B, 0, 1)], [(1, 0)], part(overhead=4.0))
    assert result.instructions[1].stall_seconds == 6.0
    assert result.total_seconds == 14.0 + 6.0 + 14.0


def test_an_instruction_without_idle_bandwidth_stops_the_queue() -> None:
    # 0 uses slow memory for all of its 10 s: the whole copy is left for the stall.
    result = run([step(0, (A, 10)), step(0, (B, 10))], [prefetch(B, 0, 1)], [(1, 0)])
    assert result.instructions[1].stall_seconds == 10.0


def test_copies_run_first_in_first_out() -> None:
    # Both join at 0. 0 leaves 4 s idle: 4 bytes of B. 1 waits for C, but B is ahead: 6 + 10 s.
    result = run(
        [step(4), step(0, (C, 10)), step(0, (B, 10))], [prefetch(B, 0, 2), prefetch(C, 0, 1)], [(1, 0), (2, 0)]
    )
    assert [t.stall_seconds for t in result.instructions] == [0.0, 16.0, 0.0]
    assert result.total_seconds == 4.0 + 16.0 + 10.0 + 10.0


def test_plan_order_breaks_ties_of_start_time() -> None:
    # As above with C first in the plan: 1 waits for the 6 s that C lacks; B passes while 1 reads fast memory for 10 s.
    result = run(
        [step(4), step(0, (C, 10)), step(0, (B, 10))], [prefetch(C, 0, 1), prefetch(B, 0, 2)], [(1, 0), (2, 0)]
    )
    assert [t.stall_seconds for t in result.instructions] == [0.0, 6.0, 0.0]


def test_start_time_comes_before_plan_order() -> None:
    # B stands first in the plan but starts at 1: C (start 0) has the 4 s of 0, lacks 6 s, and only then B runs, 10 s.
    steps = [step(4), step(0, (C, 10)), step(0, (B, 10))]
    result = run(steps, [prefetch(B, 1, 1), prefetch(C, 0, 1)], [(1, 0), (2, 0)])
    assert result.instructions[1].stall_seconds == 16.0
    assert result.copies[1].finish_seconds == 4.0 + 6.0
    assert result.copies[0].finish_seconds == 4.0 + 16.0


def test_a_stall_stops_at_the_copy_that_is_waited_for() -> None:
    # 0 waits for A (10 s), not for B behind it; B then has the 3 s of 0, and 1 waits for its last 7 s.
    result = run([step(3, (A, 0)), step(1)], [prefetch(A, 0, 0), prefetch(B, 0, 1)])
    assert [t.stall_seconds for t in result.instructions] == [10.0, 7.0]


def test_several_copies_due_at_once() -> None:
    # 20 s of copies, 5 s hidden behind 0: 15 s of stall.
    result = run([step(5), step(1)], [prefetch(A, 0, 1), evict(B, 0, 1)])
    assert result.instructions[1].stall_seconds == 15.0


def test_evictions_and_prefetches_share_one_queue() -> None:
    # The eviction of A is ahead of the prefetch of B, which 1 waits for: 20 s less the 2 s of 0. 1's 5 s find no copy.
    result = run([step(2), step(5)], [evict(A, 0, 2), prefetch(B, 0, 1)])
    assert [t.stall_seconds for t in result.instructions] == [0.0, 18.0]
    assert result.final_stall_seconds == 0.0


def test_a_zero_length_copy_stalls_for_all_of_its_time() -> None:
    # start == done == 1: it joins at 1 and is waited for at once, 0's 20 s of idle time notwithstanding.
    result = run([step(20), step(0, (B, 10))], [prefetch(B, 1, 1)], [(1, 0)])
    assert result.instructions[1].stall_seconds == 10.0
    assert result.copies[0].issue_seconds == 20.0
    assert result.copies[0].finish_seconds == 30.0


def test_the_end_waits_for_copies_with_done_time_n() -> None:
    # 1 leaves 3 s idle for the eviction of 10 bytes: 7 s after the last instruction.
    result = run([step(1), step(3)], [evict(A, 1, 2)])
    assert result.final_stall_seconds == 7.0
    assert result.stall_seconds == 7.0
    assert result.total_seconds == 1.0 + 3.0 + 7.0


def test_the_end_adds_nothing_to_what_has_finished() -> None:
    # 10 s idle in 1 for 10 bytes.
    assert run([step(1), step(10)], [evict(A, 1, 2)]).final_stall_seconds == 0.0


def test_latency_is_dma_time_of_each_copy() -> None:
    # Each copy: 3 s latency + 10 s = 13 s; 0 hides 6 of the 26 s.
    result = run([step(6), step(0)], [prefetch(A, 0, 1), prefetch(B, 0, 1)], accelerator=part(latency=3.0))
    assert result.instructions[1].stall_seconds == 20.0


def test_a_copy_of_no_bytes_still_has_latency() -> None:
    assert run([step(0)], [prefetch(A, 0, 0, size=0)], accelerator=part(latency=3.0)).total_seconds == 3.0


@pytest.mark.parametrize(
    ("accelerator", "expected"),
    [
        # min(dma, slow) bytes/s for 10 bytes.
        (part(dma=0.5), 20.0),
        (part(dma=4.0, slow=2.0), 5.0),
        (part(dma=2.0, slow=5.0), 5.0),
        # Fast memory does not limit copies.
        (part(fast=0.1), 10.0),
    ],
)
def test_copies_run_at_the_slower_of_dma_and_slow_memory(accelerator: Accelerator, expected: float) -> None:
    assert run([step(0)], [prefetch(A, 0, 0)], accelerator=accelerator).stall_seconds == expected


def test_idle_time_is_served_at_full_rate() -> None:
    # Slow memory at 2 bytes/s, DMA at 1. 0: max(9, 8/2) = 9 s, idle for 9 - 4 = 5 s: 5 of the copy's 10 s pass.
    result = run([step(9, (A, 8)), step(0)], [prefetch(B, 0, 1)], accelerator=part(slow=2.0))
    assert result.instructions[1].stall_seconds == 5.0


def test_trip_counts_multiply_time_idle_time_and_traffic() -> None:
    # Once: max(3, 2) = 3 s, 2 s of traffic, 1 s idle. Four trips: 12 s, 8 bytes, 4 s idle; the copy lacks 6 s.
    result = run([step(3, (A, 2), trips=4), step(1)], [prefetch(B, 0, 1)])
    assert result.instructions[0].elapsed_seconds == 12.0
    assert result.instructions[0].slow_bytes == 8
    assert result.instructions[0].compute_seconds == 12.0
    assert result.instructions[1].stall_seconds == 6.0
    assert result.total_seconds == 12.0 + 6.0 + 1.0


def test_trip_counts_multiply_the_launch_overhead() -> None:
    # 4 x (3 + 0.5).
    result = run([step(3, trips=4)], accelerator=part(overhead=0.5))
    assert result.total_seconds == 14.0
    assert result.overhead_seconds == 2.0


def test_a_stall_is_not_repeated_by_the_trip_count() -> None:
    # The copy is waited for once, before the loop: 10 + 4 x 3.
    assert run([step(3, trips=4)], [prefetch(A, 0, 0)]).total_seconds == 22.0


def test_cross_program_prefetches_are_free() -> None:
    # A is there before the program; only B takes DMA time, and does not queue behind A.
    result = run([step(0, (A, 10)), step(0, (B, 10))], [prefetch(A, -1, 0), prefetch(B, 0, 1)], [(0, 0), (1, 0)])
    assert result.stall_seconds == 0.0
    assert result.total_seconds == 20.0
    assert (result.copies[0].issue_seconds, result.copies[0].finish_seconds) == (0.0, 0.0)


def test_outstanding_copies_do_not_change_the_time() -> None:
    # Limits are a matter of validity: two open copies under a limit of one take the same 20 s.
    dma = UNIT.dma.model_copy(update={"max_outstanding_prefetches": 1})
    limited = UNIT.model_copy(update={"dma": dma})
    copies = [prefetch(A, 0, 1), prefetch(B, 0, 1)]
    assert run([step(0), step(0)], copies, accelerator=limited).total_seconds == 20.0


def test_copies_on_the_clock() -> None:
    # A and B join at 0. 0 runs for 20 s with 10 s of traffic: DMA time passes at half speed, so A takes it all.
    # 1 waits for B from 20 to 30.
    result = run([step(20, (C, 10)), step(0)], [prefetch(A, 0, 1), prefetch(B, 0, 1)])
    first, second = result.copies
    assert (first.issue_seconds, first.begin_seconds, first.finish_seconds) == (0.0, 0.0, 20.0)
    assert (second.issue_seconds, second.begin_seconds, second.finish_seconds) == (0.0, 20.0, 30.0)
    assert result.instructions[1].start_seconds == 30.0


def test_a_program_without_instructions_takes_no_time() -> None:
    assert run([]).total_seconds == 0.0


def test_accesses_without_an_entry_are_slow() -> None:
    assert run([step(0, (A, 7))], accelerator=part(fast=7.0)).total_seconds == 7.0
    assert run([step(0, (A, 7))], fast=[(0, 0)], accelerator=part(fast=7.0)).total_seconds == 1.0


# ---- a whole plan ----


def test_prefetch_hide_and_evict_end_to_end() -> None:
    """A parameter is prefetched behind compute, an update is written in fast memory and written back at the end."""
    weight = Buffer(id=1, name="w", size_bytes=6, kind="parameter", definition_time=-1, use_times=(1,))
    out = Buffer(id=2, name="y", size_bytes=4, kind="output", definition_time=1)
    code = Program(
        name="whole",
        instructions=(
            step(5),
            Instruction(
                name="matmul",
                compute_seconds=2,
                operands=(Operand(buffer=1, bytes_accessed=6),),
                results=(Operand(buffer=2, bytes_accessed=4),),
            ),
            step(3),
        ),
        buffers=(weight, out),
    )
    plan = MemoryPlan(
        program_fingerprint=code.fingerprint,
        accelerator="unit",
        copies=(
            prefetch(1, 0, 1, size=6),
            evict(2, 2, 3, size=4),
        ),
        accesses=(
            Access(instruction=1, operand=0, memory="fast"),
            Access(instruction=1, result=0, memory="fast"),
        ),
    )
    result = simulate(code, part(fast=5.0), plan)
    # t=0: 5 s compute, 5 of the 6 s of the prefetch pass. t=1: 1 s stall; max(2, 10/5) = 2 s.
    # t=2: 3 s, 3 of the eviction's 4 s pass. End: 1 s.
    assert [t.stall_seconds for t in result.instructions] == [0.0, 1.0, 0.0]
    assert [t.elapsed_seconds for t in result.instructions] == [5.0, 2.0, 3.0]
    assert result.final_stall_seconds == 1.0
    assert result.total_seconds == 12.0


def test_occupancy_counts_both_ends_and_cuts_at_the_program() -> None:
    code = program(step(0), step(0), step(0))
    plan = MemoryPlan(
        program_fingerprint=code.fingerprint,
        accelerator="unit",
        allocations=(
            Allocation(buffer=A, offset=0, size=10, start=-1, end=1),
            Allocation(buffer=B, offset=10, size=7, start=1, end=1),
            Allocation(buffer=C, offset=0, size=5, start=2, end=9),
        ),
    )
    assert occupancy(code, plan) == (10, 17, 5)
