"""``FoldTranspose``: a matmul reads a transposed operand in place instead of a transposed copy of it.

PyTorch stores the weight of a linear layer as (out, in), so every layer imports as ``matmul(x, permute_dims(w))`` and
would transpose its weight at each call. TVM's ``FuseTransposeMatmul`` does the same for the right operand; it fails on
``matmul(x, permute_dims(x))`` and on a transpose with further users.
"""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relax, te
from tvm.ir import Op
from tvm.relax.expr_functor import PyExprMutator, mutator


@tvm.ir.transform.module_pass(opt_level=0, name="FoldTranspose")
class FoldTranspose:
    """Rewrite ``matmul`` with operands transposed in their last two axes to ``NT_``, ``TN_`` or ``TT_matmul`` kernels.

    Runs before ``LegalizeOps``. Transposes without other users are dead afterwards. Symbolic shapes are left alone.
    """

    def transform_module(self, mod: tvm.IRModule, _ctx: tvm.ir.transform.PassContext) -> tvm.IRModule:
        """Return the module with folded matmuls."""
        folder = _Folder(mod)
        for global_var, function in mod.functions_items():
            if isinstance(function, relax.Function):
                folder.builder_.update_func(global_var, folder.visit_expr(function))
        return folder.builder_.get()


@mutator
class _Folder(PyExprMutator):  # type: ignore[misc]  # tvm is untyped
    def visit_call_(self, call: relax.Call) -> relax.Expr:
        call = super().visit_call_(call)
        if not (isinstance(call.op, Op) and call.op.name == "relax.matmul"):
            return call
        sources = [self.transpose_source(argument) for argument in call.args]
        flags = [source is not None for source in sources]
        operands = [argument if source is None else source for argument, source in zip(call.args, sources, strict=True)]
        if not any(flags) or not all(_static_rank(operand) >= 2 for operand in operands):
            return call
        name = "".join("T" if flag else "N" for flag in flags) + "_matmul"
        return self.builder_.call_te(
            transposed_matmul,
            *operands,
            transposed=tuple(flags),
            dtype=str(call.ty.dtype),
            name=name,
            primfunc_name_hint=name,
        )

    def transpose_source(self, expr: relax.Expr) -> relax.Expr | None:
        """The tensor that ``expr`` is with its last two axes swapped, if it is that."""
        value = self.lookup_binding(expr) if isinstance(expr, relax.Var) else None
        if not (isinstance(value, relax.Call) and isinstance(value.op, Op) and value.op.name == "relax.permute_dims"):
            return None
        rank = _static_rank(value.args[0])
        swapped = [*range(max(rank - 2, 0)), rank - 1, rank - 2]
        axes = value.attrs.axes
        found = list(range(rank))[::-1] if axes is None else [int(axis) % max(rank, 1) for axis in axes]
        return value.args[0] if rank >= 2 and found == swapped else None


def _static_rank(expr: relax.Expr) -> int:
    """Rank of a tensor of static shape, else -1."""
    shape = expr.ty.shape if isinstance(expr.ty, relax.TensorType) else None
    if not isinstance(shape, relax.ShapeExpr):
        return -1
    dims = list(shape.values)
    return len(dims) if all(isinstance(dim, int | tvm.tirx.IntImm) for dim in dims) else -1


def transposed_matmul(a: te.Tensor, b: te.Tensor, *, transposed: tuple[bool, bool], dtype: str, name: str) -> te.Tensor:
    """``matmul(A, B)`` over broadcast batch axes, where ``A = a`` or ``a`` with its last two axes swapped, so ``B``."""
    shapes = [[int(dim) for dim in tensor.shape] for tensor in (a, b)]
    (m, k), (_, n) = (shape[:-3:-1] if flag else shape[-2:] for shape, flag in zip(shapes, transposed, strict=True))
    batches = [shape[:-2] for shape in shapes]
    rank = max(len(batch) for batch in batches)
    batch = [max(sizes) for sizes in zip(*([1] * (rank - len(b_)) + b_ for b_ in batches), strict=True)]
    reduction = te.reduce_axis((0, k), name="k")

    def element(*index: Any) -> Any:
        left = _at(a, index[:rank], batches[0], index[rank], reduction, swap=transposed[0])
        right = _at(b, index[:rank], batches[1], reduction, index[rank + 1], swap=transposed[1])
        return te.sum(left.astype(dtype) * right.astype(dtype), axis=reduction)

    return te.compute((*batch, m, n), element, name=name)


def _at(tensor: te.Tensor, batch: tuple[Any, ...], own: list[int], row: Any, column: Any, *, swap: bool) -> Any:
    outer = batch[len(batch) - len(own) :]
    index = [0 if size == 1 else axis for size, axis in zip(own, outer, strict=True)]
    return tensor(*index, *((column, row) if swap else (row, column)))
