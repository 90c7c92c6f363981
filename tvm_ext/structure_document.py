"""The structure of a model's call as a document: which containers nest around which tensors."""

from __future__ import annotations

import builtins
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from ..schema import Document

Index = Annotated[int, Field(ge=0)]


class TensorNode(Document):
    """One of the program's inputs, or of its outputs, by index."""

    tensor: Index


class ConstantNode(Document):
    """A value that the model returns whatever it is given."""

    constant: bool | int | float | str


class NoneNode(Document):
    """``None`` in the model's result."""

    none: Literal[True]


class TupleNode(Document):
    """A tuple."""

    tuple: builtins.tuple[Node, ...]


class ListNode(Document):
    """A list."""

    list: builtins.tuple[Node, ...]


class DictNode(Document):
    """A dictionary; its order is kept."""

    mapping: dict[str, Node]


def _kind(node: object) -> str | None:
    """A node has one field, which says what it is."""
    names = list(node if isinstance(node, dict) else type(node).model_fields if isinstance(node, Document) else ())
    return str(names[0]) if len(names) == 1 else None


Node = Annotated[
    Annotated[TensorNode, Tag("tensor")]
    | Annotated[ConstantNode, Tag("constant")]
    | Annotated[NoneNode, Tag("none")]
    | Annotated[TupleNode, Tag("tuple")]
    | Annotated[ListNode, Tag("list")]
    | Annotated[DictNode, Tag("mapping")],
    Discriminator(_kind),
]
for _container in (TupleNode, ListNode, DictNode):
    _container.model_rebuild()


class StructureDocument(Document):
    """``arguments`` nest ``(args, kwargs)`` of a call, ``result`` the return value."""

    arguments: Node
    result: Node
