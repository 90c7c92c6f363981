"""What can be decided about one access."""

from __future__ import annotations

from enum import IntEnum


class Action(IntEnum):
    """How a storage's touch is served; the numbers are the core's."""

    #: From slow memory.
    DROP = 0
    #: From fast memory, where it is written for the first time or has stayed.
    NO_COPY = 1
    #: From fast memory, brought there by a prefetch.
    COPY = 2


#: Number of actions; masks and histories count on these.
NUM_ACTIONS = len(Action)
