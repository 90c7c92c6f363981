"""The distinct kernels of the zoo's models and of generated ones, as the compiler fuses and schedules them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tvm import tirx
from tvm.target import Target

from ... import models
from ...cost_model.kernel import KernelFacts
from ...cost_model.measurer import BuiltKernel
from ...cost_model.samples import GENERATED_SIZE
from ...cost_model.sources.host import HostKernel
from ..compiler import lower
from ..cpu_schedule import host_target
from ..frontend import export_model, import_exported
from ..kernel_facts import step_facts
from ..lowered_function import Step, read_function, split_arguments
from .build_kernels import build_kernels, is_buildable
from .generated_models import GENERATED, generated_models

if TYPE_CHECKING:
    import torch

    Built = tuple[torch.nn.Module, tuple[torch.Tensor, ...]]


class ZooKernels:
    """A :class:`~memstow.cost_model.sources.host.KernelSupply` of models of the zoo and generated ones.

    Args:
        names: of models of the zoo or of programs of generated models; left out, all of both.
        sizes: of those; a model that lacks one gives none of it.
        target: the machine that runs the kernels; left out, one core of this one.
    """

    def __init__(
        self, names: Sequence[str] | None = None, sizes: Sequence[str] = ("tiny", "full"), target: Target | None = None
    ) -> None:
        given = (*models.names(), *GENERATED) if names is None else names
        self._names = [name if name in GENERATED else models.entry(name).name for name in given]
        self._sizes = tuple(sizes)
        self._target = target or host_target(cores=1)
        self._folder = tempfile.TemporaryDirectory(prefix="memstow-kernels-")

    def programs(self) -> list[str]:
        """Names of the models and of the programs of generated ones."""
        return list(self._names)

    def kernels(self, program: str) -> list[HostKernel]:
        """Kernels of one program, smallest size first, each size in the order in which it calls them."""
        for library in Path(self._folder.name).iterdir():
            library.unlink()
        if program in GENERATED:
            return self._of_models(program, GENERATED_SIZE, generated_models(program))
        sizes = [size for size in models.sizes(program) if size in self._sizes]
        return [k for size in sizes for k in self._of_models(program, size, [models.build(program, size)])]

    def _of_models(self, program: str, size: str, built_models: Iterable[Built]) -> list[HostKernel]:
        found: dict[KernelFacts, Step] = {}
        for module, inputs in built_models:
            for facts, step in self._steps(program, module, inputs):
                found.setdefault(facts, step)
        kernels: dict[str, tirx.PrimFunc] = {f"kernel{i}": step.kernel for i, step in enumerate(found.values())}
        built = build_kernels(kernels, self._target, Path(self._folder.name) / f"{program}_{size}.so")
        return [_host_kernel(step, facts, size, built[f"kernel{i}"]) for i, (facts, step) in enumerate(found.items())]

    def _steps(
        self, program: str, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]
    ) -> Iterator[tuple[KernelFacts, Step]]:
        imported = import_exported(export_model(module, inputs, name=program), name=program)
        lowered = read_function(lower(imported, self._target), "main")
        for step in lowered.steps:
            if step.kernel is not None and is_buildable(step.kernel):
                yield step_facts(step, lowered.tensors), step


def _host_kernel(step: Step, facts: KernelFacts, size: str, built: BuiltKernel) -> HostKernel:
    operands, results = split_arguments(step)
    return HostKernel(facts, size, built, tuple(argument.position for argument in operands + results))
