"""Why a tensor is accessed in slow memory: read off the plan alone, so that it holds for any planner's plan.

A tensor's *stay* below is a set of neighbouring accesses that the plan serves from slow memory and that might be served
from one block of fast memory instead, everything else as planned. The reason is that of the stay with the best balance
of time saved and copies that cannot be hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .figures import format_bytes
from .figures import format_seconds as _seconds
from .plan import MemoryPlan
from .plan_view import PlanView, Touch
from .planners.base import Problem
from .program import Storage
from .summary import storage_kind

#: Every reason code and what it claims.
REASONS = {
    "no-fast-memory": "the accelerator's fast memory has no bytes",
    "pinned": "the program pins the tensor to slow memory",
    "too-large": "the tensor is larger than the fast memory",
    "no-benefit": "no instruction that accesses it in slow memory would take less time with it in fast memory",
    "no-time-to-evict": "it is written by the last instruction and must end in slow memory: a copy back cannot start",
    "no-room": "at no access that would gain is a free block of its size",
    "used-once": "its only access needs a copy whose time that cannot be hidden is at least what the access saves",
    "copy-not-hidden": "the copies of every stay that was looked at cost at least what the stay saves",
    "planner-choice": "the plan has room for it and a saving is in reach; this planner did not take it",
}
#: Stays priced per tensor: the longest that have room, and single accesses, those that save most first.
_MAX_STAYS, _MAX_SINGLES = 8, 4
_SHOWN_OCCUPANTS = 2
_bytes = partial(format_bytes, digits=4)


@dataclass(frozen=True)
class SlowTensor:
    """A tensor (alias group) that the plan accesses in slow memory at least once.

    ``accesses`` and ``slow_accesses`` count operands and results that move bytes. ``cost_seconds`` is the instruction
    time saved were all its slow accesses in fast memory at no cost, the rest of the plan and its stalls unchanged.
    ``reason`` is a key of :data:`REASONS`, ``sentence`` says it with numbers. ``buffer`` is the representative's id.
    """

    buffer: int
    name: str
    kind: str
    size_bytes: int
    accesses: int
    slow_accesses: int
    cost_seconds: float
    reason: str
    sentence: str


@dataclass(frozen=True)
class _Stay:
    """A stay that has room for its accesses. Seconds; ``hidden`` is the most of ``copying`` that can be hidden."""

    touches: Sequence[Touch]
    saved: float
    prefetches: bool
    evicts: bool
    copying: float
    hidden: float

    @property
    def net(self) -> float:
        return self.saved - (self.copying - self.hidden)


def slow_tensor_reasons(problem: Problem, plan: MemoryPlan) -> list[SlowTensor]:
    """Every tensor with a slow access and the reason for it; those that cost most first. The plan is taken as valid."""
    view = PlanView(problem, plan)
    found = []
    for storage in problem.program.storages:
        touches = view.touches(storage)
        slow = [touch for touch in touches if touch.slow_entries]
        if not slow:
            continue
        cost = max(0.0, sum(touch.gain for touch in slow))
        reason, sentence = _reason(view, storage, touches, cost)
        found.append(
            SlowTensor(
                buffer=storage.representative.id,
                name=storage.representative.name,
                kind=storage_kind(storage),
                size_bytes=storage.size_bytes,
                accesses=sum(touch.entries for touch in touches),
                slow_accesses=sum(touch.slow_entries for touch in touches),
                cost_seconds=cost,
                reason=reason,
                sentence=sentence,
            )
        )
    return sorted(found, key=lambda tensor: (-tensor.cost_seconds, tensor.buffer))


def _reason(view: PlanView, storage: Storage, touches: Sequence[Touch], cost: float) -> tuple[str, str]:
    size, capacity = storage.size_bytes, view.capacity
    slow = [touch for touch in touches if touch.slow_entries]
    if capacity == 0:
        return "no-fast-memory", "The fast memory has a capacity of 0 bytes."
    if storage.pinned_slow:
        return "pinned", "The program pins it to slow memory."
    if size > capacity:
        return "too-large", f"Its {_bytes(size)} exceed the {_bytes(capacity)} of fast memory."
    if cost <= 0.0:
        return "no-benefit", _no_benefit(view, slow)
    useful = [touch for touch in slow if touch.gain > 0.0]
    movable = [touch for touch in useful if touch.needed_until <= view.last_time]
    if not movable:
        return "no-time-to-evict", (
            "The last instruction writes it and it must end in slow memory, so there is no time left to copy it back."
        )
    if not any(view.fits(storage, touch.time, touch.needed_until) for touch in movable):
        return "no-room", _no_room(view, storage, movable)
    stay = max(_stays(view, storage, touches), key=lambda stay: (stay.net, stay.saved))
    if stay.net > 0.0:
        return "planner-choice", _planner_choice(storage, stay)
    if len(touches) == 1:
        return "used-once", _used_once(storage, stay)
    return "copy-not-hidden", _not_hidden(stay)


def _stays(view: PlanView, storage: Storage, touches: Sequence[Touch]) -> list[_Stay]:
    """Stays with room: the longest, then single accesses; each saves something."""
    runs: list[list[Touch]] = []
    run: list[Touch] = []
    for touch in touches:
        candidate = bool(touch.slow_entries) and touch.needed_until <= view.last_time
        if candidate and run and view.fits(storage, run[0].time, touch.needed_until):
            run.append(touch)
        elif candidate and view.fits(storage, touch.time, touch.needed_until):
            run = [touch]
            runs.append(run)
        else:
            run = []
    longest = [trimmed for run in runs if (trimmed := _trim(run))]
    singles = [[touch] for run in longest if len(run) > 1 for touch in run if touch.gain > 0.0]
    longest.sort(key=lambda run: -sum(touch.gain for touch in run))
    singles.sort(key=lambda run: -run[0].gain)
    return [_price(view, storage, run) for run in longest[:_MAX_STAYS] + singles[:_MAX_SINGLES]]


def _trim(run: list[Touch]) -> list[Touch]:
    """The run without accesses at its ends that gain nothing and spare no copy; empty if it gains nothing at all."""
    first, last = 0, len(run) - 1
    while first <= last and run[first].gain <= 0.0 and not run[first].creates:
        first += 1
    while first <= last and run[last].gain <= 0.0 and not any(touch.writes for touch in run):
        last -= 1
    kept = run[first : last + 1]
    return kept if sum(touch.gain for touch in kept) > 0.0 else []


def _price(view: PlanView, storage: Storage, run: Sequence[Touch]) -> _Stay:
    first, last = run[0], run[-1]
    prefetches = not first.creates and not view.stays_on(storage, first, last)
    evicts = any(touch.writes for touch in run) and (storage.is_output or last.index + 1 < last.count)
    seconds = view.copy_seconds(storage)
    hidden = 0.0
    if prefetches:
        hidden += min(seconds, view.hidden_prefetch(storage, first, last))
    if evicts:
        written = max(touch.time for touch in run if touch.writes)
        hidden += min(seconds, view.hidden_eviction(storage, first, last, written))
    saved = sum(touch.gain for touch in run)
    return _Stay(run, saved, prefetches, evicts, seconds * (prefetches + evicts), hidden)


def _no_benefit(view: PlanView, slow: Sequence[Touch]) -> str:
    bound = sum(view.is_compute_bound(touch.time) for touch in slow)
    text = f"{_times(slow)} would take no less time with it in fast memory"
    if bound == len(slow):
        return f"{text}: bound by compute."
    return f"{text}; {bound} of {len(slow)} bound by compute." if bound else f"{text}."


def _no_room(view: PlanView, storage: Storage, movable: Sequence[Touch]) -> str:
    worst = max(movable, key=lambda touch: touch.gain)
    largest, free = view.largest_hole(storage, worst.time, worst.needed_until)
    occupants = view.occupants(storage, worst.time, worst.needed_until)
    named = [f"{name} ({_bytes(size)})" for name, size in occupants[:_SHOWN_OCCUPANTS]]
    rest = len(occupants) - len(named)
    others = ", ".join(named) + (f" and {rest} more" if rest > 0 else "")
    split = f" of {_bytes(free)} free" if free > largest else ""
    accesses = "its slow access" if len(movable) == 1 else f"any of its {len(movable)} slow accesses that would gain"
    return (
        f"No free block of {_bytes(storage.size_bytes)} at {accesses}: {_span(worst.time, worst.needed_until)} "
        f"the largest is {_bytes(largest)}{split}, beside {others}."
    )


def _planner_choice(storage: Storage, stay: _Stay) -> str:
    where = _span(stay.touches[0].time, stay.touches[-1].needed_until)
    text = f"{_bytes(storage.size_bytes)} are free {where}"
    if not stay.copying:
        return f"{text} and no copy is needed; the planner passed over {_seconds(stay.saved)}."
    return (
        f"{text} and up to {_seconds(stay.hidden)} of {_seconds(stay.copying)} of copying could be hidden; "
        f"the planner passed over a saving of up to {_seconds(stay.net)}."
    )


def _used_once(storage: Storage, stay: _Stay) -> str:
    verb = "written" if stay.touches[0].writes else "read"
    return (
        f"It is {verb} once (instruction {stay.touches[0].time}), where fast memory would save {_seconds(stay.saved)}; "
        f"copying its {_bytes(storage.size_bytes)} takes {_seconds(stay.copying)}, of which at most "
        f"{_seconds(stay.hidden)} can be hidden."
    )


def _not_hidden(stay: _Stay) -> str:
    copies = (
        "prefetch and eviction" if stay.prefetches and stay.evicts else "prefetch" if stay.prefetches else "eviction"
    )
    where = _span(stay.touches[0].time, stay.touches[-1].time)
    return (
        f"Fast memory {where} would save {_seconds(stay.saved)}, but its {copies} takes {_seconds(stay.copying)}, of "
        f"which at most {_seconds(stay.hidden)} can be hidden."
    )


def _times(slow: Sequence[Touch]) -> str:
    if len(slow) == 1:
        return f"Instruction {slow[0].time}"
    return f"The {len(slow)} instructions that access it in slow memory"


def _span(start: int, end: int) -> str:
    return f"at instruction {start}" if start == end else f"during instructions {start} to {end}"
