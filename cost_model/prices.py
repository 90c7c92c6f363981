"""A learned model's prices for one program on one accelerator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from ..program import Program
from ..timing import Roofline
from .kernel import KernelFacts
from .learned import LearnedModel

#: Instruction, operands in fast memory, results in fast memory.
PriceQuery = tuple[int, Sequence[bool], Sequence[bool]]


class LearnedPrices:
    """An :class:`~memstow.timing.InstructionCost` whose kernels are priced in one batch, when it is made.

    Instructions with the same kernel are priced once; those of more than eight tensors when they are asked for. One
    that says nothing of its kernel, or whose kernel is outside of what the model was trained on, has the roofline's
    prices: see :attr:`fallbacks`.
    """

    def __init__(self, model: LearnedModel, program: Program, accelerator: Accelerator) -> None:
        self._model = model
        self._accelerator = accelerator
        self._roofline = Roofline(program, accelerator)
        self._trips = [step.trip_count for step in program.instructions]
        sizes = {buffer.id: buffer.size_bytes for buffer in program.buffers}
        kernels = [KernelFacts.from_instruction(step, sizes) for step in program.instructions]
        self._kernels = list(dict.fromkeys(kernel for kernel in kernels if kernel is not None))
        #: For each kernel its seconds by mask of fast tensors; empty: too many; a text: why the roofline's.
        self._lattices = model.lattice(self._kernels, accelerator)
        numbers = {kernel: i for i, kernel in enumerate(self._kernels)}
        #: For each instruction the number of its kernel; -1: the roofline's.
        self._kernel_of: list[int] = []
        #: Why an instruction has the roofline's prices.
        self.fallbacks: dict[int, str] = {}
        for t, kernel in enumerate(kernels):
            number = -1 if kernel is None else numbers[kernel]
            found = "it says nothing of its kernel" if number < 0 else self._lattices[number]
            if isinstance(found, str):
                self.fallbacks[t], number = found, -1
            self._kernel_of.append(number)
        self._wide: dict[tuple[int, tuple[bool, ...]], float] = {}

    @property
    def name(self) -> str:
        """Of the model."""
        return self._model.name

    @property
    def fingerprint(self) -> str:
        """Of the model."""
        return self._model.fingerprint

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        """See :class:`~memstow.timing.InstructionCost`."""
        return self.seconds_of([(instruction, operands_fast, results_fast)])[0]

    def seconds_of(self, queries: Sequence[PriceQuery]) -> list[float]:
        """Seconds of each query; kernels of many tensors are priced in one batch."""
        self._price_wide(queries)
        return [self._seconds(*query) for query in queries]

    def _seconds(self, t: int, operands: Sequence[bool], results: Sequence[bool]) -> float:
        number = self._kernel_of[t]
        if number < 0:
            return self._roofline.seconds(t, operands, results)
        lattice = self._lattices[number]
        assert not isinstance(lattice, str), "such instructions have the roofline's"
        if not len(lattice):
            return self._wide[number, (*operands, *results)] * self._trips[t]
        mask = sum(1 << k for k, is_fast in enumerate((*operands, *results)) if is_fast)
        return float(lattice[mask]) * self._trips[t]

    def _price_wide(self, queries: Sequence[PriceQuery]) -> None:
        wanted: dict[int, dict[tuple[bool, ...], None]] = defaultdict(dict)
        for t, operands, results in queries:
            number, fast = self._kernel_of[t], (*operands, *results)
            if number >= 0 and not len(self._lattices[number]) and (number, fast) not in self._wide:
                wanted[number][fast] = None
        asked = [(self._kernels[n], self._accelerator, np.array(list(fast), dtype=bool)) for n, fast in wanted.items()]
        if asked:
            keys = [(number, fast) for number, every in wanted.items() for fast in every]
            self._wide.update(zip(keys, self._model.predict(asked).seconds.tolist(), strict=True))

    def uncertainty_of(self, queries: Sequence[PriceQuery]) -> NDArray[np.float64]:
        """The relative error that 80 % of such prices stay below; NaN for the roofline's."""
        found = np.full(len(queries), np.nan)
        learned = [i for i, (t, _, _) in enumerate(queries) if self._kernel_of[t] >= 0]
        asked = [
            (self._kernels[self._kernel_of[t]], self._accelerator, np.array([(*operands, *results)], dtype=bool))
            for t, operands, results in (queries[i] for i in learned)
        ]
        if asked:
            found[learned] = self._model.predict(asked).uncertainty
        return found
