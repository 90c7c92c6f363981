"""The backend: TorchDynamo's graph in, a planned program's callable out, or PyTorch's own where there is none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx

from ...errors import EmptyProgramError, UnsupportedModelError
from ..compiler import Compilation, compile_model
from .captured_graph import CapturedGraph
from .history import Graph, remember
from .options import BackendOptions, parse_options
from .place import name_of, place_of
from .warn import warn_of_fallback, warn_of_graph_breaks

#: Programs that are kept for equal graphs, without weights.
_KEPT_PROGRAMS = 128
_programs: OrderedDict[Hashable, tuple[Compilation, BackendOptions]] = OrderedDict()


def memstow(
    module: fx.GraphModule,
    example_inputs: Sequence[Any],
    *,
    options: Mapping[str, Any] | None = None,
    mode: str | None = None,
) -> Callable[..., Any]:
    """Compile one graph; the entry point of PyTorch's group ``torch_dynamo_backends``.

    Args:
        module: what TorchDynamo captured; its weights are among the arguments.
        example_inputs: the arguments of the call for which it was captured.
        options: accelerator, planner, budget, iterations, cost_model, seed and checked, as for :func:`memstow.compile`.
        mode: of ``torch.compile``; there are none.

    Returns:
        What runs in the graph's place: the planned program, or the graph in PyTorch once a warning has said why.

    Raises:
        UnknownNameError: an unknown option, accelerator, planner or cost model; suggests the nearest.
        InvalidInputError: an option's value is not of the expected kind, or a ``mode`` is given.
        InfeasiblePlanError: the planner returned an invalid plan.
    """
    parsed = parse_options(options, mode)
    warn_of_graph_breaks(module)
    runner = _Runner(module, parsed)
    runner.prepare(example_inputs)
    return runner


@dataclass(frozen=True)
class _Program:
    """A compiled graph for one set of shapes: runs with a call's arguments."""

    graph: CapturedGraph
    compilation: Compilation

    def __call__(self, arguments: Sequence[Any]) -> Any:
        compilation = self.compilation
        assert compilation.executable is not None, "compiled to be run"
        weights = {name: arguments[position] for name, position in self.graph.weights.items()}
        outputs = compilation.executable.run(
            [arguments[position] for position in self.graph.inputs], {**compilation.weights, **weights}
        )
        return compilation.structure.unflatten(outputs)


class _Runner:
    """Stands in the graph's place. Where sizes are symbolic it has one program per set of shapes."""

    def __init__(self, module: fx.GraphModule, options: BackendOptions) -> None:
        self._module = module
        self._options = options
        self._place = place_of(module)
        self._name = name_of(module)
        self._graph: CapturedGraph | None = None
        self._programs: dict[Hashable, _Program] = {}

    def prepare(self, example: Sequence[Any]) -> None:
        """Compile for the call for which the graph was captured; decide whether PyTorch must run it instead."""
        try:
            _check_inference(example)
            graph = CapturedGraph.of(self._module, example)
            if not any(isinstance(value, torch.SymInt) for value in example):
                self._programs[()] = self._compile(graph, example)
            self._graph = graph
        except (UnsupportedModelError, EmptyProgramError) as error:
            self._fall_back(error)

    def __call__(self, *arguments: Any) -> Any:
        if self._graph is None:
            return self._module(*arguments)
        shapes = self._shapes(self._graph, arguments)
        program = self._programs.get(shapes)
        if program is None:
            try:
                program = self._programs[shapes] = self._compile(self._graph, arguments)
            except (UnsupportedModelError, EmptyProgramError) as error:
                self._fall_back(error)
                return self._module(*arguments)
        return program(arguments)

    @staticmethod
    def _shapes(graph: CapturedGraph, arguments: Sequence[Any]) -> Hashable:
        """Empty for a graph without sizes among its arguments: TorchDynamo then guards all shapes."""
        if not graph.sizes:
            return ()
        sizes = tuple(arguments[position] for position in graph.sizes)
        return sizes, tuple(tuple(arguments[position].shape) for position in graph.inputs)

    def _compile(self, graph: CapturedGraph, arguments: Sequence[Any]) -> _Program:
        key = self._options.key, graph.key(arguments)
        found = _programs.get(key)
        if found is None:
            compilation = self._compile_anew(graph, arguments)
            _programs[key] = compilation, self._options
            if len(_programs) > _KEPT_PROGRAMS:
                _programs.popitem(last=False)
        else:
            _programs.move_to_end(key)
            compilation = found[0]
        remember(Graph(self._name, self._place, compilation.problem, compilation.plan, cached=found is not None))
        assert compilation.executable is not None, "compiled to be run"
        return _Program(graph, replace(compilation, executable=compilation.executable.unbound()))

    def _compile_anew(self, graph: CapturedGraph, arguments: Sequence[Any]) -> Compilation:
        """The program without the weights that calls bring along; constants of the graph stay."""
        options = self._options.pipeline
        compilation = compile_model(
            graph.specialised(arguments),
            tuple(arguments[position] for position in graph.inputs),
            name=self._name,
            accelerator=options.accelerator,
            planner=options.planner,
            effort=options.effort,
            seed=options.seed,
            checked=options.checked,
            cost=options.cost,
        )
        constants = {name: value for name, value in compilation.weights.items() if name not in graph.weights}
        return replace(compilation, weights=constants)

    def _fall_back(self, error: UnsupportedModelError | EmptyProgramError) -> None:
        """From here on PyTorch runs the graph. One without a kernel loses nothing by that, so nobody is told."""
        self._graph = None
        remember(Graph(self._name, self._place, fallback=str(error)))
        if not isinstance(error, EmptyProgramError):
            warn_of_fallback(self._module, str(error))


def _check_inference(example: Sequence[Any]) -> None:
    tensors = [value for value in example if isinstance(value, torch.Tensor)]
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
        raise UnsupportedModelError(
            "gradients flow through it, and planned programs are for inference; call the model under torch.no_grad()"
        )
    devices = {str(tensor.device) for tensor in tensors} - {"cpu"}
    if devices:
        raise UnsupportedModelError(
            f"it has tensors on {', '.join(sorted(devices))}, and planned programs run on this machine's CPU; "
            "move model and inputs there with .cpu()"
        )
