"""Random problems that look like compiled networks: an architecture, sizes, an accelerator, an amount of fast memory."""

from __future__ import annotations

from random import Random

from ....cost_model.splits import GENERATED_PREFIX
from ....errors import UnknownNameError
from ....planners import Problem
from .accelerators import draw_accelerator, draw_capacity
from .architectures import ARCHITECTURES, TRAINABLE, log_uniform
from .tape import Tape
from .training_step import STEPS_RATIO, add_training

_TRAINING = "_train"
#: Names of all kinds of generated programs.
KINDS = tuple(sorted([*ARCHITECTURES, *(name + _TRAINING for name in TRAINABLE)]))


def generate_problem(kind: str, instructions: int, seed: int) -> Problem:
    """A program of about that many instructions and an accelerator for it; the same for the same arguments.

    Raises:
        UnknownNameError: no architecture has that name; ``_train`` at its end asks for a training step of it.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of program", kind, KINDS)
    random = Random(f"{kind}:{instructions}:{seed}")
    tape = Tape(random, item_bytes=random.choice([1, 2, 2, 4, 4]), fusion=random.choice([0.0, 0.3, 0.6, 0.9]))
    trains = kind.endswith(_TRAINING)
    result = ARCHITECTURES[kind.removesuffix(_TRAINING)](tape, round(instructions / STEPS_RATIO) if trains else instructions)
    if trains:
        add_training(tape, result)
    accelerator = draw_accelerator(random, tape.steps)
    program = tape.to_program(GENERATED_PREFIX + kind, accelerator, efficiency=log_uniform(random, 0.3, 1.0))
    return Problem(program, draw_capacity(random, program, accelerator))
