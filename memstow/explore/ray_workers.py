"""Points in processes of their own, on this machine or a cluster, by Ray (the extra ``ray``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import InvalidInputError, MemstowError
from ..program import Program
from ..ray_session import import_ray, start_ray
from .measure import Task, measure
from .parameters import describe_values
from .results import ExploreSettings, Point

#: Tasks at hand per worker, so that none waits for the next.
_AT_HAND = 2
#: How often a point is begun anew when the process that did it is lost.
RETRIES = 3


def measure_by_ray(
    tasks: Iterable[Task],
    programs: Mapping[str, Program],
    settings: ExploreSettings,
    *,
    count: int | None = None,
    address: str | None = None,
) -> Iterator[Point]:
    """The points in the order in which they finish, by one core each; ``programs`` by the models' names.

    Args:
        count: of workers; as many as there are processors unless given.
        address: of a cluster whose machines have memstow installed; this machine unless given.

    Raises:
        MissingPackageError: Ray is not installed.
        InvalidInputError: there is no cluster at the address, or ``count`` is below 1.
        MemstowError: a point's process was lost again and again, or failed.
    """
    if count is not None and count < 1:
        raise InvalidInputError(f"--actors: expected 1 or more, found {count}")
    ray = import_ray("points")
    owned = not ray.is_initialized()
    if owned:
        start_ray(ray, count, address)
    try:
        workers = count or max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield from _measure(ray, tasks, programs, settings, workers)
    finally:
        if owned:
            ray.shutdown()


def _measure(
    ray: Any, tasks: Iterable[Task], programs: Mapping[str, Program], settings: ExploreSettings, workers: int
) -> Iterator[Point]:
    remote = ray.remote(num_cpus=1, max_retries=RETRIES)(measure)
    stored = {model: ray.put(program) for model, program in programs.items()}
    waiting, running = deque(tasks), dict[Any, Task]()
    while waiting or running:
        while waiting and len(running) < workers * _AT_HAND:
            task = waiting.popleft()
            running[remote.remote(task, stored[task.model], settings)] = task
        (done,), _ = ray.wait(list(running), num_returns=1)
        yield _result(ray, done, running.pop(done))


def _result(ray: Any, reference: Any, task: Task) -> Point:
    where = f"{task.model}, {describe_values(task.variant.values)}"
    try:
        point: Point = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise MemstowError(f"{where}: failed in its worker: {error.cause}") from error
    except ray.exceptions.RayError as error:
        raise MemstowError(
            f"{where}: its worker was lost {RETRIES + 1} times ({type(error).__name__}); "
            "is there memory enough for so many workers?"
        ) from error
    return point
