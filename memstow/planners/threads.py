"""Searches in several threads; the core runs without the interpreter's lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Seconds that the main thread sleeps between two looks at signals.
_POLL_SECONDS = 0.02


def run_in_threads(count: int, work: Callable[[int], None], stop: threading.Event) -> bool:
    """Run ``work(0)``, ..., ``work(count - 1)``, each in a thread; whether ``stop`` was set meanwhile.

    It is set for good when this ends, by an interrupt or otherwise. What a thread raises is raised here.
    """
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # handed on to the main thread
            failures.append(error)

    workers = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    is_over = False
    try:
        for worker in workers:
            worker.start()
        while any(worker.is_alive() for worker in workers):
            time.sleep(_POLL_SECONDS)
        is_over = stop.is_set()
    finally:
        stop.set()
        for worker in workers:
            if worker.ident is not None:
                worker.join()
    if failures:
        raise failures[0]
    return is_over
