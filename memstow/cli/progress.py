"""Progress of a long command: one line per finished phase, and a live bar where standard error is a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from .console import console


class Phases:
    """Announces phases on standard error. ``current`` is the running phase's name, ``seconds`` what each took."""

    def __init__(self, total: int) -> None:
        self.current = ""
        self.seconds: dict[str, float] = {}
        self._console = console(sys.stderr)
        self._began = 0.0
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._total = total

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task("", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        if self._bar is not None:
            self._bar.stop()

    def start(self, name: str) -> None:
        """End the running phase and begin another."""
        self.finish()
        self.current, self._began = name, time.perf_counter()
        if self._bar is not None:
            self._bar.update(self._task, description=name)

    def remark(self, text: str) -> None:
        """Say on the live bar how the running phase is doing; may be called from any thread."""
        if self._bar is not None:
            self._bar.update(self._task, description=f"{self.current}: {text}")

    def finish(self) -> None:
        """End the running phase."""
        if not self.current:
            return
        elapsed = time.perf_counter() - self._began
        self.seconds[self.current] = elapsed
        self._console.print(f"{self.current:<10}{elapsed:8.2f} s")
        if self._bar is not None:
            self._bar.advance(self._task)
        self.current = ""


class LiveBar:
    """Steps of a long command on a live bar on standard error; ``is_live`` where that is a terminal."""

    def __init__(self, total: int) -> None:
        self._console = console(sys.stderr)
        self.is_live = self._console.is_terminal
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bar = Progress(
            *columns, console=self._console, transient=True, disable=not self.is_live, redirect_stdout=False
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, text: str, completed: int | None = None) -> None:
        """Say what is being done and, where that is known, how many steps are."""
        self._bar.update(self._task, description=text, completed=completed)

    def advance(self) -> None:
        """One step more is done."""
        self._bar.advance(self._task)
