"""The learned cost model: an ensemble of gradient-boosted trees over the features of a kernel.

The members predict ``log(seconds / all_slow_seconds)``, and their mean is the model's answer. Further trees predict how
far off it is: the 0.8-quantile of the error in that logarithm, as found by cross-validation over whole programs.
A model is a folder: ``model.json`` says what it was trained on and how well it does, ``member0.ubj.gz`` and so on and
``error.ubj.gz`` are the trees in XGBoost's own binary JSON.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..accelerator import Accelerator
from ..errors import InvalidInputError
from ..extras import needed_for
from ..program import Program
from ..schema import Document, read_json
from .features import (
    FEATURES,
    FEATURES_VERSION,
    NAMES,
    Placements,
    Rows,
    all_slow_seconds,
    feature_rows,
    roofline_seconds,
)
from .kernel import KernelFacts
from .lattice import MAX_TENSORS, answers, asked_placements, every_placement, monotone, of_placements

if TYPE_CHECKING:
    import xgboost

    from .prices import LearnedPrices

Seconds = NDArray[np.float64]
#: Kernel, accelerator, placements of its tensors (rows, operands + results).
Query = tuple[KernelFacts, Accelerator, Placements]
_STATIC = np.array([not feature.placement for feature in FEATURES])


class Metrics(Document):
    """How well a model does on some samples; errors are fractions. See :mod:`memstow.cost_model.metrics`."""

    name: str
    source: str
    rows: int
    median_ape: float
    mean_ape: float
    roofline_median_ape: float
    kendall_tau: float | None = None
    top1_regret: float | None = None
    choice_regret: float | None = None
    linear_median_ape: float | None = None
    covered: float | None = None
    noise: float = 0.0


class ModelCard(Document):
    """``model.json``: what a model is.

    ``low`` and ``high`` bound every feature over the training samples. ``held_out`` are the metrics of a twin that was
    trained without the programs in ``test_programs``; the model itself saw all.
    """

    name: str
    source: str
    features_version: int
    features: tuple[str, ...]
    members: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    parameters: Mapping[str, float | int | str]
    rounds: int
    seed: int
    rows: int
    programs: tuple[str, ...]
    test_programs: tuple[str, ...]
    made_by: Mapping[str, str]
    held_out: tuple[Metrics, ...] = ()


class Prediction(NamedTuple):
    """Seconds of each row; the relative error that 80 % stay below; whether the trees were asked.

    ``uncertainty`` is NaN and ``learned`` false where a kernel is outside of what the model was trained on: the seconds
    are then the roofline's.
    """

    seconds: Seconds
    uncertainty: Seconds
    learned: NDArray[np.bool_]


@dataclass(frozen=True)
class LearnedModel:
    """A :class:`~memstow.cost_model.interface.CostModel` of trees."""

    card: ModelCard
    boosters: tuple[xgboost.Booster, ...]
    error: xgboost.Booster

    @property
    def name(self) -> str:
        """Of the folder that the model is in."""
        return self.card.name

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that predictions depend on."""
        digest = hashlib.sha256(self.card.model_dump_json().encode())
        for booster in self.boosters:
            digest.update(booster.save_raw("ubj"))
        return digest.hexdigest()

    def prices(self, program: Program, accelerator: Accelerator) -> LearnedPrices:
        """See :class:`~memstow.cost_model.interface.CostModel`."""
        from .prices import LearnedPrices

        return LearnedPrices(self, program, accelerator)

    def predict(self, queries: Sequence[Query]) -> Prediction:
        """Seconds of every placement of every kernel, one after another, in one batch.

        The trees are asked for all placements of a kernel with up to eight tensors, and what they say is made monotone:
        see :mod:`memstow.cost_model.lattice`.
        """
        asked = [(kernel, part, asked_placements(fast)) for kernel, part, fast in queries]
        rows = [feature_rows(*query) for query in asked]
        ends = np.cumsum([len(each) for each in rows])[:-1]
        together = np.concatenate(rows)
        logarithms, errors = (np.split(found, ends) for found in (self.logarithms(together), self.errors(together)))
        found = []
        for i, (kernel, part, fast) in enumerate(queries):
            if self._outside(rows[i][0]) is None:
                seconds = np.exp(answers(fast, logarithms[i])) * all_slow_seconds(kernel, part)
                found.append((seconds, np.expm1(of_placements(fast, errors[i])), np.ones(len(fast), dtype=bool)))
            else:
                unknown = np.full(len(fast), np.nan), np.zeros(len(fast), dtype=bool)
                found.append((roofline_seconds(kernel, part, fast), *unknown))
        return Prediction(*(np.concatenate(column) for column in zip(*found, strict=True)))

    def lattice(self, kernels: Sequence[KernelFacts], accelerator: Accelerator) -> list[Seconds | str]:
        """Seconds of each kernel by mask of fast tensors (2^tensors), or why it is outside of what was trained on.

        A kernel with more than eight tensors has an empty one.
        """
        tensors = [len(kernel.operands) + len(kernel.results) for kernel in kernels]
        asked = [every_placement(n) if n <= MAX_TENSORS else np.zeros((1, n), dtype=bool) for n in tensors]
        rows = [feature_rows(kernel, accelerator, fast) for kernel, fast in zip(kernels, asked, strict=True)]
        if not rows:
            return []
        logarithms = np.split(self.logarithms(np.concatenate(rows)), np.cumsum([len(each) for each in rows])[:-1])
        return [
            self._outside(row[0])
            or (np.exp(monotone(found)) * all_slow_seconds(kernel, accelerator) if n <= MAX_TENSORS else np.empty(0))
            for kernel, n, row, found in zip(kernels, tensors, rows, logarithms, strict=True)
        ]

    def _outside(self, row: Rows) -> str | None:
        """The first feature by which a row is outside of what the model was trained on."""
        outside = _STATIC & ((row < self._low) | (row > self._high))
        if not outside.any():
            return None
        column = int(np.argmax(outside))
        low, high = self.card.low[column], self.card.high[column]
        return f"{NAMES[column]} is {row[column]:.4g}, trained on {low:.4g} to {high:.4g}"

    def logarithms(self, rows: Rows) -> Seconds:
        """``log(seconds / all_slow_seconds)`` of each row of features, wherever it is."""
        members = np.stack([booster.inplace_predict(rows) for booster in self.boosters])
        return np.asarray(members.mean(axis=0, dtype=np.float64))

    def errors(self, rows: Rows) -> Seconds:
        """The error in that logarithm that 80 % stay below."""
        return np.maximum(self.error.inplace_predict(rows).astype(np.float64), 0.0)

    def is_known(self, rows: Rows) -> NDArray[np.bool_]:
        """Whether each row is within what the model was trained on."""
        return np.asarray(((rows >= self._low) & (rows <= self._high) | ~_STATIC).all(axis=1))

    @cached_property
    def _low(self) -> Rows:
        return np.array(self.card.low, dtype=np.float32) - _TOLERANCE

    @cached_property
    def _high(self) -> Rows:
        return np.array(self.card.high, dtype=np.float32) + _TOLERANCE

    def save(self, folder: Path) -> None:
        """Write the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        trees = {f"member{i}": booster for i, booster in enumerate(self.boosters)} | {"error": self.error}
        for name, booster in trees.items():
            (folder / f"{name}.ubj.gz").write_bytes(gzip.compress(bytes(booster.save_raw("ubj")), mtime=0))
        self.card.save(folder / "model.json")


#: How far beyond the training samples a feature may be: a factor of four for amounts, nearly nothing for others. Times
#: are predicted relative to the roofline's, and large kernels are alike in that.
_TOLERANCE = np.array([2.0 if feature.unit.startswith("log2") else 0.01 for feature in FEATURES], dtype=np.float32)


def load_model(folder: Path) -> LearnedModel:
    """Read a model's folder.

    Raises:
        InvalidInputError: a file is absent or damaged, or the model was trained with other features.
    """
    card = ModelCard.parse(_card_data(folder), where=f"{folder}/model.json")
    if card.features_version != FEATURES_VERSION or card.features != NAMES:
        raise InvalidInputError(
            f"cost model {card.name!r}: expected features of version {FEATURES_VERSION}, found version "
            f"{card.features_version}; train it anew: memstow cost-model train"
        )
    members = tuple(_read_trees(folder / f"member{i}.ubj.gz") for i in range(card.members))
    return LearnedModel(card, members, _read_trees(folder / "error.ubj.gz"))


def _read_trees(path: Path) -> xgboost.Booster:
    with needed_for("learned cost models", "xgboost", "learned"):
        import xgboost
    booster = xgboost.Booster()
    try:
        booster.load_model(bytearray(gzip.decompress(path.read_bytes())))
    except (OSError, EOFError, ValueError, zlib.error, xgboost.core.XGBoostError) as error:
        found = (str(error) or type(error).__name__).splitlines()[0]
        raise InvalidInputError(f"{path}: expected trees of XGBoost, found: {found}; install memstow anew") from None
    if booster.num_features() != len(NAMES):
        raise InvalidInputError(f"{path}: expected trees over {len(NAMES)} features, found {booster.num_features()}")
    return booster


def _card_data(folder: Path) -> object:
    data = read_json(folder / "model.json")
    version = data.get("features_version") if isinstance(data, dict) else None
    if isinstance(version, int) and version != FEATURES_VERSION:
        raise InvalidInputError(
            f"{folder}/model.json: expected features of version {FEATURES_VERSION}, found version {version}; "
            "train the model anew: memstow cost-model train"
        )
    return data
