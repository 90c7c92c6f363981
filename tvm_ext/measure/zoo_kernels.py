"""The distinct kernels of the zoo's models, as the compiler fuses and schedules them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tvm import tirx
from tvm.target import Target

from ... import models
from ...cost_model.kernel import KernelFacts
from ...cost_model.measurer import BuiltKernel
from ...cost_model.sources.host import HostKernel
from ..compiler import lower
from ..cpu_schedule import host_target
from ..frontend import export_model, import_exported
from ..kernel_facts import step_facts
from ..lowered_function import Step, read_function, split_arguments
from .build_kernels import build_kernels, is_buildable


class ZooKernels:
    """A :class:`~memstow.cost_model.sources.host.KernelSupply` of models of the zoo.

    Args:
        names: of models; left out, all.
        sizes: of those; a model that lacks one gives none of it.
        target: the machine that runs the kernels; left out, one core of this one.
    """

    def __init__(
        self, names: Sequence[str] | None = None, sizes: Sequence[str] = ("tiny", "full"), target: Target | None = None
    ) -> None:
        self._names = [models.entry(name).name for name in (models.names() if names is None else names)]
        self._sizes = tuple(sizes)
        self._target = target or host_target(cores=1)
        self._folder = tempfile.TemporaryDirectory(prefix="memstow-kernels-")

    def programs(self) -> list[str]:
        """Names of the models."""
        return list(self._names)

    def kernels(self, program: str) -> list[HostKernel]:
        """Kernels of one model, smallest size first, each size in the order in which it calls them."""
        for library in Path(self._folder.name).iterdir():
            library.unlink()
        sizes = [size for size in models.sizes(program) if size in self._sizes]
        return [kernel for size in sizes for kernel in self._of_size(program, size)]

    def _of_size(self, program: str, size: str) -> list[HostKernel]:
        steps, facts = self._distinct_steps(program, size)
        kernels: dict[str, tirx.PrimFunc] = {name: step.kernel for name, step in steps.items()}
        library = Path(self._folder.name) / f"{program}_{size}.so"
        built = build_kernels(kernels, self._target, library)
        return [_host_kernel(step, facts[name], size, built[name]) for name, step in steps.items()]

    def _distinct_steps(self, program: str, size: str) -> tuple[dict[str, Step], dict[str, KernelFacts]]:
        module, inputs = models.build(program, size)
        imported = import_exported(export_model(module, inputs, name=program), name=program)
        lowered = read_function(lower(imported, self._target), "main")
        steps: dict[str, Step] = {}
        for step in lowered.steps:
            if step.kernel is not None and is_buildable(step.kernel):
                steps.setdefault(step.callee, step)
        return steps, {name: step_facts(step, lowered.tensors) for name, step in steps.items()}


def _host_kernel(step: Step, facts: KernelFacts, size: str, built: BuiltKernel) -> HostKernel:
    operands, results = split_arguments(step)
    return HostKernel(facts, size, built, tuple(argument.position for argument in operands + results))
