"""Operations that move data: what of a tensor they touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..kernel import KernelFacts, OpClass
from .attributes import attribute_integers
from .step import KernelStep, Step, Typed, Update, ViewStep
from .syntax import Attribute, Shaped
from .types import TensorType


def is_splat(value: Attribute | None, of: TensorType) -> bool:
    """Whether a constant is one number repeated."""
    if of.elements == 1:
        return True
    return isinstance(value, Shaped) and value.name == "dense" and not value.body.lstrip().startswith(("[", '"'))


def moving(op_class: OpClass, typed: Typed, elements: int | None = None) -> KernelFacts:
    """Facts of a kernel that computes nothing; it moves the result's elements unless told otherwise."""
    moved = typed.result.elements if elements is None else elements
    return KernelFacts(op_class=op_class, dtype=typed.result.dtype, moved=float(moved))


def transposed(typed: Typed, source: str, permutation: tuple[int, ...]) -> Step:
    """A transpose; one that moves no dimension but those of extent 1 past others is a view."""
    shape = typed.types[source].shape
    if sorted(permutation) != list(range(len(shape))):
        raise typed.operation.error(f"expected a permutation of {len(shape)} dimensions, found {permutation}")
    order = [i for i in permutation if shape[i] != 1]
    if order == sorted(order):
        return ViewStep((source,))
    facts = moving("transpose", typed)
    return KernelStep(facts, typed.whole([source]), typed.writes, frozenset({source}), folds=True)


def sliced(typed: Typed, source: str, others: list[str]) -> Step:
    """Reads of the source what the result has; the whole source is a view."""
    read = typed.result.size_bytes
    if typed.types[source].elements == typed.result.elements and not others:
        return ViewStep((source,))
    reads = ((source, read), *typed.whole(others))
    return KernelStep(moving("copy", typed), reads, typed.writes, frozenset((source, *others)), folds=True)


def updated(typed: Typed, target: str, update: str, others: list[str]) -> Step:
    """Writes the update into the target; if something needs the target later, into a copy of it."""
    part = typed.types[update]
    rest = ((update, part.size_bytes), *typed.whole(others))
    immediate = frozenset((update, *others))
    in_place = Update(target, ((target, 0), *rest), (part.size_bytes,))
    copied = typed.result.size_bytes - part.size_bytes
    return KernelStep(
        moving("copy", typed, part.elements), ((target, copied), *rest), typed.writes, immediate, update=in_place
    )


def broadcast(typed: Typed, source: str) -> Step:
    """A copy of every element to its places; a view if there are no more elements than before."""
    if typed.types[source].elements == typed.result.elements:
        return ViewStep((source,))
    return KernelStep(moving("copy", typed), typed.whole([source]), typed.writes, frozenset({source}), folds=True)


def _broadcast_in_dim(typed: Typed) -> Step:
    source, dims = typed.operation.operands[0], attribute_integers(typed.operation, "dims", "broadcast_dimensions")
    view = broadcast(typed, source)
    if isinstance(view, ViewStep) and list(dims) != sorted(dims):
        return transposed(typed, source, tuple(sorted(range(len(dims)), key=lambda i: dims[i])))
    return view


def _transpose(typed: Typed) -> Step:
    return transposed(typed, typed.operation.operands[0], attribute_integers(typed.operation, "dims", "permutation"))


def _slice(typed: Typed) -> Step:
    return sliced(typed, typed.operation.operands[0], [])


def _dynamic_slice(typed: Typed) -> Step:
    return sliced(typed, typed.operation.operands[0], typed.operation.operands[1:])


def _dynamic_update_slice(typed: Typed) -> Step:
    target, update, *starts = typed.operation.operands
    return updated(typed, target, update, starts)


def _assemble(typed: Typed) -> Step:
    """Concatenations, padding and reversals read everything and write everything."""
    return KernelStep(moving("copy", typed), typed.whole(), typed.writes, frozenset(typed.operation.inputs))


def _gather(typed: Typed) -> Step:
    """Reads of the table what the result has."""
    table, indices = typed.operation.operands[:2]
    reads = ((table, typed.types[table].bytes_of(typed.result.elements)), *typed.whole([indices]))
    return KernelStep(moving("gather", typed), reads, typed.writes)


def _scatter(typed: Typed) -> Step:
    """Reads and writes of the operand what the updates have, or copies it first."""
    operation = typed.operation
    count = len(typed.results)
    targets, indices, updates = operation.operands[:count], operation.operands[count], operation.operands[count + 1 :]
    elements = sum(typed.types[name].elements for name in updates)
    combines = any(op.name != "stablehlo.return" for region in operation.regions for op in region.operations)
    facts = KernelFacts(
        op_class="gather",
        dtype=typed.result.dtype,
        moved=float(elements),
        elementwise=float(elements if combines else 0),
    )
    rest = typed.whole([indices, *updates])
    whole = tuple(result.size_bytes for result in typed.results)
    copying = (*typed.whole(targets), *rest)
    if count != 1:
        return KernelStep(facts, copying, whole)
    touched = typed.result.bytes_of(elements)
    in_place = Update(targets[0], ((targets[0], touched if combines else 0), *rest), (touched,))
    return KernelStep(facts, copying, whole, frozenset(updates), update=in_place)


def _iota(typed: Typed) -> Step:
    facts = KernelFacts(op_class="elementwise", dtype=typed.result.dtype, elementwise=float(typed.result.elements))
    return KernelStep(facts, (), typed.writes)


MOVES: Mapping[str, Callable[[Typed], Step]] = {
    "broadcast": lambda typed: broadcast(typed, typed.operation.operands[0]),
    "broadcast_in_dim": _broadcast_in_dim,
    "concatenate": _assemble,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "gather": _gather,
    "iota": _iota,
    "pad": _assemble,
    "reshape": lambda typed: ViewStep((typed.operation.operands[0],)),
    "reverse": _assemble,
    "scatter": _scatter,
    "slice": _slice,
    "transpose": _transpose,
}
