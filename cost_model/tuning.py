"""Hyperparameters by Optuna: cross-validated over whole programs, the test programs left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..extras import needed_for
from .dataset import Dataset, build_dataset
from .samples import SampleSet
from .settings import TrainingSettings
from .splits import train_and_test
from .training import cross_validate

if TYPE_CHECKING:
    import optuna

#: Told the trial's number, how many there are, and the least median error so far.
OnTrial = Callable[[int, int, float], None]
_FOLDS = 3
_ROUNDS, _ROWS = 300, 60_000


def tune(samples: SampleSet, settings: TrainingSettings, trials: int, on_trial: OnTrial) -> TrainingSettings:
    """The settings with the least median error of all trials; the first trial has the given ones.

    Raises:
        MissingPackageError: Optuna is not installed.
        InvalidInputError: there are too few programs.
    """
    with needed_for("--trials", "optuna", "train"):
        import optuna
    data = build_dataset(samples)
    known = _some_kernels(data.where(train_and_test(data)[0]), settings.seed)
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: optuna.Trial) -> float:
        found, judged = cross_validate(known, _suggested(trial, settings), lambda i, n: None)
        return float(np.median(np.abs(np.expm1(found - known.target)[judged])))

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        on_trial(trial.number + 1, trials, study.best_value)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=settings.seed))
    study.enqueue_trial({name: value for name, value in settings.parameters.items() if name in _RANGES})
    study.optimize(objective, n_trials=trials, callbacks=[after])
    return replace(settings, parameters={**settings.parameters, **study.best_params})


def _some_kernels(data: Dataset, seed: int) -> Dataset:
    """About :data:`_ROWS` rows, with all placements of their kernels."""
    if len(data) <= _ROWS:
        return data
    kernels = np.unique(data.kernel)
    chosen = np.random.default_rng(seed).choice(kernels, int(len(kernels) * _ROWS / len(data)), replace=False)
    return data.where(np.isin(data.kernel, chosen))


#: Parameter: least, most, whether its logarithm is drawn.
_RANGES: dict[str, tuple[float, float, bool]] = {
    "max_depth": (4, 10, False),
    "min_child_weight": (1, 30, True),
    "eta": (0.03, 0.2, True),
    "subsample": (0.5, 1.0, False),
    "colsample_bytree": (0.2, 1.0, False),
    "reg_lambda": (0.1, 10.0, True),
}


def _suggested(trial: optuna.Trial, settings: TrainingSettings) -> TrainingSettings:
    drawn: dict[str, float | int] = {}
    for name, (low, high, log) in _RANGES.items():
        if name in ("max_depth", "min_child_weight"):
            drawn[name] = trial.suggest_int(name, int(low), int(high), log=log)
        else:
            drawn[name] = trial.suggest_float(name, low, high, log=log)
    few = min(_ROUNDS, settings.rounds)
    return replace(settings, parameters={**settings.parameters, **drawn}, folds=_FOLDS, rounds=few)
