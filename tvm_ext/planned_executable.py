"""The machine code of a planned program, callable with PyTorch's tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import tvm
from tvm import relax

from ..errors import InvalidInputError
from ..schema import Document
from . import runtime  # noqa: F401  (registers the functions that a planned program calls)
from .placement import HOST_ALIGNMENT


class TensorSpec(Document):
    """One input or weight: ``dtype`` in PyTorch's words, ``float32``."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    def check(self, tensor: torch.Tensor, *, program: str) -> None:
        """Raise :class:`InvalidInputError` unless a tensor on the CPU has this shape and type."""
        if tensor.device.type != "cpu":
            raise InvalidInputError(
                f"{program}: {self.name!r}: expected a tensor on the CPU, found one on {tensor.device}; planned "
                "programs run on this machine's CPU, so call .cpu() first"
            )
        found = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
        if found != (self.shape, self.dtype):
            raise InvalidInputError(
                f"{program}: input {self.name!r}: expected shape and type {(self.shape, self.dtype)}, found {found}; "
                "compile again with example inputs of that shape"
            )


@dataclass(frozen=True)
class PlannedExecutable:
    """A shared library whose ``main`` takes the program's inputs, then its weights, and returns a tuple.

    ``weights`` names the weights in order. The library is loaded at the first call.
    """

    program: str
    library: Path
    inputs: tuple[TensorSpec, ...]
    weights: tuple[str, ...]
    _bound: _BoundTensors = field(default_factory=lambda: _BoundTensors(), repr=False, compare=False)

    def run(self, inputs: Sequence[torch.Tensor], weights: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """The program's outputs. The weights are read where they lie, as they are now; nothing is copied.

        A weight whose storage is not contiguous or not aligned as kernels expect it is copied, once per change.

        Raises:
            InvalidInputError: an input is absent, of another shape or type, or not on the CPU.
        """
        if len(inputs) != len(self.inputs):
            raise InvalidInputError(f"{self.program}: expected {len(self.inputs)} inputs, found {len(inputs)}")
        for spec, tensor in zip(self.inputs, inputs, strict=True):
            spec.check(tensor, program=self.program)
        given = [tvm.runtime.from_dlpack(_for_kernels(tensor)) for tensor in inputs]
        outputs = self._main(*given, *(self._bound.get(name, weights[name]) for name in self.weights))
        return tuple(torch.utils.dlpack.from_dlpack(output) for output in outputs)

    def unbound(self) -> PlannedExecutable:
        """The same machine code, for the weights of another model; holds on to none yet."""
        return replace(self, _bound=_BoundTensors())

    @cached_property
    def _main(self) -> Any:
        try:
            return relax.VirtualMachine(tvm.runtime.load_module(str(self.library)), tvm.cpu())["main"]
        except Exception as error:  # TVM raises RuntimeError, AttributeError and its own
            found = (str(error).strip() or type(error).__name__).splitlines()[-1]
            raise InvalidInputError(
                f"{self.library}: expected the machine code of a planned program, found: {found}; compile it again"
            ) from error


class _BoundTensors:
    """Weights as TVM's tensors, by name, made anew where the PyTorch tensor is another or has changed."""

    def __init__(self) -> None:
        self._bound: dict[str, tuple[object, torch.Tensor, tvm.runtime.Tensor]] = {}

    def get(self, name: str, tensor: torch.Tensor) -> tvm.runtime.Tensor:
        """The tensor that shares the storage, or has a copy of its content where kernels could not read it."""
        # A tensor of inference mode counts no versions; nothing may write to it outside of that mode.
        state = tensor.data_ptr(), tensor.stride(), 0 if tensor.is_inference() else tensor._version
        bound = self._bound.get(name)
        if bound is None or bound[0] != state:
            # The PyTorch tensor is kept, so that no other can come to lie at its address.
            bound = self._bound[name] = state, tensor, tvm.runtime.from_dlpack(_for_kernels(tensor))
        return bound[2]


def _for_kernels(tensor: torch.Tensor) -> torch.Tensor:
    """Contiguous and aligned as the kernels expect; copied only if it is not."""
    tensor = tensor.detach().contiguous()
    return tensor if tensor.data_ptr() % HOST_ALIGNMENT == 0 else tensor.clone()
