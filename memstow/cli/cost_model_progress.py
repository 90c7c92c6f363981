"""Progress of ``memstow cost-model``."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from .console import console, notice


class CollectionBar:
    """Programs and kernels on a live bar; where standard error is no terminal, a line for each program."""

    def __init__(self, programs: int) -> None:
        terminal = console(sys.stderr)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=terminal, transient=True) if terminal.is_terminal else None
        self._programs = self._task("programs", programs)
        self._kernels = self._task("kernels", None)
        self._current, self._done, self._total = "", 0, programs

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def on_kernel(self, program: str, done: int, count: int) -> None:
        """``done`` of ``count`` kernels of a program are finished."""
        if program != self._current:
            self._current, self._done = program, self._done + 1
            if self._bar is None:
                notice(f"{program} ({self._done} of {self._total})")
            else:
                self._bar.update(self._programs, completed=self._done - 1)
        if self._bar is not None:
            self._bar.update(self._kernels, description=program, completed=done, total=count)

    def _task(self, description: str, total: int | None) -> TaskID:
        return self._bar.add_task(description, total=total) if self._bar is not None else TaskID(0)


class TrainingLines:
    """A line for each step of training, with the seconds since the beginning."""

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def on_step(self, what: str, done: int, count: int) -> None:
        """``done`` of ``count`` parts of a step are finished."""
        notice(f"{time.perf_counter() - self._began:6.0f} s  {what}: {done} of {count}")

    def on_trial(self, done: int, count: int, best: float) -> None:
        """``done`` of ``count`` trials are finished."""
        self.on_step(f"hyperparameters, least median error {100 * best:.2f} %", done, count)
