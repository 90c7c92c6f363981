from __future__ import annotations

from collections import namedtuple

import pytest
import torch
from torch.utils._pytree import tree_structure

from memstow.errors import InvalidInputError
from memstow.tvm_ext.call_structure import CallStructure, Output
from memstow.tvm_ext.structure_document import StructureDocument

Pair = namedtuple("Pair", ["left", "right"])
X, Y, Z = (torch.full((1,), float(k)) for k in range(3))


def structure(*args: object, result: object = 0, leaves: tuple[object, ...] = (Output(0),), **kwargs: object):
    return CallStructure(tree_structure((args, kwargs)), tree_structure(result), leaves)


def test_arguments_in_order_whatever_the_order_of_keywords():
    call = structure(X, [Y, {"a": Z}], first=X, second=Y)
    assert call.flatten((X, [Y, {"a": Z}]), {"second": Y, "first": Z}, name="net") == (X, Y, Z, Z, Y)


@pytest.mark.parametrize(
    ("args", "kwargs", "found"),
    [
        ((X, Y), {}, r"found \(tensor, tensor\)"),
        ((X,), {}, r"found \(tensor\)"),
        ((X,), {"masc": Y}, r"found \(tensor, masc=tensor\)"),
        (([X],), {"mask": Y}, r"found \(\[tensor\], mask=tensor\)"),
        (({"a": (X,)},), {"mask": 3}, r"found \(\{'a': \(tensor,\)\}, mask=int\)"),
    ],
)
def test_arguments_of_another_structure_are_named(args, kwargs, found):
    with pytest.raises(InvalidInputError, match=r"net: expected arguments like .* \(tensor, mask=tensor\); " + found):
        structure(X, mask=Y).flatten(args, kwargs, name="net")


def test_a_result_has_its_containers_and_constants():
    call = structure(result={"a": (0, [0, 0]), "b": Pair(0, 0)}, leaves=(Output(1), None, 3, Output(0), "text"))
    assert call.unflatten((X, Y)) == {"a": (Y, [None, 3]), "b": Pair(X, "text")}


def test_a_structure_survives_its_document():
    leaves = (Output(1), None, True, 2.5, Output(0), "text", 7)
    call = structure([X], {"k": (Y,)}, mask=Z, result={"a": (0, [0, 0, 0]), "b": [0, 0], "c": 0}, leaves=leaves)
    text = call.to_document().model_dump_json(exclude_none=True)
    read = CallStructure.from_document(StructureDocument.model_validate_json(text))
    assert read == call
    assert type(read.unflatten((X, Y))["a"][1][1]) is bool


def test_named_tuples_become_tuples_in_a_document():
    call = structure(result=Pair(0, 0), leaves=(Output(0), Output(1)))
    assert CallStructure.from_document(call.to_document()).unflatten((X, Y)) == (X, Y)


def test_what_cannot_be_written_down():
    with pytest.raises(InvalidInputError, match="expected strings as keys, found 3"):
        structure(result={3: 0}).to_document()
    holder = structure(torch.return_types.max((X, Y)))
    assert holder.to_document().arguments == structure((X, Y)).to_document().arguments
