"""How a model's arguments and its result are nested around the flat tensors of its program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import TreeSpec, tree_flatten, tree_structure, tree_unflatten

from ..errors import InvalidInputError
from .structure_document import (
    ConstantNode,
    DictNode,
    ListNode,
    Node,
    NoneNode,
    StructureDocument,
    TensorNode,
    TupleNode,
)

#: What may stand in a result beside tensors.
Constant = bool | int | float | str | None


@dataclass(frozen=True)
class Output:
    """Place of a result's tensor among the program's outputs."""

    index: int


@dataclass(frozen=True)
class CallStructure:
    """Tuples, lists, dictionaries and whatever else PyTorch's pytrees know.

    ``arguments`` is the structure of ``(args, kwargs)``; its leaves are the program's inputs in order. ``result`` is
    that of the return value; each of its ``leaves`` is one of the program's outputs or a constant.
    """

    arguments: TreeSpec
    result: TreeSpec
    leaves: tuple[Output | Constant, ...]

    def flatten(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, name: str) -> tuple[torch.Tensor, ...]:
        """The program's inputs of one call of the model ``name``.

        Raises:
            InvalidInputError: the arguments are nested in another way than the example inputs were.
        """
        expected = self._example()
        same_names = kwargs.keys() == expected[1].keys()
        given = args, {key: kwargs[key] for key in expected[1]} if same_names else dict(kwargs)
        values, structure = tree_flatten(given)
        if structure != self.arguments:
            raise InvalidInputError(
                f"{name}: expected arguments like the example inputs, {describe(expected)}; found {describe(given)}; "
                "call it in the same way, or compile again with other example inputs"
            )
        return tuple(values)

    def unflatten(self, outputs: Sequence[torch.Tensor]) -> Any:
        """The model's return value from the program's outputs."""
        leaves = [outputs[leaf.index] if isinstance(leaf, Output) else leaf for leaf in self.leaves]
        return tree_unflatten(leaves, self.result)

    def to_document(self) -> StructureDocument:
        """For :meth:`from_document`. Named tuples become tuples, other mappings dictionaries.

        Raises:
            InvalidInputError: there is something else, or a dictionary whose keys are no strings.
        """
        result = tree_unflatten([_Leaf(leaf) for leaf in self.leaves], self.result)
        return StructureDocument(arguments=_encode(self._example()), result=_encode(result))

    @classmethod
    def from_document(cls, document: StructureDocument) -> CallStructure:
        """The structure that :meth:`to_document` described."""
        leaves, result = tree_flatten(_decode(document.result))
        return cls(tree_structure(_decode(document.arguments)), result, tuple(leaf.value for leaf in leaves))

    def _example(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with a leaf in place of every tensor."""
        places = [_Leaf(Output(i)) for i in range(self.arguments.num_leaves)]
        example: tuple[tuple[Any, ...], dict[str, Any]] = tree_unflatten(places, self.arguments)
        return example


def describe(arguments: tuple[tuple[Any, ...], Mapping[str, Any]]) -> str:
    """Arguments as they are written in a call, ``(tensor, [tensor], mask=tensor)``."""
    args, kwargs = arguments
    parts = [_describe(value) for value in args] + [f"{key}={_describe(value)}" for key, value in kwargs.items()]
    return f"({', '.join(parts)})"


def _describe(value: object) -> str:
    if isinstance(value, torch.Tensor | _Leaf):
        return "tensor"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_describe(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_describe, value)) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_describe, value)) + ("," if len(value) == 1 else "") + ")"
    return type(value).__name__


@dataclass(frozen=True)
class _Leaf:
    """Stands for one leaf, whatever containers make of tensors and constants."""

    value: Output | Constant


def _encode(node: object) -> Node:
    if isinstance(node, _Leaf):
        leaf = node.value
        if isinstance(leaf, Output):
            return TensorNode(tensor=leaf.index)
        return NoneNode(none=True) if leaf is None else ConstantNode(constant=leaf)
    if isinstance(node, Mapping):
        odd = [key for key in node if not isinstance(key, str)]
        if odd:
            raise InvalidInputError(
                f"a dictionary around the model's tensors: expected strings as keys, found {odd[0]!r}; "
                "only such dictionaries can be saved"
            )
        return DictNode(mapping={key: _encode(value) for key, value in node.items()})
    if isinstance(node, list):
        return ListNode(list=tuple(_encode(value) for value in node))
    if isinstance(node, tuple):
        return TupleNode(tuple=tuple(_encode(value) for value in node))
    raise InvalidInputError(
        f"expected tuples, lists and dictionaries around the model's tensors, found {type(node).__name__}; "
        "only those can be saved"
    )


def _decode(node: Node) -> Any:
    match node:
        case TensorNode():
            return _Leaf(Output(node.tensor))
        case ConstantNode():
            return _Leaf(node.constant)
        case NoneNode():
            return _Leaf(None)
        case DictNode():
            return {key: _decode(value) for key, value in node.mapping.items()}
        case ListNode():
            return [_decode(value) for value in node.list]
        case TupleNode():
            return tuple(_decode(value) for value in node.tuple)
