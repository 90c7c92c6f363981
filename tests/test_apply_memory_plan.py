from __future__ import annotations

import numpy as np
import pytest
import tvm
from all_planners import all_planners
from relax_modules import Diamond, W, X, diamond_of, run
from test_broken_plans import UNIT, the_plan
from tvm.ir import assert_structural_equal
from tvm.script import ir as I
from tvm.script import relax as R
from tvm.script import tirx as T

from memstow import planners
from memstow.errors import InvalidInputError
from memstow.planners import Effort, Problem
from memstow.tvm_ext.extract_program import extract_program
from memstow.tvm_ext.passes.apply_memory_plan import ApplyMemoryPlan


def plan_with(mod: tvm.IRModule, planner: str):
    program = extract_program(mod, UNIT)
    return planners.get(planner).plan(Problem(program, UNIT), Effort(1), seed=0)


def test_places_copies_and_waits():
    """The plan drawn in test_broken_plans.py. ``a`` has a slot of the slow arena, for it is read from slow memory."""

    @I.ir_module
    class Expected:
        @T.prim_func(private=True, s_tir=True)
        def double(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
            for i in range(64):
                with T.sblock("double"):
                    v = T.axis.spatial(64, i)
                    y[v] = x[v] * T.float32(2)

        @T.prim_func(private=True, s_tir=True)
        def add(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32"), z: T.Buffer((64,), "float32")):
            for i in range(64):
                with T.sblock("add"):
                    v = T.axis.spatial(64, i)
                    z[v] = x[v] + y[v]

        @R.function(pure=False)
        def main(x: R.Tensor((64,), "float32"), w: R.Tensor((64,), "float32")) -> R.Tensor((64,), "float32"):
            R.func_attr({"num_input": 1})
            cls = Expected
            memory = R.call_packed("memstow.runtime.context", 768, 256, 0, ty_args=(R.Any,))
            w_fast = R.call_packed(
                "memstow.runtime.view", memory, 1, 512, R.shape([64]), R.dtype("float32"),
                ty_args=(R.Tensor((64,), "float32"),),
            )  # fmt: skip
            R.call_packed("memstow.runtime.start", memory, 0, w, w_fast, ty_args=(R.Tuple,))
            a_fast = R.call_packed(
                "memstow.runtime.view", memory, 1, 0, R.shape([64]), R.dtype("float32"),
                ty_args=(R.Tensor((64,), "float32"),),
            )  # fmt: skip
            cls.double(x, a_fast)
            R.call_packed("memstow.runtime.wait", memory, 0, ty_args=(R.Tuple,))
            a_slow = R.call_packed(
                "memstow.runtime.view", memory, 0, 0, R.shape([64]), R.dtype("float32"),
                ty_args=(R.Tensor((64,), "float32"),),
            )  # fmt: skip
            R.call_packed("memstow.runtime.start", memory, 1, a_fast, a_slow, ty_args=(R.Tuple,))
            b_fast = R.call_packed(
                "memstow.runtime.view", memory, 1, 256, R.shape([64]), R.dtype("float32"),
                ty_args=(R.Tensor((64,), "float32"),),
            )  # fmt: skip
            cls.add(a_fast, w_fast, b_fast)
            R.call_packed("memstow.runtime.wait", memory, 1, ty_args=(R.Tuple,))
            cls.double(b_fast, a_fast)
            out = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
            cls.add(a_fast, a_slow, out)
            return out

    planned = ApplyMemoryPlan(the_plan(), UNIT)(Diamond)
    assert_structural_equal(planned["main"], Expected["main"], map_free_vars=True)


def test_all_slow_uses_the_slow_arena_alone():
    @I.ir_module
    class Before:
        @T.prim_func(private=True, s_tir=True)
        def double(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
            for i in range(64):
                with T.sblock("double"):
                    v = T.axis.spatial(64, i)
                    y[v] = x[v] * T.float32(2)

        @R.function(pure=False)
        def main(x: R.Tensor((64,), "float32")) -> R.Tensor((8, 8), "float32"):
            cls = Before
            a = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
            cls.double(x, a)
            renamed = a
            b = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
            cls.double(renamed, b)
            gv = R.reshape(b, R.shape([8, 8]))
            return gv

    @I.ir_module
    class Expected:
        @T.prim_func(private=True, s_tir=True)
        def double(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
            for i in range(64):
                with T.sblock("double"):
                    v = T.axis.spatial(64, i)
                    y[v] = x[v] * T.float32(2)

        @R.function(pure=False)
        def main(x: R.Tensor((64,), "float32")) -> R.Tensor((8, 8), "float32"):
            cls = Expected
            memory = R.call_packed("memstow.runtime.context", 0, 256, 0, ty_args=(R.Any,))
            a = R.call_packed(
                "memstow.runtime.view", memory, 0, 0, R.shape([64]), R.dtype("float32"),
                ty_args=(R.Tensor((64,), "float32"),),
            )  # fmt: skip
            cls.double(x, a)
            b = R.builtin.alloc_tensor(R.shape([64]), R.dtype("float32"), R.prim_value(0))
            cls.double(a, b)
            gv = R.reshape(b, R.shape([8, 8]))
            return gv

    planned = ApplyMemoryPlan(plan_with(Before, "all-slow"), UNIT)(Before)
    assert_structural_equal(planned["main"], Expected["main"], map_free_vars=True)


def test_checked_mode_poisons_what_begins_and_what_ends():
    planned = ApplyMemoryPlan(the_plan(), UNIT, checked=True)(Diamond)
    calls = [b.value for b in planned["main"].body.blocks[0].bindings if isinstance(b.value, tvm.ir.Call)]
    names = [str(c.op.global_symbol) for c in calls if isinstance(c.op, tvm.relax.ExternFunc)]
    # Begin and end of the allocations of a, b, c and w; begin and end of the slot of a; the output.
    assert names.count("memstow.runtime.poison") == 4 * 2 + 2 + 1
    assert int(calls[0].args[2]) == 1


@I.ir_module
class InPlace:
    """``b = 2 * x``, then ``b += 1`` in place, then ``y = 2 * b``."""

    @T.prim_func(private=True, s_tir=True)
    def double(x: T.Buffer((64,), "float32"), y: T.Buffer((64,), "float32")):
        for i in range(64):
            with T.sblock("double"):
                v = T.axis.spatial(64, i)
                y[v] = x[v] * T.float32(2)

    @T.prim_func(private=True, s_tir=True)
    def increment(x: T.Buffer((64,), "float32")):
        for i in range(64):
            with T.sblock("increment"):
                v = T.axis.spatial(64, i)
                x[v] = x[v] + T.float32(1)

    @R.function
    def main(x: R.Tensor((64,), "float32")) -> R.Tensor((64,), "float32"):
        cls = InPlace
        b = R.call_tir(cls.double, (x,), out_ty=R.Tensor((64,), "float32"))
        b1 = R.call_tir_inplace(cls.increment, (b,), inplace_indices=[0], out_ty=R.Tensor((64,), "float32"))
        y = R.call_tir(cls.double, (b1,), out_ty=R.Tensor((64,), "float32"))
        return y


def in_place_lowered() -> tvm.IRModule:
    passes = [tvm.relax.transform.RemovePurityChecking(), tvm.relax.transform.CallTIRRewrite()]
    return tvm.ir.transform.Sequential(passes)(InPlace)


@pytest.mark.parametrize("planner", all_planners())
def test_in_place_results_stay_in_their_tensor(planner):
    mod = in_place_lowered()
    plan = plan_with(mod, planner)
    planned = ApplyMemoryPlan(plan, UNIT, checked=True)(mod)
    (result,) = run(planned, [X])
    np.testing.assert_allclose(result, 2 * (2 * X + 1), rtol=1e-6)


@pytest.mark.parametrize("planner", all_planners())
@pytest.mark.parametrize("capacity", [0, 256, 512, 1 << 20])
def test_every_planner_and_capacity_gives_the_right_numbers(planner, capacity):
    accelerator = UNIT.with_capacity(capacity)
    problem = Problem(extract_program(Diamond, accelerator), accelerator)
    plan = planners.get(planner).plan(problem, Effort(1), seed=0)
    (result,) = run(ApplyMemoryPlan(plan, accelerator, checked=True)(Diamond), [X, W])
    np.testing.assert_allclose(result, diamond_of(X, W), rtol=1e-6)


def test_a_plan_for_another_program_is_refused():
    other = the_plan().model_copy(update={"program_fingerprint": "0" * 64})
    with pytest.raises(InvalidInputError, match="plan for program 000000000000: expected one for"):
        ApplyMemoryPlan(other, UNIT)(Diamond)
