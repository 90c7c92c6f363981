"""Actors in processes of their own, on this machine or a cluster, by Ray (the extra ``ray``)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ...errors import InvalidInputError, MemstowError
from ...ray_session import import_ray, start_ray
from .actor import Player, Task, Weights
from .episode import Episode

#: Tasks that an actor has at hand, so that it need not wait for the next.
_AT_HAND = 2
#: How often a task is begun anew when the process that did it is lost.
RETRIES = 3


class RayActors:
    """A number of actors; each makes its player once.

    Weights are put into the object store once a round. A lost actor is started anew and its tasks with it; since what
    comes of a task depends on the task alone, neither that nor the number of actors changes the run.
    """

    def __init__(
        self,
        make_player: Callable[[], Player],
        count: int | None = None,
        *,
        address: str | None = None,
        object_store_bytes: int | None = None,
    ) -> None:
        """Start them.

        Args:
            make_player: called in each actor's process, into which it is sent.
            count: of actors, 1 or more; as many as there are processors unless given.
            address: of a cluster whose machines have memstow installed; this machine unless given.
            object_store_bytes: of shared memory, on this machine; Ray's choice unless given.

        Raises:
            MissingPackageError: Ray is not installed.
            InvalidInputError: there is no cluster at the address, or ``count`` is below 1.
        """
        if count is not None and count < 1:
            raise InvalidInputError(f"actors: expected 1 or more of them, found {count}")
        self._ray = import_ray("actors")
        self._owns_ray = not self._ray.is_initialized()
        if self._owns_ray:
            start_ray(self._ray, count, address, object_store_bytes=object_store_bytes)
        remote = self._ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)(_Actor)
        count = count or max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._actors: list[Any] = [remote.remote(make_player) for _ in range(count)]
        self._waiting: deque[tuple[int, Task]] = deque()
        self._running: dict[Any, int] = {}  # reference of a result: the actor
        self._results: dict[int, Any] = {}  # number of a task: the reference of its result
        self._tasks: dict[int, Task] = {}
        self._submitted = self._collected = 0
        self._weights: Any = None

    def submit(self, tasks: Sequence[Task], weights: Weights) -> None:
        """See :class:`~memstow.rl_agent.training.actor.Actors`."""
        self._weights = self._ray.put(weights)
        for task in tasks:
            self._tasks[self._submitted] = task
            self._waiting.append((self._submitted, task))
            self._submitted += 1
        self.poll()

    def poll(self) -> None:
        """See :class:`~memstow.rl_agent.training.actor.Actors`."""
        self._hand_out(timeout=0.0)

    def collect(self) -> Episode:
        """See :class:`~memstow.rl_agent.training.actor.Actors`.

        Raises:
            MemstowError: the task's process was lost again and again, or the player raised; the error names the key.
        """
        number = self._collected
        task = self._tasks.pop(number)
        while number not in self._results or self._results[number] in self._running:
            self._hand_out(timeout=None)
        self._collected += 1
        try:
            episode: Episode = self._ray.get(self._results.pop(number))
        except self._ray.exceptions.RayTaskError as error:
            raise MemstowError(f"actor: {task.kind} of {task.key!r} failed: {error.cause}") from error
        except self._ray.exceptions.RayError as error:
            raise MemstowError(
                f"actor: {task.kind} of {task.key!r} was lost {RETRIES + 1} times ({type(error).__name__}); "
                "is there memory enough for so many actors?"
            ) from error
        return episode

    def close(self) -> None:
        """See :class:`~memstow.rl_agent.training.actor.Actors`."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors = []
        if self._owns_ray:
            self._ray.shutdown()

    def _hand_out(self, timeout: float | None) -> None:
        """Note what is done, wait for something to be if ``timeout`` is None, give tasks to whoever has too few."""
        if self._running:
            done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout, fetch_local=False)
            while done:
                for reference in done:
                    del self._running[reference]
                done = []
                if self._running:
                    done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=0.0, fetch_local=False)
        loads = [0] * len(self._actors)
        for actor in self._running.values():
            loads[actor] += 1
        while self._waiting and min(loads) < _AT_HAND:
            actor = loads.index(min(loads))
            number, task = self._waiting.popleft()
            reference = self._actors[actor].run.remote(task, self._weights)
            self._results[number] = reference
            self._running[reference] = actor
            loads[actor] += 1


class _Actor:
    """What runs in an actor's process."""

    def __init__(self, make_player: Callable[[], Player]) -> None:
        self._player = make_player()

    def run(self, task: Task, weights: Weights) -> Episode:
        """Do a task."""
        return task.run(self._player, weights)
