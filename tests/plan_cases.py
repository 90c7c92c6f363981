"""A small program and, for each rule of plan validity, plans that break it with the nearest plans that do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from memstow.accelerator import Accelerator, load_accelerator
from memstow.plan import Access, Allocation, Copy, MemoryPlan
from memstow.program import Buffer, BufferKind, Instruction, Operand, Program
from memstow.validator import Violation, validate

UNIT = load_accelerator("unit")


def buffer(
    number: int,
    name: str,
    kind: BufferKind,
    defined: int,
    uses: tuple[int, ...],
    *,
    size: int = 8,
    group: int | None = None,
    pinned: bool = False,
) -> Buffer:
    return Buffer(
        id=number,
        name=name,
        size_bytes=size,
        kind=kind,
        definition_time=defined,
        use_times=uses,
        alias_group=group,
        pinned_slow=pinned,
    )


def step(name: str, reads: Sequence[int] = (), writes: Sequence[int] = (), zero: Sequence[int] = ()) -> Instruction:
    """An instruction that accesses 8 bytes of each buffer, but none of those in ``zero``."""

    def entries(numbers: Sequence[int]) -> tuple[Operand, ...]:
        return tuple(Operand(buffer=n, bytes_accessed=0 if n in zero else 8) for n in numbers)

    return Instruction(name=name, compute_seconds=1.0, operands=entries(reads), results=entries(writes))


W, X, Y, Z, V, P = 1, 2, 3, 4, 5, 6
#: w is a weight; x, y intermediates; z the output; v an in-place update of y (one alias group); p pinned.
#:
#:     t     0     1      2         3      4     5
#:         load  matmul  update   matmul  rest  store
#:     w           r                r
#:     x     w     r                            r
#:     y           w      r (v: w)  r (v)
#:     z                                  w     (in slow memory at the end)
#:     p                            w     r
PROGRAM = Program(
    name="six steps",
    instructions=(
        step("load", writes=[X]),
        step("matmul.1", reads=[X, W], writes=[Y]),
        step("update", reads=[Y], writes=[V]),
        step("matmul.2", reads=[V, W], writes=[P]),
        step("rest", reads=[P], writes=[Z]),
        step("store", reads=[X]),
    ),
    buffers=(
        buffer(W, "w", "parameter", -1, (1, 3)),
        buffer(X, "x", "intermediate", 0, (1, 5)),
        buffer(Y, "y", "intermediate", 1, (2,), group=7),
        buffer(Z, "z", "output", 4, ()),
        buffer(V, "v", "intermediate", 2, (3,), group=7),
        buffer(P, "p", "intermediate", 3, (4,), pinned=True),
    ),
)
#: (instruction, "o" or "r", index) of every access by a short name.
SITES = {
    "x written": (0, "r", 0),
    "x read at 1": (1, "o", 0),
    "w read at 1": (1, "o", 1),
    "y written": (1, "r", 0),
    "y read at 2": (2, "o", 0),
    "v written": (2, "r", 0),
    "v read at 3": (3, "o", 0),
    "w read at 3": (3, "o", 1),
    "p written": (3, "r", 0),
    "p read at 4": (4, "o", 0),
    "z written": (4, "r", 0),
    "x read at 5": (5, "o", 0),
}


def accesses(fast: Sequence[str], leave_out: Sequence[str] = ()) -> tuple[Access, ...]:
    assert set(fast) | set(leave_out) <= SITES.keys()
    return tuple(
        Access(
            instruction=t,
            operand=k if role == "o" else None,
            result=k if role == "r" else None,
            memory="fast" if site in fast else "slow",
        )
        for site, (t, role, k) in SITES.items()
        if site not in leave_out
    )


def allocate(number: int, offset: int, start: int, end: int, size: int = 8) -> Allocation:
    return Allocation(buffer=number, offset=offset, size=size, start=start, end=end)


def prefetch(number: int, offset: int, start: int, done: int, size: int = 8) -> Copy:
    return Copy(buffer=number, direction="prefetch", start_time=start, done_time=done, offset=offset, bytes=size)


def evict(number: int, offset: int, start: int, done: int, size: int = 8) -> Copy:
    return Copy(buffer=number, direction="evict", start_time=start, done_time=done, offset=offset, bytes=size)


def part(
    capacity: int = 1024,
    alignment: int = 1,
    crossing: int = 0,
    prefetches: int | None = None,
    evictions: int | None = None,
) -> Accelerator:
    fast = UNIT.fast_memory.model_copy(update={"capacity_bytes": capacity, "alignment_bytes": alignment})
    limits = {"max_outstanding_prefetches": prefetches, "max_outstanding_evictions": evictions}
    dma = UNIT.dma.model_copy(update=limits)
    return UNIT.model_copy(update={"fast_memory": fast, "dma": dma, "max_cross_program_prefetches": crossing})


@dataclass(frozen=True)
class Setting:
    """A plan of :data:`PROGRAM` in short, with the part that it is for."""

    allocations: tuple[Allocation, ...] = ()
    copies: tuple[Copy, ...] = ()
    fast: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ()
    accelerator: Accelerator = field(default_factory=part)

    def check(self) -> tuple[Violation, ...]:
        plan = MemoryPlan(
            program_fingerprint=PROGRAM.fingerprint,
            accelerator="unit",
            allocations=self.allocations,
            copies=self.copies,
            accesses=accesses(self.fast, self.leave_out),
        )
        return validate(PROGRAM, self.accelerator, plan)


@dataclass(frozen=True)
class Case:
    """``broken`` breaks exactly the rules ``rules`` and says so in ``message``; ``sound`` is its valid neighbour."""

    name: str
    broken: Setting
    rules: frozenset[int]
    message: str
    sound: Setting


def case(name: str, rule: int | set[int], message: str, *, broken: Setting, sound: Setting) -> Case:
    return Case(name, broken, frozenset({rule} if isinstance(rule, int) else rule), message, sound)


X_FAST = ("x written", "x read at 1", "x read at 5")
Y_FAST = ("y written", "y read at 2", "v written", "v read at 3")
W_BOTH = ("w read at 1", "w read at 3")

CASES = [
    # ---- 0: the plan fits the program ----
    case(
        "an access without an entry",
        0,
        r"buffer 'w' \(id 1\): expected an access entry for operand 1 of instruction 1 \('matmul.1'\), found none",
        broken=Setting(leave_out=("w read at 1",)),
        sound=Setting(),
    ),
    case(
        "an allocation of an unknown buffer",
        0,
        "allocation 0: expected a buffer of the program, found id 99",
        broken=Setting((allocate(99, 0, 0, 5),)),
        sound=Setting((allocate(X, 0, 0, 5),)),
    ),
    case(
        "a copy of an unknown buffer",
        0,
        "copy 0: expected a buffer of the program, found id 99",
        broken=Setting((allocate(W, 0, 0, 5),), (prefetch(99, 0, 0, 1),)),
        sound=Setting((allocate(W, 0, 0, 5),), (prefetch(W, 0, 0, 1),)),
    ),
    # ---- 1: space, time, capacity, alignment ----
    case(
        "two allocations overlap by one byte",
        1,
        r"'w' \(id 1\): bytes \[7, 15\) during \[0, 3\] overlaps buffer 'x' \(id 2\): bytes \[0, 8\) during \[0, 5\]",
        broken=Setting((allocate(X, 0, 0, 5), allocate(W, 7, 0, 3))),
        sound=Setting((allocate(X, 0, 0, 5), allocate(W, 8, 0, 3))),
    ),
    case(
        "two allocations share one instruction time",
        1,
        r"overlaps buffer 'y' \(id 3\): bytes \[0, 8\) during \[1, 3\]",
        broken=Setting((allocate(Y, 0, 1, 3), allocate(X, 0, 3, 5))),
        sound=Setting((allocate(Y, 0, 1, 3), allocate(X, 0, 4, 5))),
    ),
    case(
        "one buffer twice in one place",
        1,
        r"buffer 'x' .* overlaps buffer 'x'",
        broken=Setting((allocate(X, 0, 0, 2), allocate(X, 0, 2, 5)), fast=X_FAST),
        sound=Setting((allocate(X, 0, 0, 2), allocate(X, 0, 3, 5)), fast=X_FAST),
    ),
    case(
        "over the capacity",
        1,
        "expected an end within the capacity of 15 bytes, found 16",
        broken=Setting((allocate(X, 8, 0, 5),), accelerator=part(capacity=15)),
        sound=Setting((allocate(X, 7, 0, 5),), accelerator=part(capacity=15)),
    ),
    case(
        "no capacity at all",
        1,
        "within the capacity of 0 bytes",
        broken=Setting((allocate(X, 0, 0, 5),), accelerator=part(capacity=0)),
        sound=Setting(accelerator=part(capacity=0)),
    ),
    case(
        "not aligned",
        1,
        "expected an offset >= 0 and a multiple of 16",
        broken=Setting((allocate(X, 24, 0, 5),), accelerator=part(alignment=16)),
        sound=Setting((allocate(X, 32, 0, 5),), accelerator=part(alignment=16)),
    ),
    case(
        "a negative offset",
        1,
        "expected an offset >= 0",
        broken=Setting((allocate(X, -8, 0, 5),)),
        sound=Setting((allocate(X, 0, 0, 5),)),
    ),
    case(
        "smaller than the buffer",
        1,
        "expected a size of at least 8 bytes, found 7",
        broken=Setting((allocate(X, 0, 0, 5, size=7),)),
        sound=Setting((allocate(X, 0, 0, 5, size=9),)),
    ),
    case(
        "after the program's end",
        1,
        r"allocation \[0, 6\] at offset 0: expected 0 <= start <= end <= 5",
        broken=Setting((allocate(X, 0, 0, 6),)),
        sound=Setting((allocate(X, 0, 0, 5),)),
    ),
    case(
        "end before start",
        1,
        "expected 0 <= start <= end <= 5",
        broken=Setting((allocate(X, 0, 3, 2),)),
        sound=Setting((allocate(X, 0, 2, 2),)),
    ),
    case(
        "before the program without a cross-program prefetch",
        1,
        "expected start >= 0, since no cross-program prefetch fills it",
        broken=Setting((allocate(W, 0, -1, 3),), (prefetch(W, 0, 0, 1),), W_BOTH, accelerator=part(crossing=1)),
        sound=Setting((allocate(W, 0, -1, 3),), (prefetch(W, 0, -1, 1),), W_BOTH, accelerator=part(crossing=1)),
    ),
    # ---- 2: an access in fast memory finds its data there ----
    case(
        "no allocation at the access",
        2,
        r"'x' \(id 2\): operand 0 read in fast memory at instruction 5 \('store'\): expected an allocation there, "
        r"found \[0, 4\] at offset 0",
        broken=Setting((allocate(X, 0, 0, 4),), fast=X_FAST),
        sound=Setting((allocate(X, 0, 0, 5),), fast=X_FAST),
    ),
    case(
        "allocated after the write",
        2,
        "result 0 written in fast memory at instruction 0",
        broken=Setting((allocate(X, 0, 1, 5),), fast=X_FAST),
        sound=Setting((allocate(X, 0, 0, 5),), fast=X_FAST),
    ),
    case(
        "never brought",
        2,
        r"operand 1 read in fast memory at instruction 1 .*: expected the current data in allocation \[0, 3\] "
        "at offset 0, found none there",
        broken=Setting((allocate(W, 0, 0, 3),), fast=W_BOTH),
        sound=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 1),), W_BOTH),
    ),
    case(
        "brought too late",
        2,
        "found that it arrives at 2",
        broken=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 2),), W_BOTH),
        sound=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 1),), W_BOTH),
    ),
    case(
        "a gap between allocations loses the data",
        2,
        r"operand 1 read in fast memory at instruction 3",
        broken=Setting((allocate(W, 0, 0, 1), allocate(W, 0, 3, 3)), (prefetch(W, 0, 0, 1),), W_BOTH),
        sound=Setting((allocate(W, 0, 0, 1), allocate(W, 0, 2, 3)), (prefetch(W, 0, 0, 1),), W_BOTH),
    ),
    case(
        "abutting allocations at another offset are another place",
        2,
        r"found none there",
        broken=Setting((allocate(W, 0, 0, 1), allocate(W, 8, 2, 3)), (prefetch(W, 0, 0, 1),), W_BOTH),
        sound=Setting(
            (allocate(W, 0, 0, 1), allocate(W, 8, 2, 3)), (prefetch(W, 0, 0, 1), prefetch(W, 8, 2, 3)), W_BOTH
        ),
    ),
    case(
        "written in slow memory, read in fast",
        2,
        "operand 0 read in fast memory at instruction 5",
        broken=Setting((allocate(X, 0, 0, 5),), fast=("x read at 5",)),
        sound=Setting((allocate(X, 0, 0, 5),), (prefetch(X, 0, 1, 5),), ("x read at 5",)),
    ),
    case(
        "two places for one result",
        2,
        r"result 0 written in fast memory at instruction 0 .*: ambiguous, found \[0, 5\] at offset 0 and \[0, 5\] at",
        broken=Setting((allocate(X, 0, 0, 5), allocate(X, 8, 0, 5)), fast=X_FAST),
        sound=Setting((allocate(X, 0, 0, 5),), fast=X_FAST),
    ),
    # ---- 3: an access in slow memory finds its data there ----
    case(
        "never written back",
        3,
        r"operand 0 read in slow memory at instruction 5 .*: expected the current data in slow memory, found none",
        broken=Setting((allocate(X, 0, 0, 4),), fast=X_FAST[:2]),
        sound=Setting((allocate(X, 0, 0, 4),), (evict(X, 0, 1, 5),), X_FAST[:2]),
    ),
    case(
        "written back too late",
        3,
        "found that it arrives at 6",
        broken=Setting((allocate(X, 0, 0, 5),), (evict(X, 0, 1, 6),), X_FAST[:2]),
        sound=Setting((allocate(X, 0, 0, 5),), (evict(X, 0, 1, 5),), X_FAST[:2]),
    ),
    case(
        "an eviction outlives its allocation",
        3,
        r"eviction \[1, 5\] at offset 0 \(copy 0\): expected its source allocated during \[1, 4\], found \[0, 3\] at",
        broken=Setting((allocate(X, 0, 0, 3),), (evict(X, 0, 1, 5),), X_FAST[:2]),
        sound=Setting((allocate(X, 0, 0, 3),), (evict(X, 0, 1, 4),), X_FAST[:2]),
    ),
    case(
        "an eviction in no time needs its source at that time",
        3,
        r"expected its source allocated during \[4, 4\], found \[0, 3\] at offset 0",
        broken=Setting((allocate(X, 0, 0, 3),), (evict(X, 0, 4, 4),), X_FAST[:2]),
        sound=Setting((allocate(X, 0, 0, 4),), (evict(X, 0, 4, 4),), X_FAST[:2]),
    ),
    case(
        "the next version is not written back",
        3,
        "operand 0 read in slow memory at instruction 3",
        broken=Setting((allocate(Y, 0, 1, 2),), (evict(Y, 0, 2, 2),), Y_FAST[:3]),
        sound=Setting((allocate(Y, 0, 1, 3),), (evict(Y, 0, 3, 3),), Y_FAST[:3]),
    ),
    case(
        "an in-place update in slow memory of data that is in fast memory",
        3,
        "operand 0 read in slow memory at instruction 2",
        broken=Setting((allocate(Y, 0, 1, 1),), fast=("y written",)),
        sound=Setting((allocate(Y, 0, 1, 2),), (evict(Y, 0, 2, 2),), ("y written",)),
    ),
    # ---- 4: copies ----
    case(
        "a prefetch before its allocation",
        4,
        r"prefetch \[0, 1\] at offset 0 \(copy 0\): expected its destination allocated during \[0, 1\], found \[1, 3\]",
        broken=Setting((allocate(W, 0, 1, 3),), (prefetch(W, 0, 0, 1),), W_BOTH),
        sound=Setting((allocate(W, 0, 1, 3),), (prefetch(W, 0, 1, 1),), W_BOTH),
    ),
    case(
        "a prefetch that ends after its allocation",
        4,
        r"expected its destination allocated during \[0, 3\], found \[0, 2\]",
        broken=Setting((allocate(W, 0, 0, 2),), (prefetch(W, 0, 0, 3),)),
        sound=Setting((allocate(W, 0, 0, 2),), (prefetch(W, 0, 0, 2),)),
    ),
    case(
        "a prefetch beside its allocation",
        {2, 4},
        r"prefetch \[0, 1\] at offset 8 .* found \[0, 3\] at offset 0",
        broken=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 8, 0, 1),), W_BOTH),
        sound=Setting((allocate(W, 8, 0, 3),), (prefetch(W, 8, 0, 1),), W_BOTH),
    ),
    case(
        "done before it starts",
        4,
        "expected -1 <= start_time <= done_time <= 6 and start_time < 6",
        broken=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 1, 0),)),
        sound=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 1, 1),)),
    ),
    case(
        "done after the end",
        4,
        "expected -1 <= start_time <= done_time <= 6",
        broken=Setting((allocate(W, 0, 0, 5),), (prefetch(W, 0, 0, 7),)),
        sound=Setting((allocate(W, 0, 0, 5),), (prefetch(W, 0, 0, 6),)),
    ),
    case(
        "starts after the last instruction",
        {4, 5},
        "start_time < 6",
        broken=Setting((allocate(Z, 0, 4, 5),), (evict(Z, 0, 6, 6),), ("z written",)),
        sound=Setting((allocate(Z, 0, 4, 5),), (evict(Z, 0, 5, 6),), ("z written",)),
    ),
    case(
        "an eviction before the program",
        4,
        "expected 0 <= start_time",
        broken=Setting((allocate(W, 0, 0, 5),), (prefetch(W, 0, 0, 1), evict(W, 0, -1, 3))),
        sound=Setting((allocate(W, 0, 0, 5),), (prefetch(W, 0, 0, 1), evict(W, 0, 1, 3))),
    ),
    case(
        "a part of the buffer",
        4,
        "expected 8 bytes, the whole buffer, found 4",
        broken=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 1, size=4),), W_BOTH),
        sound=Setting((allocate(W, 0, 0, 3),), (prefetch(W, 0, 0, 1, size=8),), W_BOTH),
    ),
    case(
        "a prefetch of what has not been written yet",
        4,
        r"'x' \(id 2\): prefetch \[0, 1\] at offset 0 \(copy 0\): expected data in slow memory, found that nothing",
        broken=Setting((allocate(X, 0, 0, 5),), (prefetch(X, 0, 0, 1),)),
        sound=Setting((allocate(X, 0, 0, 5),), (prefetch(X, 0, 1, 1),)),
    ),
    case(
        "a prefetch of what is in fast memory only",
        4,
        r"prefetch \[3, 5\] at offset 8 \(copy 0\): expected the current data in slow memory, found none there",
        broken=Setting((allocate(X, 0, 0, 2), allocate(X, 8, 3, 5)), (prefetch(X, 8, 3, 5),), X_FAST),
        sound=Setting((allocate(X, 0, 0, 2), allocate(X, 8, 3, 5)), (evict(X, 0, 1, 3), prefetch(X, 8, 3, 5)), X_FAST),
    ),
    case(
        "a prefetch that starts before the eviction of its data is done",
        4,
        "found that it arrives at 3",
        broken=Setting((allocate(X, 0, 0, 2), allocate(X, 8, 2, 5)), (evict(X, 0, 1, 3), prefetch(X, 8, 2, 5)), X_FAST),
        sound=Setting((allocate(X, 0, 0, 2), allocate(X, 8, 2, 5)), (evict(X, 0, 1, 2), prefetch(X, 8, 2, 5)), X_FAST),
    ),
    case(
        "equal starts in the wrong plan order",
        4,
        r"prefetch \[2, 5\] at offset 8 \(copy 0\)",
        broken=Setting((allocate(X, 0, 0, 2), allocate(X, 8, 2, 5)), (prefetch(X, 8, 2, 5), evict(X, 0, 2, 2)), X_FAST),
        sound=Setting((allocate(X, 0, 0, 2), allocate(X, 8, 2, 5)), (evict(X, 0, 2, 2), prefetch(X, 8, 2, 5)), X_FAST),
    ),
    case(
        "an eviction starts with the write, before its data is there",
        {4, 5},
        "eviction .* expected data in allocation .* nothing has been written yet",
        broken=Setting((allocate(Z, 0, 4, 5),), (evict(Z, 0, 4, 4),), ("z written",)),
        sound=Setting((allocate(Z, 0, 4, 5),), (evict(Z, 0, 5, 5),), ("z written",)),
    ),
    case(
        "a write while an eviction is open",
        4,
        r"eviction \[2, 3\] at offset 0 \(copy 0\) is open while instruction 2 \('update'\) writes the buffer",
        broken=Setting((allocate(Y, 0, 1, 3),), (evict(Y, 0, 2, 3),), Y_FAST),
        sound=Setting((allocate(Y, 0, 1, 3),), (evict(Y, 0, 2, 2),), Y_FAST),
    ),
    # ---- 5: outputs, alias groups, pinned buffers ----
    case(
        "an output stays in fast memory",
        5,
        r"buffer 'z' \(id 4\): an output must be in slow memory at the end",
        broken=Setting((allocate(Z, 0, 4, 5),), fast=("z written",)),
        sound=Setting((allocate(Z, 0, 4, 5),), (evict(Z, 0, 5, 6),), ("z written",)),
    ),
    case(
        "a pinned buffer is allocated",
        5,
        r"buffer 'p' \(id 6\): pinned to slow memory, found allocation \[3, 4\] at offset 0",
        broken=Setting((allocate(P, 0, 3, 4),), fast=("p written", "p read at 4")),
        sound=Setting(),
    ),
    case(
        "a pinned buffer is accessed in fast memory",
        5,
        "pinned to slow memory, found operand 0 read in fast memory at instruction 4",
        broken=Setting(fast=("p read at 4",)),
        sound=Setting(),
    ),
    case(
        "an in-place update from one memory to the other",
        5,
        r"buffer 'y' \(id 3, alias group of 2\): operands and results at instruction 2 .* must share one memory",
        broken=Setting((allocate(Y, 0, 1, 3),), (evict(Y, 0, 2, 2),), (*Y_FAST[:1], *Y_FAST[2:])),
        sound=Setting((allocate(V, 0, 1, 3),), (evict(V, 0, 2, 2),), Y_FAST),
    ),
    # ---- 6: cross-program prefetches ----
    case(
        "a cross-program prefetch too many",
        6,
        r"expected at most 0 cross-program prefetches \(start_time -1\) on 'unit', found 1",
        broken=Setting((allocate(W, 0, -1, 3),), (prefetch(W, 0, -1, 1),), W_BOTH),
        sound=Setting((allocate(W, 0, -1, 3),), (prefetch(W, 0, -1, 1),), W_BOTH, accelerator=part(crossing=1)),
    ),
    case(
        "a cross-program prefetch of what the program makes",
        {4, 6},
        "a cross-program prefetch needs data that exists before the program",
        broken=Setting((allocate(X, 0, -1, 5),), (prefetch(X, 0, -1, 0),), accelerator=part(crossing=1)),
        sound=Setting((allocate(W, 0, -1, 5),), (prefetch(W, 0, -1, 0),), accelerator=part(crossing=1)),
    ),
    # ---- 7: open copies ----
    case(
        "two prefetches open at once",
        7,
        r"expected at most 1 open copies \(max_outstanding_prefetches\), found 2 at time 2",
        broken=Setting(
            (allocate(W, 0, 0, 5), allocate(X, 8, 0, 5)),
            (prefetch(W, 0, 0, 3), prefetch(X, 8, 2, 5)),
            accelerator=part(prefetches=1),
        ),
        sound=Setting(
            (allocate(W, 0, 0, 5), allocate(X, 8, 0, 5)),
            (prefetch(W, 0, 0, 3), prefetch(X, 8, 3, 5)),
            accelerator=part(prefetches=1),
        ),
    ),
    case(
        "an eviction where none may be open",
        7,
        r"max_outstanding_evictions\), found 1 at time 1",
        broken=Setting((allocate(X, 0, 0, 5),), (evict(X, 0, 1, 2),), X_FAST, accelerator=part(evictions=0)),
        # A copy that is done when it starts is never open.
        sound=Setting((allocate(X, 0, 0, 5),), (evict(X, 0, 2, 2),), X_FAST, accelerator=part(evictions=0)),
    ),
    case(
        "a cross-program prefetch is open until it is done",
        7,
        "found 1 at time 0",
        broken=Setting(
            (allocate(W, 0, -1, 3),), (prefetch(W, 0, -1, 1),), W_BOTH, accelerator=part(crossing=1, prefetches=0)
        ),
        sound=Setting(
            (allocate(W, 0, -1, 3),), (prefetch(W, 0, -1, 0),), W_BOTH, accelerator=part(crossing=1, prefetches=0)
        ),
    ),
    case(
        "each direction has its own limit",
        7,
        r"max_outstanding_prefetches\), found 2 at time 1",
        broken=Setting(
            (allocate(X, 0, 0, 5), allocate(W, 8, 0, 5), allocate(X, 16, 1, 5)),
            (prefetch(W, 8, 0, 3), prefetch(X, 16, 1, 3)),
            accelerator=part(prefetches=1, evictions=1),
        ),
        sound=Setting(
            (allocate(X, 0, 0, 5), allocate(W, 8, 0, 5)),
            (prefetch(W, 8, 0, 3), evict(X, 0, 1, 3)),
            X_FAST,
            accelerator=part(prefetches=1, evictions=1),
        ),
    ),
]
