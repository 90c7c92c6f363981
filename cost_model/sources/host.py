"""Source ``host``: kernels run on a machine with a cache, their tensors in the cache (fast) or flushed (slow)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from ...accelerator import Accelerator
from ..kernel import KernelFacts
from ..measurer import BuiltKernel, Measurer, Runs
from ..samples import Provenance, Sample
from .host_placements import choose_placements

#: A kernel that takes longer runs few times in few placements: memory is little of its time.
LONG_SECONDS = 0.3
_ONCE = Runs(1, 1, 0.0)
_LONG_RUNS = Runs(3, 3, 0.0)
ACCELERATOR = "host"


@dataclass(frozen=True)
class HostKernel:
    """A kernel to measure; ``positions`` says which argument each operand, then each result is."""

    facts: KernelFacts
    size_class: str
    built: BuiltKernel
    positions: tuple[int, ...]


class KernelSupply(Protocol):
    """Where kernels come from."""

    def programs(self) -> list[str]:
        """Names, in order."""
        ...

    def kernels(self, program: str) -> list[HostKernel]:
        """The distinct kernels of a program in all of its sizes, built; valid until the next call."""
        ...


@dataclass(frozen=True)
class HostSource:
    """Times every distinct kernel of a supply in several placements.

    Args:
        supply: builds the kernels.
        measurer: runs them.
        calibrate: describes the machine as an accelerator: what it reaches, measured.
        made_by: about versions and the machine.
        runs: of a kernel shorter than :data:`LONG_SECONDS`.
        max_placements: of one kernel.
        time_limit_seconds: a kernel that takes longer once is left out.
    """

    supply: KernelSupply
    measurer: Measurer
    calibrate: Callable[[], Accelerator]
    made_by: Mapping[str, str] = field(default_factory=dict)
    runs: Runs = field(default_factory=lambda: Runs(5, 200, 0.5))
    max_placements: int = 8
    time_limit_seconds: float = 10.0

    @property
    def name(self) -> str:
        """As in the samples' provenance."""
        return "host"

    @cached_property
    def accelerator(self) -> Accelerator:
        """This machine, calibrated at the first use."""
        return self.calibrate()

    def provenance(self) -> Provenance:
        """Measures the machine's peaks, which takes seconds."""
        settings = {
            "runs": f"{self.runs.minimum} to {self.runs.maximum}, {self.runs.seconds} s a kernel",
            "max_placements": str(self.max_placements),
            "time_limit_seconds": str(self.time_limit_seconds),
            "seconds": "median; noise: distance of the quartiles over the median; one thread",
        }
        made_by = {**self.made_by, **settings}
        return Provenance(source=self.name, made_by=made_by, accelerators={ACCELERATOR: self.accelerator})

    def programs(self) -> list[str]:
        """See :class:`~memstow.cost_model.samples.SampleSource`."""
        return self.supply.programs()

    def collect(self, program: str, on_progress: Callable[[int, int], None]) -> Iterator[Sample]:
        """See :class:`~memstow.cost_model.samples.SampleSource`."""
        kernels = self.supply.kernels(program)
        for done, kernel in enumerate(kernels):
            on_progress(done, len(kernels))
            yield from self._measure(program, kernel)
        on_progress(len(kernels), len(kernels))

    def _measure(self, program: str, kernel: HostKernel) -> Iterator[Sample]:
        arguments = len(kernel.built.arguments)
        (once,) = self.measurer.measure(kernel.built, [(False,) * arguments], _ONCE)
        if once.seconds > self.time_limit_seconds:
            return
        is_long = once.seconds > LONG_SECONDS
        limit = 2 if is_long else self.max_placements
        placements = choose_placements(kernel.facts, kernel.positions, self.accelerator.capacity, limit)
        by_argument = [_of_arguments(fast, kernel.positions, arguments) for fast in placements]
        timed = self.measurer.measure(kernel.built, by_argument, _LONG_RUNS if is_long else self.runs)
        for fast, timing in zip(placements, timed, strict=True):
            yield Sample(
                program, kernel.size_class, ACCELERATOR, kernel.facts, fast, timing.seconds, round(timing.noise, 4)
            )


def _of_arguments(fast: tuple[bool, ...], positions: tuple[int, ...], arguments: int) -> tuple[bool, ...]:
    """An argument that is neither operand nor result is slow."""
    by_position = dict(zip(positions, fast, strict=True))
    return tuple(by_position.get(position, False) for position in range(arguments))
