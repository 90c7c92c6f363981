"""The source ``vela``: cycles that Arm's NPU compiler estimates for Ethos-U55, U65 and U85, in every placement.

Operators have the shapes of the zoo's models in int8 and int16, or are generated; seconds are cycles over the system's
clock. An estimate has no noise, and Vela counts no launch overhead.
"""

from __future__ import annotations

import importlib.metadata
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from ...errors import InvalidInputError
from ...models.registry import names
from ..samples import GENERATED_SIZE, Provenance, Sample, checked_seconds
from .vela_generated import GENERATED, generated_operators
from .vela_operators import QuantisedOperator
from .vela_prices import MAX_WEIGHT_BYTES
from .vela_shapes import sizes_of, zoo_operators
from .vela_systems import VELA_VERSION, System, package_path, systems
from .vela_worker import Job, run_jobs

_DTYPES = ("int8", "int16")
#: Each operator is priced for so many of all parts, and for so many systems of each: drawn by what it is, so that
#: the same operator in two programs is priced for the same ones.
_PARTS_PER_OPERATOR, _SYSTEMS_PER_PART = 4, 2


class VelaSource:
    """Vela's estimates; see :class:`memstow.cost_model.samples.SampleSource`."""

    name = "vela"

    def provenance(self) -> Provenance:
        """The versions and every system.

        Raises:
            InvalidInputError: Vela is not installed, or another version than the one whose core is understood here.
        """
        package_path()
        version = importlib.metadata.version("ethos-u-vela")
        if version != VELA_VERSION:
            raise InvalidInputError(
                f"samples of the source 'vela': expected ethos-u-vela {VELA_VERSION}, found {version}; "
                "install it: pip install 'memstow[vela]'"
            )
        made_by = {
            "ethos-u-vela": version,
            "estimate": "npu_performance.estimate_full_op_performance of the initial schedule (U55, U65); "
            "regor's performance database (U85)",
            "placement": "every feature map and weight tensor in SRAM or beyond, steps within a kernel in SRAM",
        }
        return Provenance(
            source=self.name,
            made_by=made_by,
            accelerators={system.name: system.accelerator() for system in systems()},
        )

    def programs(self) -> list[str]:
        """The zoo's models, and programs of generated operators."""
        return [*names(), *GENERATED]

    def collect(self, program: str, on_progress: Callable[[int, int], None]) -> Iterator[Sample]:
        """Samples of one model in all sizes; a kernel that both sizes have counts for the first."""
        package_path()
        clocks = {system.name: system.clock for system in systems()}
        jobs = list(_jobs(program))
        total, done = sum(len(job.operators) for job in jobs), 0
        on_progress(done, total)
        for job, prices in zip(jobs, run_jobs(jobs), strict=True):
            kernels = [op.facts() for op in job.operators]
            for position, system, bits, cycles in prices:
                if not cycles:
                    continue  # an operator that Vela removes, such as a mean of one element
                where = f"{program}, {job.operators[position].code}"
                yield Sample(
                    program=program,
                    size_class=job.size_class,
                    accelerator=system,
                    kernel=kernels[position],
                    fast=tuple(bit == "1" for bit in bits),
                    seconds=checked_seconds(cycles / clocks[system], where),
                )
            done += len(job.operators)
            on_progress(done, total)


def _jobs(program: str) -> Iterator[Job]:
    parts: dict[str, list[System]] = {}
    for system in systems():
        parts.setdefault(system.part, []).append(system)
    seen: set[str] = set()
    for size in (GENERATED_SIZE,) if program in GENERATED else sizes_of(program):
        # Operators that differ in what no kernel tells (the name of a function in a table) are one kernel.
        found = generated_operators(program) if program in GENERATED else zoo_operators(program, size)
        operators = {op.facts().model_dump_json(): op for op in found}
        chosen: dict[tuple[str, str], list[tuple[QuantisedOperator, tuple[System, ...]]]] = {}
        for key, op in operators.items():
            if key in seen or op.weight_bytes > MAX_WEIGHT_BYTES:
                continue
            seen.add(key)
            for dtype in _DTYPES:
                rng = random.Random(zlib.crc32(f"{dtype} {key}".encode()))
                # Of generated ones there are many, each for one part and mostly one element type.
                if program in GENERATED and rng.random() < 0.5:
                    continue
                for part in rng.sample(sorted(parts), 1 if program in GENERATED else _PARTS_PER_OPERATOR):
                    drawn = rng.sample(parts[part], min(_SYSTEMS_PER_PART, len(parts[part])))
                    chosen.setdefault((dtype, part), []).append((replace(op, dtype=dtype), tuple(drawn)))
        for (_, part), entries in sorted(chosen.items()):
            yield Job(size, part, tuple(op for op, _ in entries), tuple(drawn for _, drawn in entries))
