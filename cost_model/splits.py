"""Splits by whole program: no program, nor another of its family, is both trained on and judged on."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from ..errors import InvalidInputError
from .dataset import Dataset, Mask, Names

#: One family in so many is for the final judgement alone; chosen by a checksum of its name.
TEST_SHARE = 4
#: Programs of generated operators are no models: they are only ever trained on.
GENERATED_PREFIX = "generated_"
_MICRO_PREFIX = "micro_"


def family_of(program: str) -> str:
    """Programs of one family share kernels: ``gpt2`` and ``gpt2_train``. Groups of small kernels stand alone."""
    return program if program.startswith((GENERATED_PREFIX, _MICRO_PREFIX)) else program.partition("_")[0]


def is_test_program(program: str) -> bool:
    """Whether a program is kept for the final judgement."""
    generated = program.startswith(GENERATED_PREFIX)
    return not generated and zlib.crc32(family_of(program).encode()) % TEST_SHARE == 0


def train_and_test(data: Dataset) -> tuple[Mask, Mask]:
    """Rows to train on, rows to judge on: of test programs, kernels that no training program has.

    Raises:
        InvalidInputError: one of the two is empty.
    """
    test_programs = np.array([is_test_program(program) for program in data.program])
    split = ~test_programs, _unseen(data, ~test_programs, test_programs)
    for name, rows in zip(("train on", "judge on"), split, strict=True):
        if not rows.any():
            programs = ", ".join(sorted(set(data.program.tolist())))
            raise InvalidInputError(
                f"samples of {programs}: expected programs to {name}, found none; collect those of more models"
            )
    return split


def harder_splits(data: Dataset) -> Iterator[tuple[str, Mask, Mask]]:
    """Test programs on accelerators that were not trained on either, and in sizes that were not; with a name each."""
    training, testing = train_and_test(data)
    accelerators = np.array([zlib.crc32(name.encode()) % TEST_SHARE == 0 for name in data.accelerator])
    if len(set(data.accelerator.tolist())) > TEST_SHARE:
        yield "unseen accelerators", training & ~accelerators, testing & accelerators
    full = data.size_class == "full"
    if full.any() and (~full).any():
        yield "full size, trained on small ones", training & ~full, testing & full


def folds(data: Dataset, count: int) -> Iterator[tuple[Mask, Mask]]:
    """Cross-validation by families: as :func:`train_and_test`, for each of the folds."""
    families = _families(data.program)
    names = sorted(name for name in set(families.tolist()) if not name.startswith(GENERATED_PREFIX))
    for i in range(min(count, len(names))):
        judged = np.isin(families, names[i::count])
        yield ~judged, _unseen(data, ~judged, judged)


def _families(programs: Names) -> Names:
    return np.array([family_of(program) for program in programs], dtype=np.str_)


def _unseen(data: Dataset, trained: Mask, judged: Mask) -> Mask:
    unseen: Mask = judged & ~np.isin(data.kernel, np.unique(data.kernel[trained]))
    return unseen
