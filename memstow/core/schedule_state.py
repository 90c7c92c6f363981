"""A set of stays and the exact seconds of the program under it, after any change at the price of that change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..native import core_function
from .entries import Ints, Seconds
from .problem import CoreProblem
from .stay import STAY_FIELDS, CoreStay, stay_rows


class Moment(NamedTuple):
    """The copy queue at one instruction time, seconds: pending before it, stall at it, idle time of it left unused."""

    pending: float
    stall: float
    unused: float


class ScheduleState:
    """See the core's ``schedule_state.h``. Everything is in slow memory at first; one thread at a time."""

    def __init__(self, core: CoreProblem, handle: Any = None) -> None:
        self.core = core
        self._handle = core_function("memstow.core.state")(core.handle) if handle is None else handle

    def clone(self) -> ScheduleState:
        """A state of its own that begins as this one."""
        return ScheduleState(self.core, core_function("memstow.core.state_clone")(self._handle))

    def apply(self, stay: CoreStay) -> int:
        """Add a stay; its id, good until it is removed.

        Raises:
            ValueError: the stay names touches or times that the problem lacks, or a touch that another stay serves.
        """
        return int(core_function("memstow.core.state_apply")(self._handle, stay_rows([stay])))

    def try_each(self, stays: Sequence[CoreStay] | Ints) -> Seconds:
        """Total seconds with each of the stays (or rows of :func:`stay_rows`) added alone; the state stays as it is.

        Raises:
            ValueError: as :meth:`apply`.
        """
        rows = stay_rows(stays)
        seconds = np.empty(len(rows) // STAY_FIELDS)
        core_function("memstow.core.state_try_each")(self._handle, rows, seconds)
        return seconds

    def remove(self, stay_id: int) -> None:
        """Take a stay out.

        Raises:
            ValueError: no stay has this id.
        """
        core_function("memstow.core.state_remove")(self._handle, stay_id)

    def undo(self) -> None:
        """Undo the last change that is not undone.

        Raises:
            ValueError: there is none.
        """
        core_function("memstow.core.state_undo")(self._handle)

    def commit(self) -> None:
        """Forget how to undo."""
        core_function("memstow.core.state_commit")(self._handle)

    @property
    def undoable(self) -> int:
        """Number of changes that can be undone."""
        return int(core_function("memstow.core.state_mark")(self._handle))

    @property
    def total_seconds(self) -> float:
        """Seconds of the program with these stays."""
        return float(core_function("memstow.core.state_seconds")(self._handle))

    @property
    def stays(self) -> list[CoreStay]:
        """All stays, by id."""
        return [CoreStay(*map(int, row)) for row in core_function("memstow.core.state_stays")(self._handle)]

    def at(self, time: int) -> Moment:
        """The copy queue at an instruction time, or at the program's end.

        Raises:
            ValueError: the time is outside of the program.
        """
        return Moment(*map(float, core_function("memstow.core.state_at")(self._handle, time)))
