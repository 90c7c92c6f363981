"""linalg operations on tensors as steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from ..kernel import KernelFacts
from .affine import AffineMap, parse_map
from .attributes import attribute_integers
from .linalg_named import named_structure
from .scalar_ops import FIELD_OF, Body, analyse_body, work_of
from .stablehlo_moves import moving, transposed
from .step import FillStep, KernelStep, Step, Typed
from .structured import PRODUCT, Structured
from .syntax import Region, Shaped


def linalg_step(typed: Typed) -> Step:
    """What an operation does.

    Raises:
        InvalidInputError: an operation that is not known, or one whose maps do not fit its tensors.
    """
    operation = typed.operation
    name = operation.short_name
    if name in _HANDLERS:
        return _HANDLERS[name](typed)
    if "indexing_maps" in operation.attributes and name not in FIELD_OF and not name.startswith("elem"):
        return _mapped(typed, PRODUCT)
    inputs, outs = _split(typed)
    strides, dilations = attribute_integers(operation, "strides"), attribute_integers(operation, "dilations")
    named = named_structure(operation, strides, dilations)
    if named is not None:
        return Structured(typed, inputs[:2], outs, named.maps, named.reductions, named.body).step()
    function = _function(typed) or name
    if function not in FIELD_OF:
        raise operation.error(
            "expected an operation of known cost; generalise it (mlir-opt --linalg-generalize-named-ops)"
        )
    work = {field: float(count * typed.result.elements) for field, count in work_of(function).items()}
    return _elementwise(
        typed, KernelFacts.model_validate({"op_class": "elementwise", "dtype": typed.result.dtype, **work})
    )


def _split(typed: Typed) -> tuple[list[str], list[str]]:
    """Inputs and destinations; the generic form says by ``operandSegmentSizes`` how many inputs there are."""
    operation = typed.operation
    if operation.destinations:
        return operation.operands, operation.destinations
    sizes = attribute_integers(operation, "operandSegmentSizes", "operand_segment_sizes")
    count = sizes[0] if sizes else len(operation.operands) - max(len(operation.results), 1)
    return operation.operands[:count], operation.operands[count:]


def _function(typed: Typed) -> str:
    """The function that ``elemwise_unary`` and ``elementwise`` name: ``kind = #...<add>``, or ``<add>`` alone."""
    attributes = typed.operation.attributes
    values = [attributes.get("fun"), attributes.get("kind"), *typed.operation.words]
    return next((value.body.strip() for value in values if isinstance(value, Shaped)), "")


def _elementwise(typed: Typed, facts: KernelFacts) -> KernelStep:
    """A kernel that reads the inputs and writes the destination without reading it."""
    inputs = [name for name in _split(typed)[0] if not typed.types[name].scalar]
    return KernelStep(facts, typed.whole(inputs), typed.writes, frozenset(inputs), folds=True)


def _region(typed: Typed) -> Region:
    regions = typed.operation.regions
    if not regions:
        raise typed.operation.error("expected a region, found none; is the text truncated?")
    return regions[0]


def _mapped(typed: Typed, body: Body | None = None) -> Step:
    """``generic`` and ``contract``: the maps are attributes; loops that reduce are so called, or not in the result."""
    operation = typed.operation
    inputs, outs = _split(typed)
    given = operation.attributes.get("indexing_maps")
    maps = [parse_map(value, operation) for value in given] if isinstance(given, tuple) else []
    if len(maps) != len(inputs) + len(outs):
        raise operation.error(f"expected {len(inputs) + len(outs)} indexing_maps, found {len(maps)}")
    kinds = operation.attributes.get("iterator_types")
    if isinstance(kinds, tuple):
        reductions = frozenset(i for i, kind in enumerate(kinds) if "reduction" in _text(kind))
    else:
        reductions = frozenset(range(maps[0].loops)) - maps[-1].used
    if body is None:
        accumulators = frozenset(range(len(inputs), len(inputs) + len(outs)))
        body = analyse_body(_region(typed), accumulators)
    return Structured(typed, inputs, outs, maps, reductions, body).step()


def _text(kind: object) -> str:
    return kind.body if isinstance(kind, Shaped) else str(kind)


def _map(typed: Typed) -> Step:
    """``linalg.map``: the body, or the one operation of its short form, for every element."""
    inputs, outs = _split(typed)
    rank = len(typed.result.shape)
    identity = AffineMap(rank, tuple({i: 1} for i in range(rank)))
    body = _short(typed, len(inputs)) or analyse_body(_region(typed), frozenset({len(inputs)}))
    return Structured(typed, inputs, outs, [identity] * (len(inputs) + len(outs)), frozenset(), body).step()


def _short(typed: Typed, inputs: int) -> Body | None:
    """Body of ``{ arith.addf }``, an operation without operands: it takes the region's arguments."""
    operations = _region(typed).operations
    if len(operations) != 1 or operations[0].operands or operations[0].results:
        return None
    field = FIELD_OF.get(operations[0].short_name)
    if field is None:
        raise operations[0].error("expected a scalar operation, found one of unknown cost; lower it first")
    return Body(Counter({field: 1}), Counter(), None, frozenset(range(inputs)), (), indexed=False)


def _reduce(typed: Typed) -> Step:
    """``linalg.reduce``: every input's element once."""
    inputs, outs = _split(typed)
    rank, dims = len(typed.types[inputs[0]].shape), attribute_integers(typed.operation, "dimensions")
    whole = AffineMap(rank, tuple({i: 1} for i in range(rank)))
    kept = AffineMap(rank, tuple({i: 1} for i in range(rank) if i not in dims))
    count = len(inputs)
    if _short(typed, count) is None:
        body = analyse_body(_region(typed), frozenset(range(count, count + len(outs))))
    else:
        body = Body(Counter(), Counter(), None, frozenset(range(count + len(outs))), (), indexed=False)
    return Structured(typed, inputs, outs, [whole] * count + [kept] * len(outs), frozenset(dims), body).step()


def _transpose(typed: Typed) -> Step:
    return transposed(typed, typed.operation.operands[0], attribute_integers(typed.operation, "permutation"))


def _copy(typed: Typed) -> Step:
    return _elementwise(typed, moving("copy", typed))


def _pack(typed: Typed) -> Step:
    """Tiles of a tensor as dimensions of their own, or back."""
    return _elementwise(typed, moving("transpose", typed))


def _softmax(typed: Typed) -> Step:
    """Maximum, difference, exponential, sum and quotient in one kernel."""
    elements = float(typed.result.elements)
    facts = KernelFacts(
        op_class="reduction",
        dtype=typed.result.dtype,
        reduced=2 * elements,
        elementwise=elements,
        transcendental=elements,
        divide=elements,
    )
    return _elementwise(typed, facts)


def _fill(typed: Typed) -> Step:
    return FillStep()


_HANDLERS: Mapping[str, Callable[[Typed], Step]] = {
    "broadcast": _copy,
    "contract": lambda typed: _mapped(typed, PRODUCT),
    "copy": _copy,
    "fill": _fill,
    "generic": _mapped,
    "map": _map,
    "pack": _pack,
    "reduce": _reduce,
    "softmax": _softmax,
    "transpose": _transpose,
    "unpack": _pack,
}
