"""Samples as arrays: what is trained on and judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from .features import Rows, all_slow_seconds, feature_rows, roofline_seconds
from .kernel import KernelFacts
from .samples import SampleSet

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
Names = NDArray[np.str_]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Dataset:
    """N samples; every field is an array of N rows.

    ``rows`` (N, features); ``seconds`` are the labels, ``unit`` the roofline's with everything in slow memory,
    ``roofline`` that of the placement. ``kernel`` numbers the distinct kernels, ``case`` the kernels of one program on
    one accelerator, whose placements are alternatives. ``fast`` counts the tensors in fast memory.
    """

    rows: Rows
    seconds: Reals
    unit: Reals
    roofline: Reals
    noise: Reals
    program: Names
    size_class: Names
    accelerator: Names
    op_class: Names
    kernel: Integers
    case: Integers
    fast: Integers

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def target(self) -> Reals:
        """What a model predicts: the logarithm of the seconds over the unit."""
        return np.asarray(np.log(self.seconds / self.unit))

    def where(self, mask: Mask) -> Dataset:
        """Some of the rows."""
        return Dataset(**{field.name: getattr(self, field.name)[mask] for field in fields(self)})


def build_dataset(samples: SampleSet) -> Dataset:
    """Features and labels of all samples, in their order."""
    cases: dict[tuple[str, str, str, KernelFacts], list[int]] = defaultdict(list)
    for i, s in enumerate(samples.samples):
        cases[s.program, s.size_class, s.accelerator, s.kernel].append(i)
    count = len(samples.samples)
    pieces, numbers, kernels = [], np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    known: dict[KernelFacts, int] = {}
    order: list[int] = []
    for number, ((_, _, accelerator, kernel), members) in enumerate(cases.items()):
        fast = np.array([samples.samples[i].fast for i in members], dtype=bool)
        pieces.append(_priced(kernel, samples.provenance.accelerators[accelerator], fast))
        numbers[members] = number
        kernels[members] = known.setdefault(kernel, len(known))
        order += members
    back = np.argsort(np.array(order))
    rows, unit, roofline, fast_counts = (np.concatenate(column)[back] for column in zip(*pieces, strict=True))
    return Dataset(
        rows=rows,
        seconds=np.array([s.seconds for s in samples.samples]),
        unit=unit,
        roofline=roofline,
        noise=np.array([s.noise for s in samples.samples]),
        program=_names([s.program for s in samples.samples]),
        size_class=_names([s.size_class for s in samples.samples]),
        accelerator=_names([s.accelerator for s in samples.samples]),
        op_class=_names([s.kernel.op_class for s in samples.samples]),
        kernel=kernels,
        case=numbers,
        fast=fast_counts,
    )


def _priced(
    kernel: KernelFacts, accelerator: Accelerator, fast: NDArray[np.bool_]
) -> tuple[Rows, Reals, Reals, Integers]:
    unit = np.full(len(fast), all_slow_seconds(kernel, accelerator))
    rows = feature_rows(kernel, accelerator, fast)
    return rows, unit, roofline_seconds(kernel, accelerator, fast), fast.sum(axis=1).astype(np.int64)


def _names(values: Sequence[str]) -> Names:
    return np.array(values, dtype=np.str_)
