"""``memstow.compile`` and ``memstow.load``: from a PyTorch module to something to call, and from a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ..accelerator import Accelerator
from ..artifacts import PlanDocuments
from ..cost_model.interface import CostModel
from ..defaults import DEFAULT_ACCELERATOR, DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER, ROOFLINE
from ..errors import InvalidInputError
from ..planners import Planner
from ..planners.base import check_seconds, checked_effort
from .compiled_model import CompiledModel
from .compiler import Compilation, compile_model
from .pipeline import PipelineOptions, resolve_options

ExampleInputs = torch.Tensor | tuple[Any, ...] | list[Any] | Mapping[str, Any]


def compile(
    model: torch.nn.Module,
    example_inputs: ExampleInputs,
    *,
    accelerator: str | Path | Accelerator = DEFAULT_ACCELERATOR,
    planner: str | Planner | type[Planner] = DEFAULT_PLANNER,
    budget: float | None = None,
    cost_model: str | Path | CostModel | type[CostModel] = ROOFLINE,
    seed: int = 0,
    iterations: int | None = None,
    bound_time: float = 0.0,
    checked: bool = False,
    name: str | None = None,
    on_phase: Callable[[str], None] | None = None,
) -> CompiledModel:
    """Compile a PyTorch module for an accelerator description: plan where its tensors live, and build what runs so.

    >>> import memstow, torch
    >>> compiled = memstow.compile(torch.nn.Linear(64, 8), torch.randn(4, 64), accelerator="tpu_v5e")
    >>> compiled(torch.ones(4, 64)).shape
    torch.Size([4, 8])

    The module is compiled in evaluation mode and left as it was. The example inputs fix all shapes. Machine code is
    kept between processes, in ``$MEMSTOW_CACHE`` or the user's cache folder.

    Args:
        model: the module, its weights on the CPU.
        example_inputs: a tensor, a tuple or list of positional arguments, or a dictionary of keyword arguments; each
            argument a tensor, or tensors in tuples, lists and dictionaries.
        accelerator: a built-in name, the path of a TOML file, or a description.
        planner: a registered name or a planner.
        budget: seconds that the planner may search; left out, 10. Most planners take less.
        cost_model: ``roofline``; ``learned``, which the accelerator names; a trained or registered model's name; the
            path of a trained model's folder; or a cost model.
        seed: of the planner.
        iterations: searches by this much in place of ``budget``, so that the same seed gives the same plan.
        bound_time: seconds to prove how far the plan is from the optimum; 0 leaves it at the simple bound.
        checked: poison freed, unwritten and in-flight memory in the compiled program.
        name: the program's name; left out, the module's class.
        on_phase: called with each phase's name as it begins: export, import, fuse, extract, plan and so on.

    Raises:
        UnknownNameError: no such accelerator, planner or cost model; suggests the nearest.
        InvalidInputError: the module, an input or an option is not of the expected kind.
        UnsupportedModelError: the module cannot be captured as one graph of operators that can be compiled.
        InfeasiblePlanError: the planner returned an invalid plan.
    """
    args, keywords = _arguments(example_inputs)
    options = resolve_options(
        accelerator=accelerator,
        planner=planner,
        effort=checked_effort(DEFAULT_BUDGET_SECONDS if budget is None else budget, iterations),
        seed=seed,
        checked=checked,
        cost_model=cost_model,
    )
    check_seconds("bound_time", bound_time)
    _check_model(model)
    with _evaluation_mode(model):
        compilation = compile_model(
            model,
            args,
            keywords=keywords,
            name=name or type(model).__name__,
            accelerator=options.accelerator,
            planner=options.planner,
            effort=options.effort,
            seed=options.seed,
            bound_seconds=bound_time,
            checked=options.checked,
            cost=options.cost,
            on_phase=on_phase,
        )
    return compiled_model(compilation, options)


def load(folder: str | Path) -> CompiledModel:
    """A compiled model from the folder that :meth:`CompiledModel.save` wrote.

    The machine code in the folder is run when the model is called; nothing else there is executed. Load only folders
    whose origin you trust.

    Raises:
        InvalidInputError: the folder holds no such model, a file is absent or damaged, or the machine code is for
            another processor or other versions of memstow and TVM.
    """
    from .saved_model import load

    return load(Path(folder))


def compiled_model(compilation: Compilation, options: PipelineOptions) -> CompiledModel:
    """A compilation as its user sees it."""
    assert compilation.executable is not None, "compiled to be run"
    problem = compilation.problem
    documents = PlanDocuments.of(
        problem,
        compilation.plan,
        bound=compilation.bound,
        budget_seconds=options.effort.budget_seconds,
        phase_seconds=compilation.phase_seconds,
    )
    return CompiledModel(
        documents, problem.accelerator, compilation.executable, compilation.structure, compilation.weights
    )


def _arguments(example_inputs: object) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if isinstance(example_inputs, torch.Tensor):
        return (example_inputs,), {}
    if isinstance(example_inputs, tuple | list):
        return tuple(example_inputs), {}
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    raise InvalidInputError(
        "example_inputs: expected a tensor, a tuple of arguments or a dictionary of keyword arguments, found "
        f"{type(example_inputs).__name__}; write (x,) for one argument"
    )


def _check_model(model: object) -> None:
    if not isinstance(model, torch.nn.Module):
        raise InvalidInputError(
            f"model: expected a torch.nn.Module, found {type(model).__name__}; wrap a function in a module"
        )
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.device.type != "cpu":
            hint = "give it storage" if tensor.device.type == "meta" else "call model.cpu() first"
            raise InvalidInputError(f"model: expected weights on the CPU, found {name!r} on {tensor.device}; {hint}")


@contextlib.contextmanager
def _evaluation_mode(model: torch.nn.Module) -> Iterator[None]:
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
