"""Training of a learned cost model on the samples of one source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InvalidInputError
from ..extras import needed_for
from .baseline import fit_linear
from .dataset import Dataset, Mask, Reals, build_dataset
from .features import FEATURES_VERSION, NAMES
from .kernel import KernelFacts
from .learned import LearnedModel, Metrics, ModelCard
from .metrics import judge
from .samples import SampleSet
from .settings import TrainingSettings
from .sources.tpu import REACTING_CLASSES
from .splits import folds, harder_splits, is_test_program, train_and_test

if TYPE_CHECKING:
    import xgboost

Progress = Callable[[str, int, int], None]
#: The trees that predict the error: few and small, as their labels are noisy.
_ERROR_PARAMETERS: Mapping[str, float | int | str] = {
    "objective": "reg:quantileerror",
    "quantile_alpha": 0.8,
    "max_depth": 5,
    "eta": 0.05,
}
_ERROR_ROUNDS = 120


@dataclass(frozen=True)
class Trained:
    """The model to ship, which saw all samples, and its twin without the test programs, which gave its metrics."""

    model: LearnedModel
    twin: LearnedModel


def train(name: str, samples: SampleSet, settings: TrainingSettings, on_progress: Progress) -> Trained:
    """Judge on test programs a model trained without them, then train on everything.

    Args:
        name: of the model.
        samples: of one source.
        settings: chosen without a look at the test programs.
        on_progress: told ``(what is trained, members done, members)``.

    Raises:
        InvalidInputError: no program to train on, or none to judge on.
    """
    data = build_dataset(samples)
    training, testing = train_and_test(data)
    known = data.where(training)
    found, judged = cross_validate(known, settings, lambda i, n: on_progress("cross-validation", i, n))
    errors = np.abs(found - known.target)[judged]
    error = _boost(known.where(judged), errors, _ERROR_PARAMETERS, _ERROR_ROUNDS, settings)
    members = _fit_members(known, settings, lambda i, n: on_progress("twin without the test programs", i, n))
    twin = LearnedModel(_card(name, samples, known, settings), members, error)
    held_out = (
        *judge_groups(twin, known, _some(samples, testing), data.where(testing)),
        *judge_harder_splits(data, settings, samples.source),
        _judge_folds(data, settings, samples.source, lambda i, n: on_progress("folds of all programs", i, n)),
    )
    members = _fit_members(data, settings, lambda i, n: on_progress("model of all programs", i, n))
    model = LearnedModel(_card(name, samples, data, settings), members, error)
    return Trained(_with_metrics(model, held_out), _with_metrics(twin, held_out))


def _judge_folds(
    data: Dataset, settings: TrainingSettings, source: str, on_fold: Callable[[int, int], None]
) -> Metrics:
    """One member's metrics where every program is judged once, by one that was trained without its family."""
    found, judged = cross_validate(data, settings, on_fold)
    rows = data.where(judged)
    return judge("every program in turn", source, rows, np.exp(found[judged]) * rows.unit)


def judge_harder_splits(data: Dataset, settings: TrainingSettings, source: str) -> Iterator[Metrics]:
    """One member's metrics where not only the program is unseen."""
    for name, training, testing in harder_splits(data):
        if training.any() and testing.any():
            booster, rows = fit_member(data.where(training), settings, settings.seed), data.where(testing)
            yield judge(name, source, rows, np.exp(booster.inplace_predict(rows.rows)) * rows.unit)


def _with_metrics(model: LearnedModel, metrics: tuple[Metrics, ...]) -> LearnedModel:
    return replace(model, card=model.card.model_copy(update={"held_out": metrics}))


def _fit_members(
    data: Dataset, settings: TrainingSettings, on_member: Callable[[int, int], None]
) -> tuple[xgboost.Booster, ...]:
    members = []
    for i in range(settings.members):
        on_member(i, settings.members)
        members.append(fit_member(data, settings, settings.seed + i))
    on_member(settings.members, settings.members)
    return tuple(members)


def cross_validate(
    data: Dataset, settings: TrainingSettings, on_fold: Callable[[int, int], None]
) -> tuple[Reals, Mask]:
    """What a member predicts of programs that it was not trained on, and the rows for which there is that."""
    found, judged = np.zeros(len(data)), np.zeros(len(data), dtype=bool)
    for i, (training, testing) in enumerate(folds(data, settings.folds)):
        on_fold(i, settings.folds)
        if training.any() and testing.any():
            booster = fit_member(data.where(training), settings, settings.seed)
            found[testing] = booster.inplace_predict(data.rows[testing])
            judged |= testing
    on_fold(settings.folds, settings.folds)
    if not judged.any():
        programs = ", ".join(sorted(set(data.program.tolist())))
        raise InvalidInputError(
            f"samples of {programs}: expected two families of programs at least, so that one is judged by a model of "
            "the other; collect those of more models"
        )
    return found, judged


