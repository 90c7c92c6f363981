"""Problems that the tests of the game share."""

from __future__ import annotations

from random import Random

from random_plans import random_accelerator, random_program
from small_problems import part, problem

from memstow.accelerator import Accelerator
from memstow.planners import Problem
from memstow.program import Program


def scarce_accelerator(random: Random) -> Accelerator:
    """A random part whose fast memory holds a few buffers, some with limits on open copies."""
    part = random_accelerator(random)
    memory = part.fast_memory.model_copy(
        update={"capacity_bytes": random.choice([12, 20, 33, 50, 80]), "alignment_bytes": random.choice([1, 1, 4])}
    )
    limits = {
        "max_outstanding_prefetches": random.choice([None, None, 1, 2]),
        "max_outstanding_evictions": random.choice([None, None, 1, 2]),
    }
    return part.model_copy(update={"fast_memory": memory, "dma": part.dma.model_copy(update=limits)})


def random_problem(seed: int, longest: int) -> tuple[Problem, list[int]]:
    """A random problem and up to two storages that may be prefetched before its program."""
    random = Random(seed)
    program, accelerator = random_program(random, random.randint(1, longest)), scarce_accelerator(random)
    candidates = [s.index for s in program.storages if _may_cross(program, s.index, accelerator.capacity)]
    chosen = random.sample(candidates, min(len(candidates), random.choice([0, 0, 1, 2])))
    return Problem(program, accelerator), chosen


def _may_cross(program: Program, index: int, capacity: int) -> bool:
    storage = program.storages[index]
    touched = any(count for _, _, count in storage.reads + storage.writes)
    return storage.born_slow and not storage.pinned_slow and 0 < storage.size_bytes <= capacity and touched


def unit_problem() -> Problem:
    """Two layers on unit hardware with room for 8 bytes: weights w and v, an activation x, and an output y."""
    return problem(
        part(8),
        {"a": ("input", 4), "w": ("parameter", 4), "x": ("intermediate", 4), "v": ("parameter", 4), "y": ("output", 4)},
        [(20.0, ["a"], ["x"]), (0.0, ["w", "x"], []), (9.0, ["v"], []), (0.0, ["v", "x"], ["y"]), (6.0, ["w"], [])],
    )
