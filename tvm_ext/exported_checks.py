"""What an exported program must not do: a planned program would silently leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import OutputKind
from tvm.relax.frontend.torch.exported_program_translator import ExportedProgramImporter

from ..errors import UnsupportedModelError

_SHOWN_OPERATORS = 4
_TORCH_FOLDER = str(Path(torch.__file__).parent)
#: Operators that draw random numbers only while training: argument that says so.
_RANDOM_IN_TRAINING = {"aten.dropout.default": 2, "aten.native_dropout.default": 2}


def check_exported(exported: ExportedProgram, *, name: str) -> None:
    """See that a decomposed program can become a planned one.

    Raises:
        UnsupportedModelError: it writes to a tensor that it is given, draws random numbers, has a tensor without
            elements, or operators that TVM's importer does not know. Names operators and where the model calls them.
    """
    for spec in exported.graph_signature.output_specs:
        if spec.kind is not OutputKind.USER_OUTPUT:
            raise UnsupportedModelError(
                f"model {name!r}: expected a model that writes to none of its inputs and weights, found one that "
                f"changes {spec.target or spec.arg.name!r} in place; return the value instead, or call module.eval()"
            )
    for node in exported.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.Tensor) and value.numel() == 0:
            raise UnsupportedModelError(
                f"model {name!r}: expected tensors with elements, found {node.name!r} of shape {tuple(value.shape)}; "
                "compile it for other shapes"
            )
    random = [node for node in _calls(exported) if _is_random(node)]
    if random:
        raise UnsupportedModelError(
            f"model {name!r}: draws random numbers with {_describe(random)}; "
            "call module.eval(), or make the numbers an input"
        )
    known = ExportedProgramImporter().convert_map
    unknown = [node for node in _calls(exported) if node.target.__name__ not in known]  # type: ignore[union-attr]
    if unknown:
        raise UnsupportedModelError(
            f"model {name!r}: TVM's importer has no translation of {_describe(unknown)}; "
            "replace it in the model by operators that it has"
        )


def _calls(exported: ExportedProgram) -> Iterator[torch.fx.Node]:
    return (node for node in exported.graph.nodes if node.op == "call_function")


def _is_random(node: torch.fx.Node) -> bool:
    operator = node.target
    if not isinstance(operator, torch._ops.OpOverload) or torch.Tag.nondeterministic_seeded not in operator.tags:
        return False
    switch = _RANDOM_IN_TRAINING.get(str(operator))
    return switch is None or len(node.args) <= switch or bool(node.args[switch])


def _describe(nodes: list[torch.fx.Node]) -> str:
    """``aten.cumprod.default (model.py:12)`` for each operator once."""
    first: dict[str, torch.fx.Node] = {}
    for node in nodes:
        first.setdefault(str(node.target), node)
    shown = [f"{operator}{_place(node)}" for operator, node in list(first.items())[:_SHOWN_OPERATORS]]
    rest = len(first) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _place(node: torch.fx.Node) -> str:
    """The line that calls the operator, `` (model.py:12)``, where it is known: the innermost outside of PyTorch."""
    trace = (node.meta.get("stack_trace") or "").splitlines()
    lines = [line.split('"', 2)[1:] for line in trace if line.lstrip().startswith('File "')]
    outside = [line for line in lines if not line[0].startswith(_TORCH_FOLDER)] or lines
    if not outside:
        return ""
    file, rest = outside[-1]
    return f" ({Path(file).name}:{rest.removeprefix(', line ').split(',')[0]})"
