"""One storage, use by use: stay, write back, bring in, or slow memory (``algorithm.cc``, ``AllocateSegment``).

For each pair of neighbouring accesses the first of these that is possible wins::

    no-copy     the data stays in fast memory        (both ends may be fast, the pause is short enough, the place free)
    prefetch    it is brought in for the use         (after an eviction if slow memory does not have it)
    slow        the use is served from slow memory
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .eviction import evict
from .prefetch import Prefetcher
from .result import Result
from .values import Tenant, Use, Value
from .workspace import Stay, Workspace, longest_reach

#: A place in a storage's life that must be in slow memory: (index of the value, time of its definition or of a use).
Site = tuple[int, int]


@dataclass(eq=False)
class Placement:
    """A stay of one attempt and what XLA counts to tell whether it pays: bytes copied, bytes accessed, its sites."""

    stay: Stay
    is_prefetch: bool
    copied_bytes: int = 0
    accessed_bytes: int = 0
    sites: list[Site] = field(default_factory=list)


@dataclass(eq=False)
class _Slow:
    """The value in slow memory; a prefetch may be issued after ``available``."""

    available: int


class Attempt:
    """One attempt at all uses of a storage, given the sites that are required in slow memory."""

    def __init__(self, workspace: Workspace, tenant: Tenant, required_slow: set[Site]) -> None:
        self._workspace = workspace
        self._tenant = tenant
        self._required_slow = required_slow
        self.placements: list[Placement] = []
        self._places: list[Placement | _Slow] = []
        self._previous_slow: _Slow | None = None

    def run(self) -> Result:
        """Place every use; stops at the first that needs the whole storage to be tried again."""
        result = Result.SUCCESS
        before: Placement | None = None
        for index, value in enumerate(self._tenant.values):
            self._begin(index, value, before)
            at, before = value.defined, None
            for use in value.uses:
                outcome = self._segment(index, value, at, use)
                result |= outcome
                if outcome & Result.UNCOMMIT:
                    return result
                at, before = use.time, self._serving(use)
        return result

    def _begin(self, index: int, value: Value, before: Placement | None) -> None:
        """The place that the value is defined in where that is not free to choose."""
        self._places = []
        if index and before is not None:
            self._places.append(before)
            before.stay.served.add(value.defined)
            before.accessed_bytes += value.written_bytes
            before.sites.append((index, value.defined))
        elif index or self._tenant.starts_slow or (index, value.defined) in self._required_slow:
            self._places.append(_Slow(value.defined))

    def _segment(self, index: int, value: Value, at: int, use: Use) -> Result:
        must_end_slow = self._must_be_slow(index, use)
        failures = Result.SUCCESS
        if at == use.time:
            return failures
        if not must_end_slow and not self._starts_in_slow(index, at):
            failures = self._stay(index, value, at, use)
            if not failures:
                return Result.SUCCESS
        slow = self._slow_copy(index, value, use)
        if slow is None:
            return failures | Result.UNCOMMIT
        if not must_end_slow:
            found = Prefetcher(self._workspace, self._tenant, use, slow.available).run()
            if isinstance(found, Stay):
                placement = Placement(found, is_prefetch=True, copied_bytes=self._tenant.size)
                self.placements.append(placement)
                self._places.append(placement)
                self._serve(placement, index, use)
                return Result.SUCCESS
            failures |= found
        return failures

    def _must_be_slow(self, index: int, use: Use) -> bool:
        """Whether the use, or the value that it makes in place, is required in slow memory."""
        if use.time == self._workspace.costs.length:
            return True
        sites = {(index, use.time), (index + 1, use.time)} if use.makes_next else {(index, use.time)}
        return not sites.isdisjoint(self._required_slow)

    def _starts_in_slow(self, index: int, at: int) -> bool:
        first = self._places[0] if self._places else None
        born_slow = isinstance(first, _Slow) and first.available == at
        return born_slow or (index, at) in self._required_slow

    def _stay(self, index: int, value: Value, at: int, use: Use) -> Result:
        """Keep the value in fast memory until the use (``AllocateInAlternateMemoryNoCopy``)."""
        workspace, size = self._workspace, self._tenant.size
        last = self._places[-1] if self._places else None
        if isinstance(last, _Slow):
            return Result.NOT_RESIDENT
        if not workspace.picker.allows_stay(at, use.time):
            return Result.TOO_LONG
        if last is not None:
            stay = last.stay
            if not workspace.heap.is_free(stay.offset, size, stay.end + 1, use.time):
                return Result.OUT_OF_MEMORY
            workspace.extend(stay, use.time)
            self._serve(last, index, use)
            return Result.SUCCESS
        offset = longest_reach(workspace, size, at, use.time, self._tenant.use_times)
        if offset is None:
            return Result.OUT_OF_MEMORY
        stay = Stay(self._tenant.storage, size, offset, at, use.time, served={value.defined})
        workspace.open_stay(stay)
        placement = Placement(stay, False, accessed_bytes=value.written_bytes, sites=[(index, value.defined)])
        self.placements.append(placement)
        self._places.append(placement)
        self._serve(placement, index, use)
        return Result.SUCCESS

    def _slow_copy(self, index: int, value: Value, use: Use) -> _Slow | None:
        """The value in slow memory, written back if need be; None if that is not possible."""
        slow = next((place for place in reversed(self._places) if isinstance(place, _Slow)), None)
        if slow is not None:
            return slow
        available = value.defined
        last = self._places[-1] if self._places else None
        if isinstance(last, Placement):
            end = evict(self._workspace, last.stay, value.defined, use.time)
            if end is None:
                return None
            available = end
            if index:  # XLA links the copy to the stay only through a definition in place
                last.copied_bytes += self._tenant.size
                last.accessed_bytes += value.written_bytes
        slow = _Slow(available)
        self._places.append(slow)
        return slow

    def _serve(self, placement: Placement, index: int, use: Use) -> None:
        placement.stay.served.add(use.time)
        placement.accessed_bytes += use.read_bytes
        placement.sites.append((index, use.time))

    def _serving(self, use: Use) -> Placement | None:
        last = self._places[-1]
        return last if isinstance(last, Placement) and use.time in last.stay.served else None
