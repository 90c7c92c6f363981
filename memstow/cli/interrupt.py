"""Ctrl-C with a message that says what was kept."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Self


class Interrupted(KeyboardInterrupt):
    """The user's Ctrl-C; the text says in which phase it came and what is on disk."""


class InterruptWatch:
    """Remembers a Ctrl-C, for it can be lost: C++ code that calls back into Python may swallow the exception.

    Outside the main thread, where signals cannot be handled, Python's own behaviour stays.
    """

    def __init__(self) -> None:
        self.seen = False
        self._held = False
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self._active:
            self._previous = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, self._previous)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a Ctrl-C came and was swallowed."""
        if self.seen:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let a short block run to its end; a Ctrl-C meanwhile is only remembered."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        if not self._held:
            raise KeyboardInterrupt
