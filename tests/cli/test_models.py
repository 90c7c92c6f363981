from __future__ import annotations

import pytest

from memstow import models
from memstow.cli.models import load_figures

from .harness import memstow, refused


def test_models_lists_the_zoo_with_its_figures() -> None:
    document = memstow("models", "--json").document
    assert [model["name"] for model in document["models"]] == models.names()
    for model in document["models"]:
        assert tuple(model["sizes"]) == models.sizes(model["name"])
        for size, found in model["sizes"].items():
            assert found is not None, f"{model['name']} {size}: run python -m memstow.cli.zoo_figures {model['name']}"
            assert found["parameters"] > 0
            assert found["flops"] > 0
            assert found["kernels"] > 0
    assert "resnet50" in memstow("models").out


def test_one_model_alone() -> None:
    assert [model["name"] for model in memstow("models", "bert", "--json").document["models"]] == ["bert"]


def test_an_unknown_model_suggests_the_nearest() -> None:
    assert "did you mean 'resnet50'?" in refused("models", "resnet5")


@pytest.mark.parametrize("name", models.names())
def test_the_table_has_the_parameters_of_the_tiny_models(name: str) -> None:
    module, _ = models.build(name, "tiny")
    assert load_figures().models[name]["tiny"].parameters == models.parameter_count(module)


@pytest.mark.parametrize("name", ["dlrm", "vit"])
def test_the_table_has_the_program_figures_of_the_tiny_models(name: str) -> None:
    # By the command that makes the table: the kernels are those of the real compiler.
    from memstow.cli.zoo_figures import measure

    assert measure(name, "tiny") == load_figures().models[name]["tiny"]
