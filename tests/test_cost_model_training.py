"""Samples as arrays, splits by program, metrics, baselines, training: on samples whose seconds are known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from memstow.accelerator import load_accelerator
from memstow.cost_model.baseline import fit_linear
from memstow.cost_model.collection import collect, parts_folder
from memstow.cost_model.dataset import build_dataset
from memstow.cost_model.evaluation import evaluate, held_out
from memstow.cost_model.features import feature_rows
from memstow.cost_model.kernel import KernelFacts, TensorFacts
from memstow.cost_model.learned import load_model
from memstow.cost_model.metrics import judge, kendall_tau, top1_regret
from memstow.cost_model.samples import Provenance, Sample, SampleSet
from memstow.cost_model.settings import TrainingSettings, settings_for
from memstow.cost_model.splits import family_of, folds, is_test_program, train_and_test
from memstow.cost_model.training import train
from memstow.cost_model.tuning import tune
from memstow.errors import InvalidInputError, UnknownNameError

PART = load_accelerator("ethos_u65")
#: ``gpt2``, ``mobilenet`` and ``whisper`` are test families, by the checksum of their names.
PROGRAMS = ("bert", "dlrm", "moe", "vit", "unet", "gpt2", "mobilenet_v2")
SMALL = TrainingSettings({"max_depth": 5, "eta": 0.2}, rounds=40, members=2, folds=3, threads=1)


def kernel(elements: int) -> KernelFacts:
    tensor = TensorFacts(size_bytes=elements, bytes_accessed=elements, dtype="int8", shape=(elements,))
    return KernelFacts(
        op_class="elementwise", dtype="int8", elementwise=elements, operands=(tensor,), results=(tensor,)
    )


def true_seconds(elements: int, fast: tuple[bool, ...]) -> float:
    """Three times the roofline's traffic, and a microsecond."""
    rates = [PART.fast_memory.bandwidth if is_fast else PART.slow_memory.bandwidth for is_fast in fast]
    return 1e-6 + sum(3.0 * elements / rate for rate in rates)


def sample_set(programs: tuple[str, ...] = PROGRAMS, kernels: int = 12) -> SampleSet:
    samples = []
    for p, program in enumerate(programs):
        for k in range(kernels):
            elements = 1000 + 977 * k + 101 * p
            for fast in ((False, False), (True, False), (False, True), (True, True)):
                seconds = true_seconds(elements, fast)
                samples.append(Sample(program, "tiny", "ethos_u65", kernel(elements), fast, seconds))
    return SampleSet(
        Provenance(source="vela", made_by={"by": "hand"}, accelerators={"ethos_u65": PART}), tuple(samples)
    )


def test_a_dataset_keeps_the_order_of_the_samples():
    given = sample_set()
    shuffled = replace(
        given, samples=tuple(np.random.default_rng(0).permutation(np.array(given.samples, dtype=object)))
    )
    data = build_dataset(shuffled)
    for i in (0, 17, len(data) - 1):
        sample = shuffled.samples[i]
        assert data.seconds[i] == sample.seconds and data.program[i] == sample.program
        np.testing.assert_array_equal(
            data.rows[i], feature_rows(sample.kernel, PART, np.array([sample.fast], dtype=bool))[0]
        )
        assert data.fast[i] == sum(sample.fast)
    assert data.target[0] == pytest.approx(math.log(data.seconds[0] / data.unit[0]))


def test_families_are_split_whole():
    assert family_of("gpt2_train") == family_of("gpt2") == "gpt2"
    assert family_of("micro_conv") != family_of("micro_mm")
    assert is_test_program("gpt2") and is_test_program("gpt2_train") and not is_test_program("bert")
    assert not is_test_program("generated_0")


def test_a_kernel_that_was_trained_on_is_not_judged():
    given = sample_set()
    shared = replace(given.samples[0], program="gpt2", seconds=1.0)
    data = build_dataset(replace(given, samples=(*given.samples, shared)))
    training, testing = train_and_test(data)
    assert not testing[-1] and not training[-1]
    assert set(data.program[testing].tolist()) == {"gpt2", "mobilenet_v2"}
    assert not set(data.program[training].tolist()) & {"gpt2", "mobilenet_v2"}


def test_folds_judge_every_program_once():
    data = build_dataset(sample_set())
    judged = [set(data.program[testing].tolist()) for _, testing in folds(data, 3)]
    assert sorted(name for part in judged for name in part) == sorted(PROGRAMS)
    for training, testing in folds(data, 3):
        assert not set(data.program[training].tolist()) & set(data.program[testing].tolist())


@pytest.mark.parametrize("programs", [("bert", "vit"), ("gpt2",)])
def test_an_empty_split_is_refused(programs: tuple[str, ...]):
    with pytest.raises(InvalidInputError, match=r"expected programs to (judge|train) on, found none"):
        train_and_test(build_dataset(sample_set(programs)))


def test_metrics_of_right_and_of_wrong_predictions():
    data = build_dataset(sample_set(("bert",)))
    right = judge("all", "vela", data, data.seconds)
    assert (right.median_ape, right.mean_ape, right.top1_regret) == (0.0, 0.0, 0.0)
    assert right.kendall_tau == pytest.approx(1.0)
    twice = judge("all", "vela", data, 2.0 * data.seconds)
    assert (twice.median_ape, twice.kendall_tau) == (1.0, pytest.approx(1.0))
    assert kendall_tau(data, -data.seconds) == pytest.approx(-1.0)


