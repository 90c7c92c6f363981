"""The structure of a model's call as a document: which containers nest around which tensors."""

from __future__ import annotations

import builtins
from typing import Annotated, Literal

from pydantic import Field

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


Node = TensorNode | ConstantNode | NoneNode | TupleNode | ListNode | DictNode
for _container in (TupleNode, ListNode, DictNode):
    _container.model_rebuild()


class StructureDocument(Document):
    """``arguments`` nest ``(args, kwargs)`` of a call, ``result`` the return value."""

    arguments: Node
    result: Node
