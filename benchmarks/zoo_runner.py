"""Runs the tasks of the zoo benchmark one after another, each in a subprocess."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from zoo_results import FAILED, OK, Results, Row, Task

WORKER = (sys.executable, str(Path(__file__).with_name("zoo_worker.py")))


def run_task(
    task: Task,
    options: Mapping[str, Any],
    *,
    timeout: float,
    on_phase: Callable[[str], None],
    worker: Sequence[str] = WORKER,
) -> Iterator[Row]:
    """Rows of a task as they come; targets without one after the process has ended get a row with the reason.

    ``options`` go to the worker with the task. The worker is a session of its own and is killed whole after ``timeout``
    seconds, or when the iteration is abandoned.
    """
    argument = json.dumps({"table": task.table, "model": task.model, "targets": task.targets, **options})
    left = list(task.targets)
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        with _Worker([*worker, argument], log, timeout) as process:
            for message in process.messages():
                if "phase" in message:
                    on_phase(message["phase"])
                else:
                    left.remove(message["row"]["target"])
                    yield message["row"]
        reason = process.reason(log)
    for target in left:
        yield {"table": task.table, "model": task.model, "target": target, "status": FAILED, "reason": reason}


class _Worker:
    def __init__(self, command: list[str], log: IO[str], timeout: float) -> None:
        self.timeout = timeout
        self.late = False
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True, env=_environment()
        )

    def __enter__(self) -> Self:
        self.timer = threading.Timer(self.timeout, self.expire)
        self.timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.timer.cancel()
        if kind is not None:
            self.kill()
        self.process.wait()

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the worker sends, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)
        self.process.wait()

    def expire(self) -> None:
        self.late = True
        self.kill()

    def kill(self) -> None:
        """End the worker and what it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def reason(self, log: IO[str]) -> str:
        """Why the process ended without all of its rows."""
        if self.late:
            return f"not finished after {self.timeout:.0f} s"
        log.seek(0)
        lines = [line.strip() for line in log if line.strip()] or [""]
        code = self.process.returncode
        ended = f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit status {code}"
        return f"the process ended with {ended}: {lines[-1][:300]}"


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}


def run_all(
    tasks: Sequence[Task], results: Results, options: Mapping[str, Any], *, commit: str, timeout: float
) -> None:
    """Measure what the results lack of this commit; a line per row, and a bar on a terminal, go to standard error."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    todo = [Task(t.table, t.model, missing) for t in tasks if (missing := results.missing(t, commit))]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        total = bar.add_task("", total=sum(len(task.targets) for task in todo))
        for task in todo:
            name = f"{task.model} {task.table}"
            began = time.perf_counter()

            def describe(phase: str, name: str = name) -> None:
                bar.update(total, description=f"{name}: {phase}")

            for row in run_task(task, options, timeout=timeout, on_phase=describe):
                results.add({**row, "commit": commit})
                bar.advance(total)
                state = "" if row["status"] == OK else f": {row['reason']}"
                console.print(
                    f"{time.perf_counter() - began:7.1f} s  {name}, {row['target']}{state}",
                    highlight=False,
                    markup=False,
                )
