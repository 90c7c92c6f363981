"""Writes a lowered function anew, with arenas, views and copies. Used by ``ApplyMemoryPlan`` alone."""

from __future__ import annotations

import tvm
from tvm import relax
from tvm.ir import GenericConst

from ..plan import Allocation
from .lowered_function import RESIDENT_ORIGINS, LoweredFunction, Step, TensorValue, Value, split_arguments
from .placement import Actions, Placement

FAST, SLOW = 1, 0


def rewrite(lowered: LoweredFunction, placement: Placement, *, checked: bool) -> relax.Function:
    """The planned function; see :class:`~memstow.tvm_ext.passes.apply_memory_plan.ApplyMemoryPlan`."""
    return _Rewriter(lowered, placement, checked=checked).rewrite()


class _Rewriter:
    def __init__(self, lowered: LoweredFunction, placement: Placement, *, checked: bool) -> None:
        self.lowered = lowered
        self.placement = placement
        self.program = placement.program
        self.checked = checked
        self.builder = relax.BlockBuilder()
        self.bindings: list[relax.Binding] = []
        self.operand_memory = placement.plan.operand_memory()
        self.result_memory = placement.plan.result_memory()
        self.views: dict[tuple[int, int, tuple[int, ...], str], relax.Var] = {}
        #: Tensors whose own Relax expression stands in the new function: outputs, residents and views of both.
        self.homes: dict[int, relax.Expr] = {}
        self.context = self.call("context", self.sizes(), relax.AnyType())

    def sizes(self) -> list[relax.Expr]:
        values = (self.placement.fast_bytes, self.placement.slow_bytes, int(self.checked))
        return [relax.prim_value(value) for value in values]

    def rewrite(self) -> relax.Function:
        step_at = {step.binding: t for t, step in enumerate(self.lowered.steps)}
        for position, binding in enumerate(self.lowered.bindings):
            if position in step_at:
                t = step_at[position]
                self.act(self.placement.actions[t])
                self.emit_step(t, self.lowered.steps[t], binding)
            else:
                self.emit_other(binding)
        self.act(self.placement.actions[-1])
        function = self.lowered.function
        body = function.body.body if isinstance(function.body, relax.SeqExpr) else function.body
        result = self.as_var(self.rebuild(self.value_of(body), body))
        sequence = relax.SeqExpr([relax.BindingBlock(self.bindings)], result)
        return relax.Function(function.params, sequence, function.ret_ty, function.is_pure, function.attrs)

    def value_of(self, expr: relax.Expr) -> Value:
        if isinstance(expr, relax.Var):
            return self.lowered.values.get(expr)
        if isinstance(expr, relax.Tuple):
            return tuple(self.value_of(item) for item in expr.fields)
        return None

    def rebuild(self, value: Value, original: relax.Expr) -> relax.Expr:
        if isinstance(value, tuple):
            return self.builder.normalize(relax.Tuple([self.rebuild(item, original) for item in value]))
        return original if value is None else self.home(value)

    def as_var(self, expr: relax.Expr) -> relax.Expr:
        if isinstance(expr, relax.Var):
            return expr
        return self.emit("result", expr)

    # --- bindings that are no step ---

    def emit_other(self, binding: relax.Binding) -> None:
        value = self.lowered.values.get(binding.var)
        if isinstance(value, TensorValue):
            is_definition = value.expr.same_as(binding.var)
            if is_definition and value.origin in ("allocation", "view") and self.is_external(value):
                self.emit_home(value, binding)
        elif value is None and not self.touches_tensor(binding):
            self.bindings.append(binding)

    def touches_tensor(self, binding: relax.Binding) -> bool:
        """Whether a binding without a value of its own only renames or unpacks tensors that have places now."""
        return isinstance(binding.value, relax.Tuple | relax.TupleGetItem) or isinstance(
            binding.var.ty, relax.TupleType
        )

    def is_external(self, tensor: TensorValue) -> bool:
        root = self.lowered.tensors[tensor.storage]
        return root.origin in RESIDENT_ORIGINS or root.origin == "call" or self.is_output(tensor)

    def is_output(self, tensor: TensorValue) -> bool:
        return tensor.storage in self.lowered.output_storages

    def emit_home(self, tensor: TensorValue, binding: relax.Binding) -> None:
        call = binding.value
        if tensor.origin == "view":
            assert tensor.base is not None
            base = self.home(self.lowered.tensors[tensor.base])
            call = relax.Call(call.op, [base, *call.args[1:]], call.attrs, list(call.ty_args), ret_ty=call.ty)
        self.bindings.append(relax.VarBinding(binding.var, call))
        self.homes[tensor.index] = binding.var
        if self.checked and tensor.origin == "allocation":
            self.poison(binding.var)

    def home(self, tensor: TensorValue) -> relax.Expr:
        """The expression of a tensor whose slow home is its own."""
        return self.homes.get(tensor.index, tensor.expr)

    # --- steps ---

    def emit_step(self, t: int, step: Step, binding: relax.Binding) -> None:
        operands, results = split_arguments(step)
        call = binding.value
        arguments = list(call.args)
        for k, argument in enumerate(operands):
            fast = self.operand_memory.get((t, k)) == "fast"
            arguments[argument.position] = self.tensor_at(argument.tensor, t, fast)
        for k, argument in enumerate(results):
            fast = self.result_memory.get((t, k)) == "fast"
            arguments[argument.position] = self.tensor_at(argument.tensor, t, fast)
        value = relax.Call(call.op, arguments, call.attrs, list(call.ty_args), ret_ty=call.ty)
        self.bindings.append(relax.VarBinding(binding.var, value))
        if step.returned is not None:
            self.homes[step.returned] = binding.var

    def tensor_at(self, index: int, t: int, fast: bool) -> relax.Expr:
        """The tensor as an expression at its place at time t."""
        tensor = self.lowered.tensors[index]
        storage = self.program.storage_of[index]
        if fast:
            offset = self.placement.fast_offset(storage, t)
            if offset is not None:
                return self.view(FAST, offset, tensor.shape, tensor.dtype)
        slot = self.placement.slots.get(storage)
        return self.home(tensor) if slot is None else self.view(SLOW, slot.offset, tensor.shape, tensor.dtype)

    # --- actions of the plan ---

    def act(self, actions: Actions) -> None:
        for index in actions.waits:
            self.wait(index)
        if self.checked:
            for allocation in actions.ends + actions.begins:
                self.poison_allocation(allocation)
            for storage in actions.slot_ends + actions.slot_begins:
                self.poison(self.whole(storage, SLOW, self.placement.slots[storage].offset))
        for index in actions.starts:
            self.start(index)
        for index in actions.immediate_waits:
            self.wait(index)

    def start(self, index: int) -> None:
        copy = self.placement.plan.copies[index]
        storage = self.program.storage_of[copy.buffer]
        fast = self.whole(storage, FAST, copy.offset)
        slot = self.placement.slots.get(storage)
        slow = self.home(self.root(storage)) if slot is None else self.whole(storage, SLOW, slot.offset)
        source, destination = (slow, fast) if copy.direction == "prefetch" else (fast, slow)
        self.call("start", [self.context, relax.prim_value(index), source, destination])

    def wait(self, index: int) -> None:
        self.call("wait", [self.context, relax.prim_value(index)])

    def poison_allocation(self, allocation: Allocation) -> None:
        self.poison(self.whole(self.program.storage_of[allocation.buffer], FAST, allocation.offset))

    def poison(self, tensor: relax.Expr) -> None:
        self.call("poison", [tensor])

    def root(self, storage: int) -> TensorValue:
        """The tensor that owns a program storage's memory: the one that all members view."""
        member = self.program.storages[storage].representative.id
        tensors = self.lowered.tensors
        known = member if member < len(tensors) else self.member_tensor(storage)
        return tensors[tensors[known].storage]

    def member_tensor(self, storage: int) -> int:
        return next(m.id for m in self.program.storages[storage].members if m.id < len(self.lowered.tensors))

    def whole(self, storage: int, memory: int, offset: int) -> relax.Var:
        root = self.root(storage)
        return self.view(memory, offset, root.shape, root.dtype)

    # --- expressions ---

    def view(self, memory: int, offset: int, shape: tuple[int, ...], dtype: str) -> relax.Var:
        key = (memory, offset, shape, dtype)
        if key not in self.views:
            place = [relax.prim_value(memory), relax.prim_value(offset)]
            form = [relax.ShapeExpr(list(shape)), GenericConst(tvm.DataType(dtype), relax.AnyType())]
            self.views[key] = self.call("view", [self.context, *place, *form], relax.TensorType(list(shape), dtype))
        return self.views[key]

    def call(self, function: str, arguments: list[relax.Expr], ty: tvm.ir.Type | None = None) -> relax.Var:
        returned = ty if ty is not None else relax.TupleType([])
        callee = relax.ExternFunc(f"memstow.runtime.{function}")
        return self.emit(function, relax.Call(callee, arguments, None, [returned]))

    def emit(self, name: str, value: relax.Expr) -> relax.Var:
        normal = self.builder.normalize(value)
        var = relax.Var(name, normal.ty)
        self.bindings.append(relax.VarBinding(var, normal))
        return var
