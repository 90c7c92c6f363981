"""A program's compute times for another accelerator."""

from __future__ import annotations

from .accelerator import Accelerator
from .program import Instruction, Program


def retarget(program: Program, accelerator: Accelerator) -> Program:
    """The program with ``compute_seconds`` for the peaks of ``accelerator``.

    Needs the cost features ``dtype`` (a name) and ``matrix_flops``; an instruction without both (one of a foreign
    compiler's dump, say) keeps its time.
    """
    return Program(
        name=program.name,
        source=program.source,
        accelerator=accelerator.name,
        instructions=tuple(_retarget(step, accelerator) for step in program.instructions),
        buffers=program.buffers,
    )


def _retarget(step: Instruction, accelerator: Accelerator) -> Instruction:
    dtype, matrix_flops = step.cost_features.get("dtype"), step.cost_features.get("matrix_flops")
    if not isinstance(dtype, str) or not isinstance(matrix_flops, float):
        return step
    seconds = accelerator.compute_seconds(dtype, matrix_flops, max(0.0, step.flops - matrix_flops))
    return step.model_copy(update={"compute_seconds": seconds})
