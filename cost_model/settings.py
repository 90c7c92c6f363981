"""Hyperparameters by source, found on training programs; ``memstow cost-model train --trials`` begins with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class TrainingSettings:
    """XGBoost's parameters, rounds of boosting, members of the ensemble, which differ by seed; 0 threads: all cores.

    ``folds`` are those of the cross-validation.
    """

    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    rounds: int = 600
    members: int = 2
    folds: int = 5
    seed: int = 0
    threads: int = 0


_COMMON = {"subsample": 0.8, "max_bin": 128}
SETTINGS: Mapping[str, TrainingSettings] = {
    "vela": TrainingSettings(
        {
            **_COMMON,
            "subsample": 0.805,
            "max_depth": 10,
            "eta": 0.0692,
            "min_child_weight": 18,
            "colsample_bytree": 0.849,
            "reg_lambda": 0.275,
        },
        rounds=450,
        members=1,
        folds=2,
    ),
    "tpu": TrainingSettings(
        {
            **_COMMON,
            "subsample": 0.994,
            "max_depth": 6,
            "eta": 0.0689,
            "min_child_weight": 5,
            "colsample_bytree": 0.282,
            "reg_lambda": 0.262,
        },
        rounds=350,
        members=3,
    ),
    "host": TrainingSettings(
        {
            **_COMMON,
            "subsample": 0.731,
            "max_depth": 10,
            "eta": 0.137,
            "min_child_weight": 28,
            "colsample_bytree": 0.824,
            "reg_lambda": 0.172,
        },
        rounds=400,
        members=3,
    ),
}


def settings_for(source: str, *, rounds: int | None, members: int | None, seed: int) -> TrainingSettings:
    """The settings of a source (of an unknown one, the host's) with what is given in their place."""
    found = replace(SETTINGS.get(source, SETTINGS["host"]), seed=seed)
    if rounds is not None:
        found = replace(found, rounds=rounds)
    return found if members is None else replace(found, members=members)
