"""A cost model of a few trees trained on the spot, and a program most of whose kernels it knows."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import xgboost

from memstow.accelerator import Accelerator
from memstow.cost_model.features import FEATURES_VERSION, NAMES, all_slow_seconds, feature_rows, roofline_seconds
from memstow.cost_model.kernel import KernelFacts, TensorFacts
from memstow.cost_model.learned import LearnedModel, ModelCard
from memstow.cost_model.prices import LearnedPrices
from memstow.planners import Problem
from memstow.program import Buffer, Instruction, Operand, Program

from .small_problems import part

#: Elements of the tensors of the kernels that the model knows.
EXTENTS = (256, 512, 1024)
#: Operands of the widest kernel that it knows: more tensors than the core prices in all placements.
WIDEST = 10
#: Fast memory of 4 bytes/s for most of the chain's tensors, slow memory of 1 byte/s, copies in no time to speak of.
PART = part(12288)
#: How far beyond the samples, as a power of two, a feature may be.
MARGIN = 2.5


def kernel(elements: int, operands: int) -> KernelFacts:
    tensor = TensorFacts(size_bytes=4 * elements, bytes_accessed=4 * elements, dtype="f32", shape=(elements,))
    work = float(elements * operands)
    return KernelFacts(
        op_class="elementwise", dtype="f32", elementwise=work, operands=(tensor,) * operands, results=(tensor,)
    )


def program(*, accelerator: str | None = None, steps: int = 12, strangers: int = 3, wide: bool = False) -> Program:
    """A chain of kernels, each of which reads what the one before made, and weights. All tensors of one are alike.

    The first ``strangers`` say nothing of their kernel; ``wide``: one in the middle reads ``WIDEST - 1`` weights.
    """
    extents = [EXTENTS[t % len(EXTENTS)] for t in range(steps)]
    weights = [WIDEST - 1 if wide and t == steps // 2 else 1 + t % 2 for t in range(steps)]
    buffers: list[Buffer] = []

    def add(kind: str, size: int, made: int, used: list[int]) -> Operand:
        number = len(buffers)
        data = {"id": number, "name": f"{kind}{number}", "size_bytes": size, "kind": kind}
        buffers.append(Buffer.model_validate({**data, "definition_time": made, "use_times": used}))
        return Operand(buffer=number, bytes_accessed=size)

    ends = [add("input", 4 * extents[0], -1, [0])]
    for t, extent in enumerate(extents):
        last = t + 1 == steps
        ends.append(add("output" if last else "intermediate", 4 * extent, t, [] if last else [t + 1]))
    instructions = []
    for t, (before, after) in enumerate(pairwise(ends)):
        operands = (before, *(add("parameter", 4 * extents[t], -1, [t]) for _ in range(weights[t])))
        facts = kernel(extents[t], len(operands))
        instructions.append(
            Instruction(
                name=f"step{t}",
                compute_seconds=0.5 * facts.elementwise,
                operands=operands,
                results=(after,),
                cost_features={} if t < strangers else facts.to_cost_features(),
            )
        )
    return Program(name="chain", accelerator=accelerator, instructions=tuple(instructions), buffers=tuple(buffers))


@cache
def model(name: str = "tiny", seed: int = 0) -> LearnedModel:
    """Two members that know elementwise kernels of up to ``WIDEST`` operands on :data:`PART` and its like."""
    random = np.random.default_rng(seed)
    rows, targets = [], []
    for extent in EXTENTS:
        for operands in range(1, WIDEST + 1):
            facts = kernel(extent, operands)
            fast = random.random((24, operands + 1)) < random.random((24, 1))
            rows.append(feature_rows(facts, PART, fast))
            skewed = roofline_seconds(facts, PART, fast) * (1.0 + 0.2 * fast[:, 0] + 0.1 * random.random(24))
            targets.append(np.log(skewed / all_slow_seconds(facts, PART)))
    return _trained(name, seed, np.concatenate(rows), np.concatenate(targets))


def _trained(name: str, seed: int, rows: np.ndarray, targets: np.ndarray) -> LearnedModel:
    parameters = {"max_depth": 4, "eta": 0.3, "subsample": 0.8, "nthread": 1}
    boosters = tuple(
        xgboost.train({**parameters, "seed": 7 * seed + member}, xgboost.DMatrix(rows, targets), num_boost_round=15)
        for member in range(2)
    )
    card = ModelCard(
        name=name,
        source="by hand",
        features_version=FEATURES_VERSION,
        features=NAMES,
        members=len(boosters),
        low=tuple((rows.min(axis=0) - MARGIN).tolist()),
        high=tuple((rows.max(axis=0) + MARGIN).tolist()),
        parameters=parameters,
        rounds=15,
        seed=seed,
        rows=len(rows),
        programs=("chain",),
        test_programs=(),
        made_by={},
    )
    error = xgboost.train({**parameters, "seed": 7 * seed}, xgboost.DMatrix(rows, np.abs(targets) / 10.0), 5)
    return LearnedModel(card, boosters, error)


def save(folder: Path, name: str = "tiny", seed: int = 0) -> Path:
    """The model's folder."""
    model(name, seed).save(folder)
    return folder


def problem(accelerator: Accelerator = PART, *, wide: bool = False, strangers: int = 3) -> Problem:
    """The chain, priced by the model."""
    chain = program(wide=wide, strangers=strangers)
    return Problem(chain, accelerator, LearnedPrices(model(), chain, accelerator))
