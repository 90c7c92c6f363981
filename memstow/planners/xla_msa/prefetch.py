"""Bringing a value into fast memory for one use (``algorithm.cc``, ``PrefetchWithResourceConstraints``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .copy_resource import AsyncCopy, scaled
from .result import Result
from .slices import slice_starts
from .values import Tenant, Use
from .workspace import Stay, Workspace, longest_reach


@dataclass(frozen=True)
class _Solution:
    """A place and the exclusive starts of the slices; ``begins`` is the start of the copy in memstow's plan."""

    offset: int
    begins: int
    starts: tuple[int, ...]


class Prefetcher:
    """Finds start and place of the prefetch of one use, or the reason why there is none."""

    def __init__(self, workspace: Workspace, tenant: Tenant, use: Use, available: int) -> None:
        self._workspace = workspace
        self._tenant = tenant
        self._use = use
        self._available = available
        self._use_times = tenant.use_times
        options = workspace.options
        sliced = options.max_slices > 1 and tenant.size >= options.slice_min_bytes
        self._slices = options.max_slices if sliced else 1
        self._too_early = -2

    def run(self) -> Stay | Result:
        """The new stay, opened and pending, or the failure."""
        workspace, use, size = self._workspace, self._use, self._tenant.size
        first = workspace.heap.first_time_with_room(size, self._available + 1, use.time - 1)
        if first >= use.time:
            return Result.OUT_OF_MEMORY
        earliest = self._available if self._slices > 1 else first - 1
        saving = workspace.costs.saving(use.time, use.operand_bytes)
        latest = workspace.picker.latest_start(size, earliest, use.time, saving)
        if self._reach(latest) is None:
            return Result.OUT_OF_MEMORY
        found = self._search(workspace.picker.starts(size, earliest, use.time, saving))
        return found if isinstance(found, Result) else self._open(found)

    def _search(self, starts: Iterable[int]) -> _Solution | Result:
        """The first sliced solution, else the first whole one."""
        whole: _Solution | None = None
        failures = Result.SUCCESS
        for start in starts:
            if start <= self._too_early:
                return Result.OUT_OF_MEMORY
            if self._slices > 1:
                sliced = self._fit_sliced(start)
                if isinstance(sliced, _Solution):
                    return sliced
                failures |= sliced
            if whole is None:
                attempt = self._fit_whole(start)
                if isinstance(attempt, Result):
                    failures |= attempt
                elif self._slices == 1:
                    return attempt
                else:
                    whole = attempt
        return whole or failures or Result.NO_INTERVAL

    def _fit_whole(self, start: int) -> _Solution | Result:
        failure = self._budget((start,))
        if failure:
            return failure
        offset = self._reach(start)
        if offset is None:
            if self._slices == 1:
                self._too_early = max(self._too_early, start)
            return Result.OUT_OF_MEMORY
        return _Solution(offset, start, (start,))

    def _fit_sliced(self, start: int) -> _Solution | Result:
        starts = tuple(slice_starts(self._workspace.costs, self._slices, start, self._use.time))
        if len(set(starts)) == 1:
            return Result.SUCCESS
        failure = self._budget(starts)
        if failure:
            return failure
        for begins in sorted(set(starts)):
            offset = self._reach(begins)
            if offset is not None:
                return _Solution(offset, begins, starts)
        self._too_early = max(self._too_early, start)
        return Result.OUT_OF_MEMORY

    def _budget(self, starts: Sequence[int]) -> Result:
        """Whether the limit on open copies and the copy budget allow the slices."""
        workspace, end = self._workspace, self._use.time
        if not all(workspace.open_prefetches.allows(start, end, more) for more, start in enumerate(starts)):
            return Result.TOO_MANY_COPIES
        seconds = workspace.costs.copy_seconds(self._tenant.size / len(starts))
        if len(starts) > 1:
            seconds *= workspace.options.sliced_copy_inflation
        copies = [AsyncCopy(start, end, scaled(seconds)) for start in starts]
        return Result.SUCCESS if workspace.prefetches.has_enough(copies) else Result.NO_BANDWIDTH

    def _reach(self, start: int) -> int | None:
        return longest_reach(self._workspace, self._tenant.size, start + 1, self._use.time, self._use_times)

    def _open(self, solution: _Solution) -> Stay:
        begins, end, size = solution.begins + 1, self._use.time, self._tenant.size
        stay = Stay(self._tenant.storage, size, solution.offset, begins, end, prefetch=(begins, end))
        self._workspace.open_stay(stay)
        seconds = self._workspace.costs.copy_seconds(size / len(solution.starts))
        counted = 0 if len(solution.starts) > 1 else 1
        for start in solution.starts:
            self._workspace.add_prefetch(start, end, seconds, start + counted)
        return stay