def fit_member(data: Dataset, settings: TrainingSettings, seed: int) -> xgboost.Booster:
    """One member of the ensemble."""
    parameters = {"objective": "reg:absoluteerror", **settings.parameters}
    return _boost(data, data.target, {**parameters, "seed": seed}, settings.rounds, settings)


def _boost(
    data: Dataset, target: Reals, parameters: Mapping[str, float | int | str], rounds: int, settings: TrainingSettings
) -> xgboost.Booster:
    with needed_for("training of cost models", "xgboost", "learned"):
        import xgboost
    bins = int(parameters.get("max_bin", 256))
    matrix = xgboost.QuantileDMatrix(data.rows, target, max_bin=bins)
    fixed = {"tree_method": "hist", "max_bin": bins, "nthread": settings.threads}
    return xgboost.train({**parameters, **fixed}, matrix, rounds)


def _card(name: str, samples: SampleSet, data: Dataset, settings: TrainingSettings) -> ModelCard:
    programs = sorted(set(data.program.tolist()))
    return ModelCard(
        name=name,
        source=samples.source,
        features_version=FEATURES_VERSION,
        features=NAMES,
        members=settings.members,
        low=tuple(data.rows.min(axis=0).tolist()),
        high=tuple(data.rows.max(axis=0).tolist()),
        parameters=settings.parameters,
        rounds=settings.rounds,
        seed=settings.seed,
        rows=len(data),
        programs=tuple(programs),
        test_programs=tuple(sorted({s.program for s in samples.samples if is_test_program(s.program)})),
        made_by=samples.provenance.made_by,
    )


def judge_groups(model: LearnedModel, known: Dataset | None, samples: SampleSet, data: Dataset) -> Iterator[Metrics]:
    """Metrics of all samples, then of parts that differ in kind.

    Args:
        model: predicts, with its fallback to the roofline.
        known: rows for the linear baseline to fit, where it is wanted.
        samples: to judge on.
        data: the same as arrays.
    """
    predicted = predicted_seconds(model, samples)
    linear = None if known is None else fit_linear(known).predict(data)
    within = np.abs(np.log(predicted / data.seconds)) <= model.errors(data.rows)
    for group, rows in _parts(data, samples.source):
        if rows.any():
            part = None if linear is None else linear[rows]
            found = judge(group, samples.source, data.where(rows), predicted[rows], part)
            yield found.model_copy(update={"covered": float(within[rows].mean())})


def predicted_seconds(model: LearnedModel, samples: SampleSet) -> Reals:
    """What the model says of each sample, in their order."""
    cases: dict[tuple[str, KernelFacts], list[int]] = defaultdict(list)
    for i, sample in enumerate(samples.samples):
        cases[sample.accelerator, sample.kernel].append(i)
    parts = samples.provenance.accelerators
    queries = [
        (kernel, parts[name], np.array([samples.samples[i].fast for i in members], dtype=bool))
        for (name, kernel), members in cases.items()
    ]
    found = np.empty(len(samples.samples))
    found[[i for members in cases.values() for i in members]] = model.predict(queries).seconds
    return found


def _some(samples: SampleSet, chosen: Mask) -> SampleSet:
    return replace(samples, samples=tuple(samples.samples[i] for i in np.flatnonzero(chosen)))


def _parts(data: Dataset, source: str) -> Iterator[tuple[str, Mask]]:
    yield "all", np.ones(len(data), dtype=bool)
    if source == "tpu":
        reacting = np.isin(data.op_class, REACTING_CLASSES)
        yield "reacting to placement", reacting
        yield "others", ~reacting
    for op_class in sorted(set(data.op_class.tolist())):
        yield op_class, data.op_class == op_class
    for size in sorted(set(data.size_class.tolist())):
        yield f"size {size}", data.size_class == size
    parts = np.array(["-".join(name.split("-")[:2]) for name in data.accelerator])
    for part in sorted(set(parts.tolist())):
        yield f"on {part}", parts == part  # ethos-u55-128-deep_embedded is a variant of ethos-u55
