"""Trained models judged on samples, and asked about single kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..accelerator import Accelerator
from ..errors import InvalidInputError
from ..program import Program
from ..timing import Roofline
from .dataset import build_dataset
from .interface import CostModel
from .learned import LearnedModel, Metrics
from .samples import SampleSet
from .training import judge_groups


def held_out(model: LearnedModel) -> list[Metrics]:
    """What training found on programs that it had kept apart; names begin with the model's."""
    return [_named(model, metrics) for metrics in model.card.held_out]


def evaluate(model: LearnedModel, samples: SampleSet, on_remark: Callable[[str], None]) -> list[Metrics]:
    """Metrics on samples: all of them, then groups of them.

    ``on_remark`` is told of programs that the model was trained on, and of kernels that it leaves to the roofline.
    """
    data = build_dataset(samples)
    seen = sorted(set(data.program.tolist()) & set(model.card.programs))
    if seen and samples.source == model.card.source:
        on_remark(
            f"cost model {model.name!r} was trained on programs of these names: {', '.join(seen)}; "
            "if they are the same, its errors on other programs are larger"
        )
    unknown = int((~model.is_known(data.rows)).sum())
    if unknown:
        on_remark(f"{unknown} of {len(data)} samples are outside of what it was trained on: the roofline's prices")
    return [_named(model, metrics) for metrics in judge_groups(model, None, samples, data)]


def _named(model: LearnedModel, metrics: Metrics) -> Metrics:
    return metrics.model_copy(update={"name": f"{model.name}: {metrics.name}"})


class KernelPrices(NamedTuple):
    """One kernel: seconds with everything in slow and in fast memory, by the model and by the roofline.

    ``uncertainty`` is the relative error that 80 % stay below, ``remark`` why the kernel was left to the roofline.
    """

    name: str
    op_class: str
    slow_seconds: float
    fast_seconds: float
    roofline_slow_seconds: float
    roofline_fast_seconds: float
    uncertainty: float | None
    remark: str


def predict_kernels(model: CostModel, program: Program, accelerator: Accelerator) -> list[KernelPrices]:
    """Prices of every instruction of a program.

    Raises:
        InvalidInputError: the model is not a learned one.
    """
    if not isinstance(model, LearnedModel):
        raise InvalidInputError(f"cost model {model.name!r}: expected a trained model, found none; pass its name")
    prices, roofline = model.prices(program, accelerator), Roofline(program, accelerator)
    ends = [
        tuple((t, [place] * len(step.operands), [place] * len(step.results)) for place in (False, True))
        for t, step in enumerate(program.instructions)
    ]
    uncertainties = prices.uncertainty_of([query for both in ends for query in both]).reshape(-1, 2).max(axis=1)
    found = []
    for t, (step, (slow, fast)) in enumerate(zip(program.instructions, ends, strict=True)):
        uncertainty = float(uncertainties[t])
        found.append(
            KernelPrices(
                step.name,
                str(step.cost_features.get("op_class", step.opcode)),
                prices.seconds(*slow),
                prices.seconds(*fast),
                roofline.seconds(*slow),
                roofline.seconds(*fast),
                None if np.isnan(uncertainty) else uncertainty,
                prices.fallbacks.get(t, ""),
            )
        )
    return found
