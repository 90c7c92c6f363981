"""StableHLO operations (and their twins in MHLO and CHLO) as steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..kernel import KernelFacts
from .attributes import attribute_integers
from .bounded import BOUNDED
from .contraction import pooling
from .scalar_ops import FIELD_OF, scalar_name, scalar_work
from .stablehlo_contractions import convolution, dot, dot_general
from .stablehlo_moves import MOVES, is_splat
from .step import ConstantStep, KernelStep, Step, Typed, ViewStep

#: Calls that only annotate.
_ANNOTATIONS = frozenset(
    {"Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "LayoutConstraint", "annotate_device_placement"}
)
_CONTROL_FLOW = frozenset({"while", "if", "case"})
_COLLECTIVES = frozenset(
    {"all_gather", "all_reduce", "all_to_all", "collective_broadcast", "collective_permute", "reduce_scatter"}
)


def stablehlo_step(typed: Typed) -> Step:
    """What an operation does.

    Raises:
        InvalidInputError: control flow, communication, a custom call, or an operation that is not known.
    """
    operation = typed.operation
    name = operation.short_name
    if name in _HANDLERS:
        return _HANDLERS[name](typed)
    if scalar_name(operation) in FIELD_OF:
        return elementwise(typed)
    if name in _CONTROL_FLOW:
        raise operation.error(
            "control flow has no fixed schedule and its types do not bound its cost; unroll the loop "
            "(jax.lax.scan(..., unroll=True)) or export the branches as functions of their own"
        )
    if name in _COLLECTIVES:
        raise operation.error("expected a program for one device, found communication; export the model unsharded")
    raise operation.error("expected an operation of known cost; lower it to others, or leave it out")


def elementwise(typed: Typed) -> KernelStep:
    """One or two scalar operations for each element of the result."""
    work = {field: float(count * typed.result.elements) for field, count in scalar_work(typed.operation).items()}
    comparing = typed.result.dtype == "bool" and bool(typed.inputs)
    dtype = typed.inputs[0].dtype if comparing else typed.result.dtype
    return typed.elementwise(KernelFacts.model_validate({"op_class": "elementwise", "dtype": dtype, **work}))


def _constant(typed: Typed) -> Step:
    operation = typed.operation
    value = operation.attributes.get("value", operation.words[0] if operation.words else None)
    return ConstantStep(uniform=is_splat(value, typed.result))


def _view(typed: Typed) -> Step:
    return ViewStep(tuple(typed.operation.operands[: len(typed.results)]))


def _custom_call(typed: Typed) -> Step:
    operation = typed.operation
    target = operation.symbols[0] if operation.symbols else str(operation.attributes.get("call_target_name", ""))
    if target in _ANNOTATIONS:
        return _view(typed)
    raise operation.error(f"the cost of custom call {target!r} is not known from its types; lower it or leave it out")


def _reduce(typed: Typed) -> Step:
    operation = typed.operation
    inputs = operation.operands if operation.initial else operation.operands[: len(operation.operands) // 2]
    read = sum(typed.types[name].elements for name in inputs)
    if len(inputs) == 1 and read == typed.result.elements:
        return ViewStep((inputs[0],))
    facts = KernelFacts(op_class="reduction", dtype=typed.result.dtype, reduced=float(read))
    return typed.elementwise(facts)


def _reduce_window(typed: Typed) -> Step:
    window = attribute_integers(typed.operation, "window_dimensions")
    strides = attribute_integers(typed.operation, "window_strides") or (1,) * len(window)
    result = typed.result
    return typed.elementwise(pooling(result.dtype, result.elements, window, strides, len(typed.results)))


def _select_and_scatter(typed: Typed) -> Step:
    """Backward of a maximum over windows: each element of the source looks through a window of the operand."""
    window = attribute_integers(typed.operation, "window_dimensions")
    strides = attribute_integers(typed.operation, "window_strides") or (1,) * len(window)
    return typed.elementwise(pooling(typed.result.dtype, typed.type(1).elements, window, strides))


_HANDLERS: Mapping[str, Callable[[Typed], Step]] = {
    **MOVES,
    **BOUNDED,
    "constant": _constant,
    "bitcast_convert": _view,
    "optimization_barrier": _view,
    "sharding_constraint": _view,
    "custom_call": _custom_call,
    "dot": dot,
    "dot_general": dot_general,
    "convolution": convolution,
    "reduce": _reduce,
    "reduce_window": _reduce_window,
    "select_and_scatter": _select_and_scatter,
}
