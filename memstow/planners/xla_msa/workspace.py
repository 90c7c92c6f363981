"""What has been decided so far: blocks in fast memory, copies and their budgets; the pending part can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...accelerator import Accelerator
from .copy_resource import AsyncCopy, CopyResource, OpenCopies, scaled
from .costs import Costs
from .heap import Heap
from .intervals import IntervalPicker
from .options import Options
from .repack import Block, repack


@dataclass(eq=False)
class Stay:
    """One storage in fast memory at one offset, from ``start`` to ``end`` inclusive (N: past the last instruction).

    ``prefetch`` and ``eviction`` are (time at which the copy may begin, time that waits for it); ``served`` holds the
    times whose accesses are in fast memory. ``refill`` is the start of XLA's end-of-program copy for the next run.
    """

    storage: int
    size: int
    offset: int
    start: int
    end: int
    prefetch: tuple[int, int] | None = None
    eviction: tuple[int, int] | None = None
    refill: int | None = None
    served: set[int] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)

    def spans(self, length: int) -> list[tuple[int, int]]:
        """Closed intervals in which the block occupies fast memory."""
        spans = [(max(0, self.start), self.end)]
        if self.refill is not None:
            spans.append((self.refill, length))
        return spans


@dataclass
class _PendingCopy:
    resource: CopyResource
    open_copies: OpenCopies
    copy: AsyncCopy
    log: list[tuple[int, int]]
    counted: tuple[int, int]


class Workspace:
    """The state that all parts of the heuristic share.

    ``stays`` are the committed ones. Blocks and copies added since the last :meth:`commit` are pending.
    """

    def __init__(self, costs: Costs, accelerator: Accelerator, options: Options) -> None:
        self.costs = costs
        self.options = options
        self.picker = IntervalPicker(costs, accelerator.capacity, options)
        self.heap = Heap(accelerator.capacity, accelerator.alignment, costs.length)
        self.prefetches = CopyResource(costs.elapsed)
        self.evictions = CopyResource(costs.elapsed)
        self.open_prefetches = OpenCopies(accelerator.dma.max_outstanding_prefetches)
        self.open_evictions = OpenCopies(accelerator.dma.max_outstanding_evictions)
        self.stays: list[Stay] = []
        self._alignment = accelerator.alignment
        self._pending_stays: list[Stay] = []
        self._pending_copies: list[_PendingCopy] = []

    def open_stay(self, stay: Stay) -> None:
        """Place a new stay; it is pending."""
        for start, end in stay.spans(self.costs.length):
            stay.numbers.append(self.heap.add(stay.offset, stay.size, start, end))
        self._pending_stays.append(stay)

    def extend(self, stay: Stay, end: int) -> None:
        """Let a pending stay last until ``end``; the place must be free."""
        if end > stay.end:
            stay.numbers.append(self.heap.add(stay.offset, stay.size, stay.end + 1, end))
            stay.end = end

    def add_prefetch(self, start: int, end: int, seconds: float, counted_from: int) -> None:
        """Book a copy into fast memory; ``counted_from`` is the first time at which it counts as open."""
        self._book(self.prefetches, self.open_prefetches, AsyncCopy(start, end, scaled(seconds)), counted_from)

    def add_eviction(self, start: int, end: int, seconds: float) -> None:
        """Book a copy out of fast memory."""
        self._book(self.evictions, self.open_evictions, AsyncCopy(start, end, scaled(seconds)), start + 1)

    def commit(self) -> None:
        """Make the pending part permanent; each stay becomes one block per span."""
        for stay in self._pending_stays:
            for number in stay.numbers:
                self.heap.remove(number)
            spans = stay.spans(self.costs.length)
            stay.numbers = [self.heap.add(stay.offset, stay.size, start, end) for start, end in spans]
        self.stays += self._pending_stays
        self._pending_stays, self._pending_copies = [], []

    def undo(self) -> None:
        """Forget the pending part."""
        for stay in self._pending_stays:
            for number in stay.numbers:
                self.heap.remove(number)
        for pending in reversed(self._pending_copies):
            pending.open_copies.remove(*pending.counted)
            pending.resource.remove(pending.copy, pending.log)
        self._pending_stays, self._pending_copies = [], []

    def repack(self) -> bool:
        """Move the committed stays together; False and no change if best fit does not find room for all."""
        blocks = [Block(stay.size, tuple(stay.spans(self.costs.length))) for stay in self.stays]
        heap = Heap(self.heap.capacity, self._alignment, self.costs.length)
        offsets = repack(blocks, heap)
        if offsets is None:
            return False
        for stay, offset in zip(self.stays, offsets, strict=True):
            stay.offset = offset
            stay.numbers = [heap.add(offset, stay.size, *span) for span in stay.spans(self.costs.length)]
        self.heap = heap
        return True

    def _book(self, resource: CopyResource, open_copies: OpenCopies, copy: AsyncCopy, counted_from: int) -> None:
        counted = (counted_from, copy.end)
        open_copies.add(*counted)
        self._pending_copies.append(_PendingCopy(resource, open_copies, copy, resource.add(copy), counted))


def longest_reach(workspace: Workspace, size: int, start: int, end: int, use_times: Sequence[int]) -> int | None:
    """Offset for ``[start, end]`` at which the block can stay through as many later uses as possible; None: no room.

    XLA's ``FindBestChunkCandidates``: a binary search over the uses that may be reached without a copy, best fit at
    each; the last success counts. It prevents a place that is free up to the next use only::

        new block      def ---- use ---- use
        offset 4       free     free     free     <- taken
        offset 0       free     free     taken by another block
    """
    first = last = use_times.index(end)
    while last + 1 < len(use_times) and workspace.picker.allows_stay(use_times[last], use_times[last + 1]):
        last += 1
    found: int | None = None
    low, count = first, last + 1 - first
    while count > 0:
        half = count // 2
        offset = workspace.heap.best_fit(size, [(start, use_times[low + half])])
        if offset is None:
            count = half
        else:
            found = offset
            low, count = low + half + 1, count - half - 1
    return found
