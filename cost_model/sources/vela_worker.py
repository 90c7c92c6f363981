"""The process that Vela runs in: it keeps global state and prints, so it gets one of its own for every program.

``python -m memstow.cost_model.sources.vela_worker`` reads a pickled list of :class:`Job` and writes, for each of them,
a pickled list of prices; only the process that started it talks to it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .vela_operators import QuantisedOperator
from .vela_systems import System

#: Operator's position, system's name, placement, cycles.
Price = tuple[int, str, str, float]


@dataclass(frozen=True)
class Job:
    """Operators of one element type to be priced on one part, each with its systems."""

    size_class: str
    part: str
    operators: tuple[QuantisedOperator, ...]
    systems: tuple[tuple[System, ...], ...]


def run_jobs(jobs: Sequence[Job]) -> Iterator[list[Price]]:
    """The prices of each job, from a process that ends with the iterator.

    Raises:
        RuntimeError: the process failed; with the end of what it printed.
    """
    command = [sys.executable, "-m", __name__]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
                pickle.dump(list(jobs), pipe)
            for _ in jobs:
                try:
                    prices: list[Price] = pickle.load(process.stdout)
                except EOFError:
                    process.wait()  # it prints why after it has closed its answers
                    errors.seek(0)
                    last = errors.read().decode(errors="replace")[-2000:]
                    raise RuntimeError(f"the process that runs Vela ended early: {last}") from None
                yield prices
        finally:
            process.kill()


def main() -> None:
    """Serve one list of jobs."""
    from . import vela_legacy, vela_regor

    jobs: list[Job] = pickle.load(sys.stdin.buffer)
    # Vela prints on file descriptor 1 from Python and C++; answers go to a copy of it.
    with os.fdopen(os.dup(1), "wb") as answers, Path(os.devnull).open("w") as null:
        os.dup2(null.fileno(), 1)
        for job in jobs:
            price = vela_regor.price if job.part.startswith("ethos-u85") else vela_legacy.price
            pickle.dump(list(price(job.operators, job.part, job.systems)), answers)
            answers.flush()


if __name__ == "__main__":
    main()
