from __future__ import annotations

from pathlib import Path

import pytest

from memstow.accelerator import builtin_names, load_accelerator
from memstow.cli.accelerators import figures

from .harness import memstow, refused, write_part


def test_accelerators_lists_every_built_in() -> None:
    result = memstow("accelerators")
    assert result.code == 0
    assert all(name in result.out for name in builtin_names())
    document = memstow("accelerators", "--json").document
    assert [part["name"] for part in document["accelerators"]] == builtin_names()


@pytest.mark.parametrize("name", builtin_names())
def test_accelerators_explains_every_number_with_unit_and_source(name: str) -> None:
    document = memstow("accelerators", name, "--json").document
    assert all(figure["unit"] and figure["meaning"] for figure in document["figures"])
    sourced = {figure["key"]: figure["source"] for figure in document["figures"] if figure["value"] is not None}
    assert sourced == load_accelerator(name).sources
    assert memstow("accelerators", name).code == 0


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("flops_per_second.bf16", "FLOP/s"),
        ("vector_flops_per_second.f32", "FLOP/s"),
        ("fast_memory.capacity_bytes", "B"),
        ("slow_memory.read_bytes_per_second", "B/s"),
        ("dma.latency_seconds", "s"),
        ("dma.max_outstanding_prefetches", "copies"),
    ],
)
def test_units_follow_from_the_keys(key: str, unit: str) -> None:
    assert {figure.key: figure.unit for figure in figures(load_accelerator("tpu_v5e"))}[key] == unit


def test_a_description_of_the_users_is_explained(part: Path) -> None:
    result = memstow("accelerators", part)
    assert result.code == 0
    assert "no source given" in result.out
    assert "no limit" in result.out


def test_an_unknown_accelerator_suggests_the_nearest() -> None:
    assert "did you mean 'tpu_v4'?" in refused("accelerators", "tpu4")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slow_rate": -1.0}, "slow_memory.read_bytes_per_second: Input should be greater than 0, found -1.0"),
        ({"capacity": -1}, "fast_memory.capacity_bytes: Input should be greater than or equal to 0, found -1"),
        ({"capacity": ""}, "expected TOML, found"),
    ],
)
@pytest.mark.parametrize("command", ["accelerators", "plan", "compile"])
def test_a_bad_description_is_refused(
    command: str, tmp_path: Path, program: Path, module: Path, changes: dict[str, object], message: str
) -> None:
    part = write_part(tmp_path / "bad.toml", **changes)
    arguments = {
        "accelerators": (part,),
        "plan": (program, "--accelerator", part),
        "compile": (f"{module}:build", "--accelerator", part),
    }
    error = refused(command, *arguments[command])
    assert str(part) in error
    assert message in error


def test_a_missing_number_is_named(tmp_path: Path) -> None:
    part = write_part(tmp_path / "bad.toml")
    part.write_text(part.read_text().replace("capacity_bytes = 16\n", ""))
    assert "missing key 'fast_memory.capacity_bytes'; add it" in refused("accelerators", part)


def test_the_learned_cost_model_is_named_where_there_is_one() -> None:
    assert "--cost-model learned is ethos_u" in memstow("accelerators", "ethos_u55").out
    assert "--cost-model learned" not in memstow("accelerators", "unit").out
