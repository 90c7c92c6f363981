"""Operations of the ``tensor``, ``arith`` and ``math`` dialects as steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .scalar_ops import FIELD_OF
from .stablehlo import elementwise
from .stablehlo_moves import is_splat, moving, sliced, updated
from .step import ConstantStep, EmptyStep, FillStep, KernelStep, ScalarStep, Step, Typed, ViewStep


def tensor_step(typed: Typed) -> Step:
    """What an operation of ``tensor`` does.

    Raises:
        InvalidInputError: an operation that is not known.
    """
    handler = _HANDLERS.get(typed.operation.short_name)
    if handler is None:
        raise typed.operation.error("expected an operation of known cost; lower it to others, or leave it out")
    return handler(typed)


def arith_step(typed: Typed) -> Step:
    """What an operation of ``arith`` or ``math`` does: elementwise on tensors, free on single numbers.

    Raises:
        InvalidInputError: an operation that is not known.
    """
    operation = typed.operation
    if all(result.scalar for result in typed.results):
        return ScalarStep()
    if operation.short_name == "constant":
        value = operation.attributes.get("value", operation.words[0] if operation.words else None)
        return ConstantStep(uniform=is_splat(value, typed.result))
    if operation.short_name not in FIELD_OF:
        raise operation.error("expected an operation of known cost; lower it to others, or leave it out")
    return elementwise(typed)


def assertion_step(typed: Typed) -> Step:
    """``cf.assert`` costs nothing that counts.

    Raises:
        InvalidInputError: a branch.
    """
    if typed.operation.short_name != "assert":
        raise typed.operation.error("control flow has no fixed schedule; export the model without branches")
    return ScalarStep()


def _view(typed: Typed) -> Step:
    return ViewStep((typed.operation.operands[0],))


def _tensors(typed: Typed) -> list[str]:
    return [name for name in typed.operation.operands if not typed.types[name].scalar]


def _extract_slice(typed: Typed) -> Step:
    return sliced(typed, typed.operation.operands[0], [])


def _insert_slice(typed: Typed) -> Step:
    source, target = typed.operation.operands[:2]
    return updated(typed, target, source, [])


def _assemble(typed: Typed) -> Step:
    names = _tensors(typed)
    return KernelStep(moving("copy", typed), typed.whole(names), typed.writes, frozenset(names))


def _insert(typed: Typed) -> Step:
    """One number into a tensor: what of it moves is not worth a kernel."""
    return ViewStep((_tensors(typed)[0],))


def _gather(typed: Typed) -> Step:
    table, indices = typed.operation.operands[:2]
    reads = ((table, typed.result.size_bytes), *typed.whole([indices]))
    return KernelStep(moving("gather", typed), reads, typed.writes)


def _scalar(typed: Typed) -> Step:
    return ScalarStep()


_HANDLERS: Mapping[str, Callable[[Typed], Step]] = {
    "bitcast": _view,
    "cast": _view,
    "collapse_shape": _view,
    "concat": _assemble,
    "dim": _scalar,
    "empty": lambda typed: EmptyStep(),
    "expand_shape": _view,
    "extract": _scalar,
    "extract_slice": _extract_slice,
    "from_elements": lambda typed: FillStep() if typed.result.elements == 1 else _assemble(typed),
    "gather": _gather,
    "generate": _assemble,
    "insert": _insert,
    "insert_slice": _insert_slice,
    "pad": _assemble,
    "rank": _scalar,
    "reshape": _view,
    "splat": lambda typed: FillStep(),
}
