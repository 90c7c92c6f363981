"""From a PyTorch module to a Relax module, with the weights as parameters of the program."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import tvm
from torch.export import ExportedProgram
from torch.export.graph_signature import (
    ConstantArgument,
    ExportGraphSignature,
    InputKind,
    InputSpec,
    TensorArgument,
)
from torch.utils._pytree import tree_leaves
from tvm import relax
from tvm.relax.frontend.torch import from_exported_program

from ..errors import InvalidInputError, UnsupportedModelError
from .call_structure import CallStructure, Output
from .exported_checks import check_exported

_LIFTED = frozenset({InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR})


@dataclass(frozen=True)
class ImportedModel:
    """A Relax module whose ``main`` takes the inputs first, then the weights, and returns a tuple.

    ``main`` carries the attribute ``num_input``. ``weights`` are the values of the other parameters by name, in their
    order (parameters, buffers and constants of the PyTorch module), on the meta device if the model is. ``structure``
    says how the model's arguments and result are nested around these tensors.
    """

    module: tvm.IRModule
    weights: Mapping[str, torch.Tensor]
    structure: CallStructure


def export_model(
    module: torch.nn.Module, inputs: tuple[Any, ...], keywords: Mapping[str, Any] | None = None, *, name: str
) -> ExportedProgram:
    """Export a module for example inputs, positional and by keyword, decomposed to core operators.

    Raises:
        InvalidInputError: an example input is no tensor, nor tensors in tuples, lists and dictionaries.
        UnsupportedModelError: torch.export cannot capture the module as one graph.
    """
    keywords = dict(keywords or {})
    for where, value in [*((f"position {k}", v) for k, v in enumerate(inputs)), *keywords.items()]:
        odd = [leaf for leaf in tree_leaves(value) if not isinstance(leaf, torch.Tensor)]
        if odd:
            raise InvalidInputError(
                f"model {name!r}: expected tensors as example inputs, found {type(odd[0]).__name__} at {where}; "
                "fix such values inside the module"
            )
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported: ExportedProgram = torch.export.export(module, inputs, keywords).run_decompositions()
            return exported
    except Exception as error:  # torch.export raises many kinds, from the user's code as well
        raise UnsupportedModelError(
            f"model {name!r}: torch.export cannot capture it as one graph ({_first_line(error)}); "
            "make `torch.export.export(module, inputs)` work first"
        ) from error


def import_exported(exported: ExportedProgram, *, name: str) -> ImportedModel:
    """Translate an exported, decomposed program to Relax. Weights are not read: meta and fake tensors do.

    Raises:
        UnsupportedModelError: the importer lacks an operator or a kind of input; the model writes to its inputs or
            weights, or draws random numbers.
    """
    specs = list(exported.graph_signature.input_specs)
    for spec in specs:
        if spec.kind not in _LIFTED and not isinstance(spec.arg, TensorArgument):
            raise UnsupportedModelError(
                f"model {name!r}: input {spec.arg.name!r} is a {type(spec.arg).__name__}; expected a tensor: "
                "fix such values inside the module"
            )
    check_exported(exported, name=name)
    weights = {spec.target or "": _lifted_value(exported, spec) for spec in specs if spec.kind in _LIFTED}
    try:
        module = from_exported_program(_tensors_alone(exported), keep_params_as_input=True, run_ep_decomposition=False)
    except Exception as error:  # the importer raises plain assertions and KeyErrors as well
        raise UnsupportedModelError(
            f"model {name!r}: TVM's importer rejects it ({_first_line(error)}); "
            "replace the operator in the model, or decompose it before the export"
        ) from error
    order = [k for k, spec in enumerate(specs) if spec.kind not in _LIFTED]
    order += [k for k, spec in enumerate(specs) if spec.kind in _LIFTED]
    return ImportedModel(_reorder_parameters(module, order, len(specs) - len(weights)), weights, _structure(exported))


def _structure(exported: ExportedProgram) -> CallStructure:
    leaves: list[Any] = []
    tensors = 0
    for spec in exported.graph_signature.output_specs:
        if isinstance(spec.arg, ConstantArgument):
            leaves.append(spec.arg.value)
        else:
            leaves.append(Output(tensors))
            tensors += 1
    return CallStructure(exported.call_spec.in_spec, exported.call_spec.out_spec, tuple(leaves))


def _lifted_value(exported: ExportedProgram, spec: InputSpec) -> torch.Tensor:
    target = spec.target or ""
    value = exported.state_dict.get(target, exported.constants.get(target))
    assert isinstance(value, torch.Tensor), f"exported program without a value for {target!r}"
    return value


def _tensors_alone(exported: ExportedProgram) -> ExportedProgram:
    """The same graph with every lifted tensor as a user input, and without constants among its outputs.

    The importer then converts no weight (it makes TVM tensors of parameters otherwise, which costs a copy of the model
    and fails on the meta device), and has no number to translate.
    """
    signature = exported.graph_signature
    specs = [dataclasses.replace(spec, kind=InputKind.USER_INPUT, target=None) for spec in signature.input_specs]
    outputs = [spec for spec in signature.output_specs if not isinstance(spec.arg, ConstantArgument)]
    relabelled = copy.copy(exported)
    if len(outputs) < len(signature.output_specs):
        relabelled._graph_module = copy.deepcopy(exported.graph_module)
        output = relabelled.graph.output_node()
        output.args = (tuple(value for value in output.args[0] if isinstance(value, torch.fx.Node)),)
    relabelled._graph_signature = ExportGraphSignature(specs, [dataclasses.replace(spec) for spec in outputs])
    relabelled._state_dict = {}
    relabelled._constants = {}
    return relabelled


def _reorder_parameters(module: tvm.IRModule, order: list[int], inputs: int) -> tvm.IRModule:
    main = module["main"].without_attr("params").with_attr("num_input", inputs)
    params = [main.params[k] for k in order]
    module["main"] = relax.Function(params, main.body, main.ret_ty, main.is_pure, main.attrs)
    return module


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]
