"""Random problems that look like compiled networks: an architecture, sizes, an accelerator, its fast memory."""

from __future__ import annotations

from random import Random

from ....cost_model.splits import GENERATED_PREFIX
from ....errors import InvalidInputError, UnknownNameError
from ....planners import Problem
from .accelerators import MOST_DRAWS, draw_accelerator, draw_capacity, is_worthwhile
from .architectures import ARCHITECTURES, TRAINABLE
from .tape import Tape
from .training_step import STEPS_RATIO, add_training

_TRAINING = "_train"
#: Names of all kinds of generated programs.
KINDS = tuple(sorted([*ARCHITECTURES, *(name + _TRAINING for name in TRAINABLE)]))


def generate_problem(kind: str, instructions: int, seed: int) -> Problem:
    """A program of about that many instructions and an accelerator for it; the same for the same arguments.

    Raises:
        UnknownNameError: no architecture has that name; ``_train`` at its end asks for a training step of it.
        InvalidInputError: fewer instructions than one.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of program", kind, KINDS)
    if instructions < 1:
        raise InvalidInputError(f"{kind}: expected at least 1 instruction, found {instructions}")
    for draw in range(MOST_DRAWS):
        problem = _draw(kind, instructions, Random(f"{kind}/{instructions}#{seed}.{draw}"))
        if is_worthwhile(problem):
            break
    return problem


def _draw(kind: str, instructions: int, random: Random) -> Problem:
    tape = Tape(random, item_bytes=random.choice([1, 2, 2, 4, 4]), fusion=random.choice([0.0, 0.3, 0.6, 0.9]))
    trains = kind.endswith(_TRAINING)
    wished = max(1, round(instructions / STEPS_RATIO)) if trains else instructions
    result = ARCHITECTURES[kind.removesuffix(_TRAINING)](tape, wished)
    if trains:
        add_training(tape, result)
    accelerator = draw_accelerator(random, tape.steps)
    program = tape.to_program(GENERATED_PREFIX + kind, accelerator)
    return Problem(program, draw_capacity(random, program, accelerator))
