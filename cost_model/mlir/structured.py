"""Structured operations: loops, affine maps and a body decide what kind of kernel ``linalg.generic`` is."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from ..kernel import KernelFacts
from .affine import AffineMap
from .contraction import contraction, pooling
from .scalar_ops import Body
from .step import KernelStep, Step, Typed, Update

#: Bodies of named operations: what they compute in a pass; the accumulator is the last argument.
PRODUCT = Body(Counter(), Counter(), (0, 1), frozenset({0, 1, 2}), (), indexed=False)


@dataclass(frozen=True)
class Structured:
    """Loops over tensors: the inputs' names and maps, then those of the destinations; loops that reduce."""

    typed: Typed
    inputs: list[str]
    destinations: list[str]
    maps: list[AffineMap]
    reductions: frozenset[int]
    body: Body

    def step(self) -> Step:
        """The kernel."""
        extents = self.extents()
        volume = math.prod(extents.values())
        facts = self._reducing(extents, volume) if self.reductions else self._parallel(volume)
        return self._kernel(facts, extents)

    def extents(self) -> dict[int, int]:
        """Extent of every loop: of the dimension that it alone indexes.

        Raises:
            InvalidInputError: no tensor shows a loop's extent, or two disagree.
        """
        found: dict[int, int] = {}
        for name, map_ in zip(self.inputs + self.destinations, self.maps, strict=False):
            shape = self.typed.types[name].shape
            if len(shape) != len(map_.results):
                raise self.typed.operation.error(
                    f"expected {len(map_.results)} dimensions of {name}, found the shape {shape}"
                )
            for extent, result in zip(shape, map_.results, strict=True):
                if len(result) != 1 or set(result.values()) != {1}:
                    continue
                loop = next(iter(result))
                if found.setdefault(loop, extent) != extent:
                    raise self.typed.operation.error(
                        f"loop {loop} has the extents {found[loop]} and {extent}; check the shapes"
                    )
        missing = set(range(self.maps[0].loops)) - found.keys() if self.maps else set()
        if missing:
            raise self.typed.operation.error(
                f"no tensor shows the extent of loop {min(missing)}; give the operation an operand that does"
            )
        return found

    def _reducing(self, extents: dict[int, int], volume: int) -> KernelFacts:
        dtype = self.typed.types[self.inputs[0]].dtype if self.inputs else self._dtype
        window, strides, dilations = self._window(extents)
        if self.body.factors is not None:
            left, right = (self.maps[i] for i in self.body.factors)
            if self.reductions & left.used & right.used:
                out = self.maps[len(self.inputs)].used
                used = left.used | right.used | out
                rest = set(extents) - used
                lefts = left.used | rest
                return contraction(
                    dtype, lefts, right.used, out, extents, window=window, strides=strides, dilations=dilations
                )
        out_elements = math.prod(extents[loop] for loop in self.maps[len(self.inputs)].used)
        if window:
            return pooling(self._dtype, out_elements, window, strides)
        work = {field: float(count * volume) for field, count in self.body.work.items()}
        reduced = float(volume * len(self.destinations))
        return KernelFacts.model_validate({"op_class": "reduction", "dtype": self._dtype, "reduced": reduced, **work})

    def _window(self, extents: dict[int, int]) -> tuple[list[int], list[int], list[int]]:
        """Extents of the loops that run through a window of an input, the steps of those that place it, and theirs."""
        window: list[int] = []
        strides: list[int] = []
        dilations: list[int] = []
        for result in (each for map_ in self.maps[: len(self.inputs)] for each in map_.windows):
            inner = [loop for loop in result if loop in self.reductions]
            outer = [loop for loop in result if loop not in self.reductions]
            if inner and outer:
                window.append(math.prod(extents[loop] for loop in inner))
                strides.append(result[outer[0]])
                dilations.append(result[inner[0]])
        return window, strides, dilations

    def _parallel(self, volume: int) -> KernelFacts:
        work = {field: float(count * volume) for field, count in (self.body.work + self.body.accumulation).items()}
        if self.body.gathers:
            return KernelFacts.model_validate(
                {"op_class": "gather", "dtype": self._dtype, "moved": float(volume), **work}
            )
        if self.body.indexed and not work:
            work = {"elementwise": float(volume)}
        if work:
            comparing = self._dtype == "bool" and bool(self.inputs)
            dtype = self.typed.types[self.inputs[0]].dtype if comparing else self._dtype
            return KernelFacts.model_validate({"op_class": "elementwise", "dtype": dtype, **work})
        op_class = "transpose" if self._permutes() else "copy"
        return KernelFacts.model_validate({"op_class": op_class, "dtype": self._dtype, "moved": float(volume)})

    def _permutes(self) -> bool:
        """Whether an input's dimensions come in another order than the result's."""
        out = self.maps[len(self.inputs)].plain
        if out is None:
            return False
        for map_ in self.maps[: len(self.inputs)]:
            places = [out.index(loop) for result in map_.results for loop in result if loop in out]
            if places != sorted(places):
                return True
        return False

    def _kernel(self, facts: KernelFacts, extents: dict[int, int]) -> Step:
        types, body = self.typed.types, self.body
        reads: list[tuple[str, int]] = []
        for i, (name, map_) in enumerate(zip(self.inputs, self.maps, strict=False)):
            if i in body.reads and not types[name].scalar:
                reads.append((name, types[name].bytes_of(math.prod(extents[loop] for loop in map_.used))))
        volume = math.prod(extents.values())
        reads += [(name, types[name].bytes_of(volume)) for name in body.gathers if not types[name].scalar]
        accumulated = [name for i, name in enumerate(self.destinations, len(self.inputs)) if i in body.reads]
        reads += [(name, types[name].size_bytes) for name in accumulated]
        contracts = facts.matrix_flops > 0
        immediate = frozenset(self.destinations) if contracts else frozenset((*self.inputs, *self.destinations))
        writes = self.typed.writes
        update = Update(accumulated[0], tuple(reads), writes) if len(accumulated) == 1 else None
        folds = not (contracts or body.indexed or body.gathers or self.reductions)
        return KernelStep(facts, tuple(reads), writes, immediate, folds=folds, update=update)

    @property
    def _dtype(self) -> str:
        return self.typed.result.dtype
