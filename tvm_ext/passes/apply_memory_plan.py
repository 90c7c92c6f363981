"""``ApplyMemoryPlan``: every tensor at its place in one of two arenas, every copy started and awaited.

Takes the place of ``StaticPlanBlockMemory``: after ``CallTIRRewrite``, before ``LowerAllocTensor``.
"""

from __future__ import annotations

import tvm
from tvm import relax

from ...accelerator import Accelerator
from ...errors import InfeasiblePlanError, InvalidInputError
from ...plan import MemoryPlan
from ...validator import validate
from ..extract_program import program_of
from ..lowered_function import RESIDENT_ORIGINS, LoweredFunction, read_function
from ..placement import place
from ..rewriter import rewrite


@tvm.ir.transform.module_pass(opt_level=0, name="ApplyMemoryPlan")
class ApplyMemoryPlan:
    """Rewrite one function for a plan.

    Args:
        plan: made for ``extract_program`` of the same module and accelerator.
        accelerator: the plan's; its capacity bounds the fast arena.
        function: name of the Relax function.
        checked: poison freed, unwritten and in-flight memory, so that a wrong plan gives wrong numbers at once.
        verify: refuse a plan that breaks a rule. Turn off only to show what a checked run does with a wrong plan.
    """

    def __init__(
        self,
        plan: MemoryPlan,
        accelerator: Accelerator,
        *,
        function: str = "main",
        checked: bool = False,
        verify: bool = True,
    ) -> None:
        self.plan = plan
        self.accelerator = accelerator
        self.function = function
        self.checked = checked
        self.verify = verify

    def transform_module(self, mod: tvm.IRModule, _ctx: tvm.ir.transform.PassContext) -> tvm.IRModule:
        """Return the module with the planned function.

        Raises:
            InvalidInputError: the plan was made for another program.
            InfeasiblePlanError: the plan breaks a rule.
        """
        lowered = read_function(mod, self.function)
        program = program_of(lowered, self.accelerator, name=self.function, source="tvm.relax")
        if self.plan.program_fingerprint != program.fingerprint:
            raise InvalidInputError(
                f"plan for program {self.plan.program_fingerprint[:12]}: expected one for {program.fingerprint[:12]}; "
                "plan the module that you apply the plan to, for the same accelerator"
            )
        if self.verify:
            violations = validate(program, self.accelerator, self.plan)
            if violations:
                text = "; ".join(violation.message for violation in violations[:3])
                raise InfeasiblePlanError(f"{len(violations)} violations, the plan is not applied: {text}")
        placement = place(program, self.plan, _external_storages(lowered, program.storage_of))
        mod = mod.clone()
        mod[mod.get_global_var(self.function)] = rewrite(lowered, placement, checked=self.checked)
        return relax.transform.Normalize()(mod)


def _external_storages(lowered: LoweredFunction, storage_of: dict[int, int]) -> set[int]:
    """Program storages whose slow home is a tensor of its own: resident ones, outputs, results of external calls."""
    own = {
        tensor.storage
        for tensor in lowered.tensors
        if tensor.origin in RESIDENT_ORIGINS or tensor.origin == "call" or tensor.storage in lowered.output_storages
    }
    return {storage_of[t.index] for t in lowered.tensors if t.storage in own and t.index in storage_of}
