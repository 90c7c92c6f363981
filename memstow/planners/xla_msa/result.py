"""Outcomes of an attempt to place a use (``algorithm.h``, ``AllocationResult``)."""

from __future__ import annotations

from enum import IntFlag


class Result(IntFlag):
    """Reasons, which add up over the uses of a storage; a use that fails is served from slow memory."""

    SUCCESS = 0
    #: No hole: a repack may help.
    OUT_OF_MEMORY = 1
    #: Limit on open copies.
    TOO_MANY_COPIES = 2
    #: The copy budget is used up.
    NO_BANDWIDTH = 4
    #: No start between the shortest and the longest overlap.
    NO_INTERVAL = 8
    #: The next use is too far away to stay.
    TOO_LONG = 16
    #: The value is not in fast memory any more.
    NOT_RESIDENT = 32
    #: The whole storage must be tried again from the start.
    UNCOMMIT = 64