def test_regret_is_what_the_worse_of_two_placements_costs():
    samples = tuple(
        Sample("bert", "tiny", "ethos_u65", kernel(100), fast, seconds)
        for fast, seconds in (((True, False), 1.0), ((False, True), 1.5), ((True, True), 0.5))
    )
    data = build_dataset(replace(sample_set(), samples=samples))
    # Liking the first best costs nothing; of the two with one fast tensor the second best is liked, which costs half.
    wrong = np.array([3.0, 2.0, 1.0])
    assert top1_regret(data, wrong) == 0.0
    assert top1_regret(data, wrong, equally_many=True) == pytest.approx(0.5)
    assert top1_regret(data, np.array([2.0, 1.0, 3.0])) == pytest.approx(2.0)


def test_the_linear_baseline_finds_a_linear_truth():
    data = build_dataset(sample_set())
    np.testing.assert_allclose(fit_linear(data).predict(data), data.seconds, rtol=1e-3)


def test_training_is_judged_on_programs_it_has_not_seen(tmp_path: Path):
    given = sample_set(kernels=30)
    steps: list[str] = []
    trained = train("small", given, SMALL, lambda what, done, count: steps.append(what))
    overall, *_, in_turn = trained.model.card.held_out
    assert overall.name == "all" and overall.rows == 2 * 30 * 4
    assert overall.median_ape < 0.1 < overall.roofline_median_ape
    assert overall.covered is not None and overall.covered > 0.3
    assert in_turn.name == "every program in turn" and in_turn.rows == len(given.samples)
    assert trained.twin.card.rows < trained.model.card.rows == len(given.samples)
    assert "gpt2" in trained.model.card.test_programs and "gpt2" not in trained.twin.card.programs
    assert all(metrics.choice_regret is not None for metrics in trained.model.card.held_out)
    lonely = overall.model_copy(update={"kendall_tau": None, "top1_regret": None})
    card = trained.model.card.model_copy(update={"held_out": (*trained.model.card.held_out, lonely)})
    replace(trained.model, card=card).save(tmp_path / "small")
    again = load_model(tmp_path / "small")
    remarks: list[str] = []
    found = evaluate(again, given, remarks.append)
    assert found[0].name == "small: all" and found[0].median_ape < 0.1
    assert "was trained on programs of these names" in remarks[0]
    assert next(metrics.name for metrics in held_out(again)) == "small: all"


def test_the_same_seed_gives_the_same_trees():
    given = sample_set()
    one, two = (train("small", given, SMALL, lambda *step: None).model for _ in range(2))
    assert one.fingerprint == two.fingerprint


def test_tuning_begins_with_what_it_is_given(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("optuna")
    seen: list[float] = []
    found = tune(sample_set(), SMALL, 2, lambda done, count, best: seen.append(best))
    assert len(seen) == 2 and seen[1] <= seen[0]
    assert set(found.parameters) >= {"max_depth", "eta"} and found.rounds == SMALL.rounds


def test_settings_of_a_source_may_be_changed():
    found = settings_for("tpu", rounds=7, members=None, seed=3)
    assert (found.rounds, found.seed) == (7, 3) and found.members == settings_for(
        "tpu", rounds=None, members=None, seed=0
    ).members


class Source:
    """Prices the kernels of two programs; may be interrupted in the second."""

    name = "vela"

    def __init__(self, version: str = "1") -> None:
        self.asked: list[str] = []
        self.interrupted = False
        self._version = version

    def provenance(self) -> Provenance:
        made_by = {"version": self._version, "date": f"day {len(self.asked)}"}
        return Provenance(source="vela", made_by=made_by, accelerators={"ethos_u65": PART, "other": PART})

    def programs(self) -> list[str]:
        return ["bert", "vit"]

    def collect(self, program, on_progress):
        self.asked.append(program)
        if self.interrupted and program == "vit":
            raise KeyboardInterrupt
        for accelerator in ("ethos_u65", "other"):
            yield Sample(program, "tiny", accelerator, kernel(100), (False, False), 1.0)
        on_progress(1, 1)


def test_collection_goes_on_where_it_was_interrupted(tmp_path: Path):
    source, target = Source(), tmp_path / "samples.csv.gz"
    source.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        collect(source, None, target, lambda *step: None)
    assert not target.exists() and parts_folder(target).is_dir()
    source.interrupted = False
    found = collect(source, None, target, lambda *step: None)
    assert source.asked == ["bert", "vit", "vit"]
    assert len(found.samples) == 4 and not parts_folder(target).exists()
    assert SampleSet.load(target).samples == found.samples


def test_collection_refuses_parts_of_another_version(tmp_path: Path):
    first, target = Source(), tmp_path / "samples.csv"
    first.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        collect(first, None, target, lambda *step: None)
    with pytest.raises(InvalidInputError, match="version = '2', found those of vela with '1'; remove the folder"):
        collect(Source("2"), None, target, lambda *step: None)


def test_collection_of_some_programs_and_accelerators(tmp_path: Path):
    found = collect(Source(), ["vit"], tmp_path / "a.csv", lambda *step: None, accelerators=["oth"])
    assert [(s.program, s.accelerator) for s in found.samples] == [("vit", "other")]
    assert list(found.provenance.accelerators) == ["other"]
    with pytest.raises(UnknownNameError, match="unknown program of the source 'vela': 'bart'"):
        collect(Source(), ["bart"], tmp_path / "b.csv", lambda *step: None)
    with pytest.raises(UnknownNameError, match="unknown accelerator of the source 'vela': 'tpu'"):
        collect(Source(), None, tmp_path / "c.csv", lambda *step: None, accelerators=["tpu"])
