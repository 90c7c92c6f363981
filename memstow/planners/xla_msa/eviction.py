"""Writing a value back that was produced in fast memory (``algorithm.cc``, ``Evict``)."""

from __future__ import annotations

from .copy_resource import AsyncCopy, scaled
from .workspace import Stay, Workspace


def evict(workspace: Workspace, stay: Stay, defined: int, needed: int) -> int | None:
    """Write a value back that became complete at ``defined`` and is needed in slow memory at ``needed``.

    The copy is issued right after the definition and lasts for the preferred overlap, but no longer than the block can
    stay where it is; the block is kept until the copy's end. Returns that end, or None if there is no interval, no
    budget or no room among the open copies. The last retry does without the budget.
    """
    end = max(workspace.picker.eviction_end(stay.size, defined, needed), stay.end)
    end = min(end, needed)
    if end > stay.end:
        end = workspace.heap.latest_free_end(stay.offset, stay.size, stay.end + 1, end)
    if end <= defined or defined + 1 >= workspace.costs.length:
        return None
    seconds = workspace.costs.copy_seconds(stay.size)
    if not workspace.evictions.has_enough([AsyncCopy(defined, end, scaled(seconds))]):
        if workspace.picker.retry < workspace.options.max_retries - 1:
            return None
        seconds = 0.0
    if not workspace.open_evictions.allows(defined + 1, end):
        return None
    workspace.extend(stay, end)
    workspace.add_eviction(defined, end, seconds)
    stay.eviction = (defined + 1, end)
    return end
