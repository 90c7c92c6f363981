"""A learned model's prices for one program on one accelerator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from ..core.pricing import DENSE_SLOTS
from ..program import Program
from ..timing import Roofline
from .kernel import KernelFacts
from .learned import LearnedModel

#: Instruction, operands in fast memory, results in fast memory.
PriceQuery = tuple[int, Sequence[bool], Sequence[bool]]


class LearnedPrices:
    """An :class:`~memstow.timing.InstructionCost` that prices in batches and keeps every price.

    Instructions with the same kernel are priced once. One that says nothing of its kernel, or whose kernel is outside
    of what the model was trained on, has the roofline's prices: see :attr:`fallbacks`. A batch takes little longer than
    one placement, so the first price asked for brings all those of kernels of up to ``DENSE_SLOTS`` tensors.
    """

    def __init__(self, model: LearnedModel, program: Program, accelerator: Accelerator) -> None:
        self._model = model
        self._accelerator = accelerator
        self._roofline = Roofline(program, accelerator)
        self._trips = [step.trip_count for step in program.instructions]
        sizes = {buffer.id: buffer.size_bytes for buffer in program.buffers}
        #: For each instruction the number of its kernel; -1: the roofline's.
        self._kernel_of: list[int] = []
        self._kernels: list[KernelFacts] = []
        #: Why an instruction has the roofline's prices.
        self.fallbacks: dict[int, str] = {}
        numbers: dict[KernelFacts | None, tuple[int, str]] = {None: (-1, "it says nothing of its kernel")}
        for t, step in enumerate(program.instructions):
            kernel = KernelFacts.from_instruction(step, sizes)
            if kernel not in numbers:
                assert kernel is not None
                why = model.why_unknown(kernel, accelerator)
                numbers[kernel] = (-1, why) if why else (len(self._kernels), "")
                if not why:
                    self._kernels.append(kernel)
            number, why = numbers[kernel]
            self._kernel_of.append(number)
            if number < 0:
                self.fallbacks[t] = why
        self._known: dict[tuple[int, bytes], float] = {}

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
        """Seconds of each query; what was not priced before is priced in one batch."""
        wanted: dict[int, dict[bytes, None]] = defaultdict(dict)
        keys = []
        for t, operands, results in queries:
            key = self._kernel_of[t], bytes((*operands, *results))
            keys.append(key)
            if key[0] >= 0 and key not in self._known:
                wanted[key[0]][key[1]] = None
        if wanted:
            self._price(wanted)
        return [
            self._known[key] * self._trips[query[0]] if key[0] >= 0 else self._roofline.seconds(*query)
            for key, query in zip(keys, queries, strict=True)
        ]

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

    def _price(self, wanted: dict[int, dict[bytes, None]]) -> None:
        if not self._known:
            for number, facts in enumerate(self._kernels):
                tensors = len(facts.operands) + len(facts.results)
                if tensors <= DENSE_SLOTS:
                    wanted[number] |= dict.fromkeys(map(bytes, product((False, True), repeat=tensors)))
        placements = {
            kernel: np.frombuffer(b"".join(masks), dtype=np.uint8).reshape(len(masks), -1).astype(bool)
            for kernel, masks in wanted.items()
        }
        asked = [(self._kernels[kernel], self._accelerator, fast) for kernel, fast in placements.items()]
        seconds = iter(self._model.predict(asked).seconds.tolist())
        for kernel, masks in wanted.items():
            for mask in masks:
                self._known[kernel, mask] = next(seconds)
