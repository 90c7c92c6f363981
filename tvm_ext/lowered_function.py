"""Reads a Relax function in destination-passing style (after ``CallTIRRewrite``) as a schedule over tensors.

::

    alloc = R.builtin.alloc_tensor(...)     a tensor without content
    cls.matmul(x, w, alloc)                 a step: operands x, w; result alloc
    lv = alloc                              another name
    lv1 = R.reshape(lv, ...)                a view: another tensor in the same storage
    cls.add(lv1, b, alloc1)                 a step
    return alloc1                           an output
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import tvm
from tvm import relax, tirx
from tvm.ir import GenericConst, GlobalVar, Op

from ..errors import UnsupportedModelError
from .kernel import KernelFootprint, analyse_kernel, tensor_bytes

Origin = Literal["input", "parameter", "constant", "allocation", "call", "view"]
#: Origins of tensors that exist, in slow memory, before the call.
RESIDENT_ORIGINS: frozenset[str] = frozenset({"input", "parameter", "constant"})
VIEW_OPS = frozenset({"relax.reshape", "relax.memory.view", "relax.memory.ensure_zero_offset"})
VIEW_FUNCTIONS = frozenset({"vm.builtin.reshape"})


@dataclass(frozen=True)
class TensorValue:
    """A tensor that the function names. Views carry the tensor they view in ``base``.

    ``storage`` identifies the memory: equal for a tensor and all of its views.
    """

    index: int
    storage: int
    origin: Origin
    name: str
    shape: tuple[int, ...]
    dtype: str
    expr: relax.Expr
    base: int | None = None

    @property
    def size_bytes(self) -> int:
        """Dense size."""
        return tensor_bytes(self.shape, self.dtype)


@dataclass(frozen=True)
class StepArgument:
    """One tensor argument of a step: its position in the call, and what the kernel does with it."""

    position: int
    tensor: int
    read_bytes: int
    written_bytes: int
    is_operand: bool
    is_result: bool


@dataclass(frozen=True)
class Step:
    """One kernel call. ``footprint`` and ``kernel`` are None for external functions, whose arguments count whole."""

    binding: int
    callee: str
    arguments: tuple[StepArgument, ...]
    footprint: KernelFootprint | None
    #: The tensor that the call itself returns (external functions that allocate), else None.
    returned: int | None = None
    kernel: tirx.PrimFunc | None = None


#: What a Relax variable stands for: a tensor, a tuple of such, or something without memory (a shape, a scalar).
Value: TypeAlias = "TensorValue | tuple[Value, ...] | None"


@dataclass
class LoweredFunction:
    """The schedule of one function: tensors by index, steps in order, outputs as tensors."""

    function: relax.Function
    bindings: list[relax.Binding]
    tensors: list[TensorValue] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    values: dict[relax.Var, Value] = field(default_factory=dict)
    constants: dict[int, TensorValue] = field(default_factory=dict)

    @cached_property
    def output_storages(self) -> set[int]:
        """Storages that the function returns."""
        return {self.tensors[i].storage for i in self.outputs}


def planned_functions(mod: tvm.IRModule) -> Iterator[tuple[GlobalVar, relax.Function]]:
    """The Relax functions of a module that have kernels to plan, in the order of their names."""
    pairs = [(gv, f) for gv, f in mod.functions_items() if isinstance(f, relax.Function)]
    yield from sorted(pairs, key=lambda pair: str(pair[0].name_hint))


def read_function(mod: tvm.IRModule, name: str) -> LoweredFunction:
    """Read one function.

    Raises:
        UnsupportedModelError: symbolic shapes, control flow or tensors of unknown shape; says what to do.
    """
    return _Reader(mod, mod[name], name).read()


class _Reader:
    def __init__(self, mod: tvm.IRModule, function: relax.Function, name: str) -> None:
        self.mod = mod
        self.name = name
        self.footprints: dict[str, KernelFootprint] = {}
        blocks = function.body.blocks if isinstance(function.body, relax.SeqExpr) else []
        self.out = LoweredFunction(function, [binding for block in blocks for binding in block.bindings])
        self.written: set[int] = set()

    def read(self) -> LoweredFunction:
        function = self.out.function
        attrs = function.attrs or {}
        inputs = int(attrs["num_input"]) if "num_input" in attrs else len(function.params)
        for k, param in enumerate(function.params):
            self.out.values[param] = self.declare(param, "input" if k < inputs else "parameter", str(param.name))
        for k, binding in enumerate(self.out.bindings):
            self.read_binding(k, binding)
        body = function.body.body if isinstance(function.body, relax.SeqExpr) else function.body
        self.out.outputs = [tensor.index for tensor in _leaves(self.value_of(body))]
        return self.out

    def declare(self, expr: relax.Expr, origin: Origin, name: str, base: TensorValue | None = None) -> Value:
        ty = expr.ty
        if isinstance(ty, relax.TupleType):
            fields = [(relax.TupleGetItem(expr, i), f"{name}.{i}") for i in range(len(ty.fields))]
            return tuple(self.declare(self.normal(item), origin, label) for item, label in fields)
        if not isinstance(ty, relax.TensorType):
            return None
        index = len(self.out.tensors)
        tensor = TensorValue(
            index=index,
            storage=index if base is None else base.storage,
            origin=origin,
            name=name,
            shape=self.static_shape(ty, name),
            dtype=str(ty.dtype),
            expr=expr,
            base=None if base is None else base.index,
        )
        self.out.tensors.append(tensor)
        return tensor

    def normal(self, expr: relax.Expr) -> relax.Expr:
        return relax.BlockBuilder().normalize(expr)

    def static_shape(self, ty: relax.TensorType, name: str) -> tuple[int, ...]:
        shape = ty.shape
        dims = list(shape.values) if isinstance(shape, relax.ShapeExpr) else None
        if dims is None:
            raise UnsupportedModelError(
                f"function {self.name!r}: tensor {name!r} has no known shape; memory is planned for static shapes: "
                "export the model with static example inputs"
            )
        symbolic = [str(dim) for dim in dims if not isinstance(dim, int | tirx.IntImm)]
        if symbolic:
            raise UnsupportedModelError(
                f"function {self.name!r}: tensor {name!r} has the symbolic dimension {symbolic[0]}; memory is planned "
                "for static shapes: export without dynamic_shapes, or bind the dimension to its upper bound with "
                f'relax.transform.BindSymbolicVars("{self.name}", {{"{symbolic[0]}": UPPER_BOUND}})'
            )
        return tuple(int(dim) for dim in dims)

    def read_binding(self, position: int, binding: relax.Binding) -> None:
        value, var = binding.value, binding.var
        if isinstance(value, relax.If):
            raise UnsupportedModelError(
                f"function {self.name!r}: control flow (torch.cond) has no fixed schedule to plan; "
                "compile the branches as models of their own"
            )
        if isinstance(value, relax.Call):
            self.out.values[var] = self.read_call(position, var, value)
        else:
            self.out.values[var] = self.value_of(value)

    def value_of(self, expr: relax.Expr) -> Value:
        if isinstance(expr, relax.Var):
            return self.out.values.get(expr)
        if isinstance(expr, relax.Tuple):
            return tuple(self.value_of(item) for item in expr.fields)
        if isinstance(expr, relax.TupleGetItem):
            whole = self.value_of(expr.tuple_value)
            return whole[int(expr.index)] if isinstance(whole, tuple) else None
        if isinstance(expr, GenericConst) and isinstance(expr.ty, relax.TensorType):
            return self.constant(expr)
        return None

    def constant(self, expr: GenericConst) -> Value:
        key = int(expr.value.__chandle__())
        if key not in self.out.constants:
            tensor = self.declare(expr, "constant", f"constant_{len(self.out.constants)}")
            assert isinstance(tensor, TensorValue)
            self.out.constants[key] = tensor
        return self.out.constants[key]

    def read_call(self, position: int, var: relax.Var, call: relax.Call) -> Value:
        name = str(var.name)
        if isinstance(call.op, Op) and call.op.name == "relax.builtin.alloc_tensor":
            return self.declare(var, "allocation", name)
        if _is_view(call):
            base = self.value_of(call.args[0])
            assert isinstance(base, TensorValue)
            return self.declare(var, "view", name, base)
        tensors = [(k, self.value_of(arg)) for k, arg in enumerate(call.args)]
        arguments = [(k, value) for k, value in tensors if isinstance(value, TensorValue)]
        if isinstance(call.op, GlobalVar):
            self.out.steps.append(self.kernel_step(position, call, arguments))
            return None
        if not isinstance(call.op, relax.ExternFunc) or not (arguments or isinstance(var.ty, relax.TensorType)):
            return self.declare(var, "call", name)
        returned = self.declare(var, "call", name)
        if isinstance(returned, tuple):
            raise UnsupportedModelError(
                f"function {self.name!r}: external function {call.op.global_symbol!r} returns a tuple; "
                "call it in destination-passing style (call_dps_packed)"
            )
        self.out.steps.append(self.external_step(position, call, arguments, returned))
        return returned

    def kernel_step(self, position: int, call: relax.Call, arguments: list[tuple[int, TensorValue]]) -> Step:
        callee = str(call.op.name_hint)
        kernel = self.mod[call.op]
        if callee not in self.footprints:
            if not isinstance(kernel, tirx.PrimFunc):
                raise UnsupportedModelError(
                    f"function {self.name!r} calls the Relax function {callee!r}; inline it before planning "
                    "(relax.transform.InlinePrivateFunctions)"
                )
            self.footprints[callee] = analyse_kernel(kernel)
        footprint = self.footprints[callee]
        found = []
        for k, tensor in arguments:
            if k in footprint.opaque:
                found.append(self.whole_argument(k, tensor))
            else:
                found.append(self.argument(k, tensor, footprint.read_bytes[k], footprint.written_bytes[k]))
        return Step(position, callee, tuple(found), footprint, kernel=kernel)

    def external_step(
        self, position: int, call: relax.Call, arguments: list[tuple[int, TensorValue]], returned: Value
    ) -> Step:
        index = returned.index if isinstance(returned, TensorValue) else None
        found = tuple(self.whole_argument(k, tensor) for k, tensor in arguments)
        return Step(position, str(call.op.global_symbol), found, None, index)

    def whole_argument(self, position: int, tensor: TensorValue) -> StepArgument:
        """An argument of external code: read whole, or written whole if it has no content yet."""
        fresh = self.is_fresh(tensor)
        return self.argument(position, tensor, tensor.size_bytes, tensor.size_bytes if fresh else 0)

    def is_fresh(self, tensor: TensorValue) -> bool:
        """Whether nothing has been written to the tensor's memory yet."""
        root = self.out.tensors[tensor.storage]
        return root.origin == "allocation" and tensor.storage not in self.written

    def argument(self, position: int, tensor: TensorValue, read: int, written: int) -> StepArgument:
        """A kernel that accumulates reads its own fresh result back: that is no operand.

        A tensor without content is a result even if nothing is written to it: it needs a place.
        """
        fresh = self.is_fresh(tensor)
        if fresh or written:
            self.written.add(tensor.storage)
        return StepArgument(
            position=position,
            tensor=tensor.index,
            read_bytes=0 if fresh else read,
            written_bytes=written,
            is_operand=not fresh,
            is_result=fresh or written > 0,
        )


def _is_view(call: relax.Call) -> bool:
    if isinstance(call.op, Op):
        return str(call.op.name) in VIEW_OPS
    return isinstance(call.op, relax.ExternFunc) and str(call.op.global_symbol) in VIEW_FUNCTIONS


def _leaves(value: Value) -> Iterator[TensorValue]:
    if isinstance(value, TensorValue):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)


def split_arguments(step: Step) -> tuple[list[StepArgument], list[StepArgument]]:
    """A step's arguments as operands and results, each in call order: the order of the instruction's entries."""
    return [a for a in step.arguments if a.is_operand], [a for a in step.arguments if a.is_result]
