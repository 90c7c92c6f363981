"""``memstow cost-model``: collect, train, evaluate and predict, and what they refuse."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from memstow.cost_model.learned import Metrics
from memstow.cost_model.samples import SampleSet, provenance_path

from ..test_cost_model_training import sample_set
from .harness import memstow, refused

MLIR = """\
module {
  func.func @main(%a: tensor<64x32xi8>, %b: tensor<64x32xi8>) -> tensor<64x32xi8> {
    %0 = stablehlo.add %a, %b : tensor<64x32xi8>
    return %0 : tensor<64x32xi8>
  }
}
"""
METRICS = {"name", "source", "rows", "median_ape", "mean_ape", "kendall_tau", "roofline_median_ape"}
QUICK = ("--rounds", 10, "--members", 1)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    path = tmp_path / "samples.csv.gz"
    sample_set().save(path)
    return path


@pytest.fixture
def folder(samples: Path, tmp_path: Path) -> Path:
    assert memstow("cost-model", "train", "--samples", samples, "--out", tmp_path / "small", *QUICK).code == 0
    return tmp_path / "small"


def test_train_says_how_well_it_does_and_keeps_the_twin(samples: Path, tmp_path: Path) -> None:
    out, twin = tmp_path / "model", tmp_path / "twin"
    result = memstow("cost-model", "train", "--samples", samples, "--out", out, "--twin", twin, *QUICK)
    assert result.code == 0
    assert "judged on gpt2, mobilenet_v2" in result.out and "every program in turn" in result.out
    assert "cross-validation: 0 of 2" in result.err
    assert (out / "model.json").is_file() and (twin / "member0.ubj.gz").is_file()


def test_evaluate_on_a_file(samples: Path, folder: Path) -> None:
    result = memstow("cost-model", "evaluate", "--samples", samples, "--source", "vela", "--model", folder, "--json")
    assert result.code == 0
    found = [Metrics.model_validate(row) for row in result.document]
    assert set(result.document[0]) >= METRICS
    assert found[0].name == "small: all" and found[0].rows == len(sample_set().samples)
    assert "was trained on programs of these names" in result.err
    table = memstow("cost-model", "evaluate", "--samples", samples, "--model", folder)
    assert "Errors of predicted seconds" in table.out


def test_evaluate_without_samples_repeats_what_training_found(folder: Path) -> None:
    found = memstow("cost-model", "evaluate", "--model", folder, "--json").document
    assert found[0]["name"] == "small: all" and found[-1]["name"] == "small: every program in turn"


def test_evaluate_lists_the_shipped_models() -> None:
    sources = {row["source"] for row in memstow("cost-model", "evaluate", "--json").document}
    assert sources == {"vela", "tpu", "host"}


def test_predict_prices_mlir_text(folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "add.mlir"
    text.write_text(MLIR, encoding="utf-8")
    options = ("cost-model", "predict", text, "--accelerator", "ethos_u65", "--cost-model", folder)
    (kernel,) = memstow(*options, "--json").document["kernels"]
    assert kernel["op_class"] == "elementwise"
    assert kernel["fast_seconds"] <= kernel["slow_seconds"]
    assert "trained on" in kernel["remark"]  # two operands: the samples have one
    assert kernel["slow_seconds"] == kernel["roofline_slow_seconds"]
    assert "roofline, slow" in memstow(*options).out


@pytest.mark.parametrize("label", ["nan", "-1.0", "0.0", "inf", "soon"])
def test_a_label_that_is_no_positive_number_names_its_row(samples: Path, label: str, tmp_path: Path) -> None:
    lines = gzip.decompress(samples.read_bytes()).decode().splitlines()
    fields = lines[2].rsplit(",", 2)
    lines[2] = ",".join([fields[0], label, fields[2]])
    samples.write_bytes(gzip.compress("\n".join(lines).encode()))
    message = refused("cost-model", "train", "--samples", samples, "--out", tmp_path / "model")
    assert "row 3" in message


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    sample_set(("bert",)).save(path)
    message = refused("cost-model", "train", "--samples", path, "--out", tmp_path / "model")
    assert "samples of bert: expected programs to judge on, found none" in message


def test_samples_of_another_source_are_refused(samples: Path, tmp_path: Path) -> None:
    message = refused("cost-model", "evaluate", "--samples", samples, "--source", "host")
    assert "expected samples of the source 'host', found 'vela'" in message
    given = SampleSet.load(samples)
    other = tmp_path / "other.csv"
    replace(given, provenance=given.provenance.model_copy(update={"source": "mine"})).save(other)
    assert "source 'mine': expected --model" in refused("cost-model", "evaluate", "--samples", other)


def test_a_file_without_provenance_is_read_as_the_tpu_format(samples: Path) -> None:
    provenance_path(samples).unlink()
    message = refused("cost-model", "evaluate", "--samples", samples)
    assert "expected the columns of tpu_cycles, missing family" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--source", "vella", "--out", "a.csv"), "did you mean 'vela'?"),
        (("--source", "tpu", "--out", "a.csv"), "its samples are a file in the format of tpu_cycles"),
        (("--source", "vela", "--out", "a.parquet"), "expected a name that ends in .csv or .csv.gz"),
        (("--source", "vela", "--out", "a.csv", "--rpc", "h:1"), "only the source 'host' measures on a device"),
        (("--source", "host", "--out", "a.csv", "--rpc", "nowhere"), "expected HOST:PORT"),
    ],
)
def test_collect_refuses(arguments: tuple[str, ...], expected: str) -> None:
    assert expected in refused("cost-model", "collect", *arguments)


def test_collect_measures_this_host(tmp_path: Path) -> None:
    out = tmp_path / "host.csv"
    result = memstow("cost-model", "collect", "--source", "host", "--models", "dlrm", "--out", out, "--json")
    assert result.code == 0 and result.document["programs"] == 1
    assert "dlrm (1 of 1)" in result.err
    assert {s.program for s in SampleSet.load(out).samples} == {"dlrm"}
