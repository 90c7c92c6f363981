"""Parameters of the production heuristic, each with the source of its default."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Options:
    """What OpenXLA calls ``memory_space_assignment::Options``, as far as this planner uses it.

    Defaults marked *TPU* are those that the TPU compiler passes (as recorded with the suite that it is checked on);
    *OpenXLA* ones are constants of the public sources under ``xla/service/memory_space_assignment``; *observed* ones
    were read off the recorded plans of the ``xla_suite`` files. Capacity, alignment, bandwidths and the limits on
    outstanding copies are no options: they are the accelerator's.
    """

    #: A prefetch must overlap at least this many times its own copy time (TPU; ``prefetch_interval_picker.h``).
    min_overlap_ratio: float = 1.0
    #: The overlap that a prefetch's search begins with, in copy times (TPU; ``prefetch_interval_picker.h``).
    preferred_overlap_ratio: float = 2.0
    #: Bytes that the search for an interval takes every copy to have, at most a quarter of fast memory; None: its own
    #: (``size_override`` in ``prefetch_interval_picker.h``. Observed: in all files of the suite, at both bandwidths and
    #: for copies of 512 bytes to 77 MB, the preferred overlap is the time of 3.75 to 3.96 MB).
    interval_bytes: int | None = 1_900_000
    #: Longest overlap or stay between two uses, in copy times of the whole fast memory (TPU).
    max_overlap_ratio: float = 8.0
    #: Attempts for one buffer, the later ones with longer evictions (TPU; ``options.h: max_retries``).
    max_retries: int = 2
    #: Repacks in one run over the program (TPU; ``options.h: max_repacks``).
    max_repacks: int = 4
    #: Accessed bytes per copied byte below which an allocation is undone (TPU; ``inefficient_use_to_copy_ratio``).
    inefficient_use_to_copy_ratio: float = 0.5
    #: Slices of a prefetch, 1 for none (observed: every sliced copy of the suite has 4).
    max_slices: int = 4
    #: Bytes from which a prefetch is sliced (observed: 1 MiB copies are sliced, 0.8 MiB copies are not).
    slice_min_bytes: int = MIB
    #: Caution factor on the copy time of slices (OpenXLA: ``kSlicedCopyResourceInflation`` in ``algorithm.cc``).
    sliced_copy_inflation: float = 1.8
    #: Growth of an eviction's length with each retry (OpenXLA: ``kEvictionRetryMultiplier``).
    eviction_retry_multiplier: float = 2.0
    #: Prefetch starts tried once no later one is left (OpenXLA: ``kNumExploredDecreasingIntervals``).
    explored_earlier_starts: int = 100
    #: A cross-program buffer is freed between its last use and the program's end only if it occupies less of the
    #: program's time than this (OpenXLA: ``kCrossProgramPrefetchOccupyFreeingLimit``).
    cross_program_free_limit: float = 0.6
    #: Refill a freed cross-program buffer at the end of the program, for the next run, as XLA does (``options.h:
    #: enable_cross_program_prefetch_freeing``). memstow's own rules ask for no such copy; it costs what XLA pays.
    refill_cross_program: bool = True
    #: Divide a buffer's benefit by the square root of its size (OpenXLA: ``GetMemoryBoundedness``).
    scale_benefit_by_size: bool = True
