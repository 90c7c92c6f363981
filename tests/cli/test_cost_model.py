from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from memstow.bench import BenchResults
from memstow.plan import MemoryPlan
from memstow.summary import Summary

from .. import tiny_cost_model as tiny
from .harness import Install, memstow, refused, write_part

QUICK = ("--budget", 0.05, "--bound-time", 0)
FALLEN_BACK = (
    "cost model tiny: 3 of 12 instructions have the roofline's prices, each because it says nothing of its kernel"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.save(tmp_path / "models" / "tiny")


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    path = tmp_path / "chain.program.json"
    tiny.program().save(path)
    return path


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path / "part.toml", capacity=tiny.PART.capacity)


@pytest.fixture
def plan(chain: Path, part: Path, folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "chain.plan.json"
    assert memstow("plan", chain, "--accelerator", part, "--cost-model", folder, *QUICK, "--out", path).code == 0
    return path


def test_plan_is_made_and_told_by_it(chain: Path, part: Path, folder: Path) -> None:
    options = ("plan", chain, "--accelerator", part, "--bound-time", 0)
    result = memstow(*options, "--cost-model", folder)
    assert result.code == 0
    assert re.search(r"cost model +tiny", result.out)
    assert FALLEN_BACK in result.out
    assert "no plan takes less: served" in result.out
    summary = memstow(*options, "--cost-model", folder, "--json").document["summary"]
    assert summary["cost_model"] == "tiny"
    assert summary["fallbacks"] == {
        "count": 3,
        "instructions": 12,
        "reason": "it says nothing of its kernel",
        "reason_count": 3,
    }
    made = MemoryPlan.load("chain.plan.json")
    assert (made.cost_model, made.simulated_seconds) == ("tiny", summary["planned_seconds"])
    by_roofline = memstow(*options, "--json").document["summary"]
    assert by_roofline["cost_model"] == "roofline"
    assert "fallbacks" not in by_roofline
    assert by_roofline["all_slow_seconds"] < summary["all_slow_seconds"]


def test_roofline_is_the_default(chain: Path, part: Path) -> None:
    options = ("plan", chain, "--accelerator", part, *QUICK, "--json")
    given, left_out = memstow(*options, "--cost-model", "roofline"), memstow(*options)
    assert given.document["summary"] == left_out.document["summary"]


def test_check_by_the_plans_model_and_by_another(chain: Path, part: Path, folder: Path, plan: Path) -> None:
    same = memstow("check", chain, plan, "--accelerator", part, "--cost-model", folder, "--json")
    assert (same.code, same.err) == (0, "")
    document = same.document
    assert (document["cost_model"], document["recorded_cost_model"]) == ("tiny", "tiny")
    assert document["simulated_seconds"] == pytest.approx(document["recorded_seconds"])
    assert document["fallbacks"]["count"] == 3
    other = memstow("check", chain, plan, "--accelerator", part)
    assert other.code == 0
    assert (
        "was priced by cost model 'tiny', this command prices by 'roofline': their seconds do not compare" in other.err
    )
    assert re.search(r"simulated +\S+ k?s by roofline", other.out)
    assert re.search(r"as the plan has it +\S+ k?s by tiny", other.out)


def test_a_plan_without_recorded_seconds_needs_no_notice(chain: Path, part: Path, folder: Path, plan: Path) -> None:
    MemoryPlan.load(plan).model_copy(update={"simulated_seconds": None, "cost_model": "roofline"}).save(plan)
    assert memstow("check", chain, plan, "--accelerator", part, "--cost-model", folder).err == ""


def test_bound_proves_what_holds_for_it(chain: Path, part: Path, folder: Path, plan: Path) -> None:
    options = ("bound", chain, "--accelerator", part, "--plan", plan, "--cost-model", folder)
    document = memstow(*options, "--json").document
    assert set(document["bounds"]) == {"served"}
    assert (document["cost_model"], document["fallbacks"]["count"]) == ("tiny", 3)
    assert document["plan_seconds"] == MemoryPlan.load(plan).simulated_seconds
    assert document["gap_ratio"] > 0
    result = memstow(*options)
    assert "by tiny no plan for chain on example takes less than" in result.out
    assert FALLEN_BACK in result.out


def test_compile_plans_with_it(module: Path, part: Path, folder: Path, install: Install) -> None:
    install()
    result = memstow("compile", f"{module}:build", "--accelerator", part, "--cost-model", folder, "--out", "out")
    assert result.code == 0, result.err
    summary = Summary.load("out/summary.json")
    assert summary.cost_model == MemoryPlan.load("out/plan.json").cost_model == "tiny"
    # The stand-in's program says nothing of its kernels.
    assert summary.fallbacks is not None
    assert summary.fallbacks.count == summary.kernels == 2
    assert "2 of 2 instructions have the roofline's prices" in result.out
    assert json.loads(Path("out/trace.json").read_text())["otherData"]["cost_model"] == "tiny"
    assert '"cost_model":"tiny"' in Path("out/report.html").read_text()


def test_bench_prices_all_planners_by_it(chain: Path, part: Path, folder: Path) -> None:
    options = ("--accelerator", part, "--planners", "all-slow,greedy", "--capacity", "8KiB", "--cost-model", folder)
    result = memstow("bench", chain, *QUICK, *options, "--json", "o.json", "--page", "o.md")
    assert result.code == 0, result.out
    found = BenchResults.load("o.json")
    assert found.settings.cost_model == str(folder)
    assert f"--cost-model {folder}" in found.command
    assert [case.cost_model for case in found.cases] == ["tiny", "tiny"]
    for case in found.cases:
        assert case.fallbacks is not None
        assert case.by_planner("all-slow").seconds == pytest.approx(case.all_slow_seconds)
        assert case.bound_method == "served"
        assert all(r.claimed_seconds == pytest.approx(r.seconds) for r in case.planners)
    assert "Priced by the roofline" in result.out
    page = Path("o.md").read_text()
    assert f"cost model: {folder}" in page
    assert "### Priced by the roofline" in page


def test_bench_does_not_mix_cost_models(chain: Path, part: Path, folder: Path) -> None:
    options = ("bench", chain, *QUICK, "--accelerator", part, "--planners", "all-slow", "--json", "o.json", "--resume")
    assert memstow(*options, "--cost-model", folder).code == 0
    assert "has 1 of 1 programs" not in memstow(*options, "--cost-model", folder).err
    message = refused(*options)
    assert f"made under other conditions: cost_model {str(folder)!r} (now 'roofline')" in message
    # Trained anew in the same folder: another model of the same name.
    tiny.save(folder, seed=1)
    assert "which is not among the programs here or has changed" in refused(*options, "--cost-model", folder)


COMMANDS = ("plan", "check", "bound", "bench", "compile")


@pytest.fixture
def command(
    request: pytest.FixtureRequest, chain: Path, module: Path, install: Install, tmp_path: Path
) -> tuple[object, ...]:
    """A command line that lacks nothing but its cost model."""
    install()
    part = write_part(tmp_path / "plain.toml", capacity=tiny.PART.capacity)
    plan = tmp_path / "plain.plan.json"
    assert memstow("plan", chain, "--accelerator", part, *QUICK, "--out", plan).code == 0
    arguments = {"check": (chain, plan), "compile": (f"{module}:build",)}
    return request.param, *arguments.get(request.param, (chain,)), "--accelerator", part


@pytest.mark.parametrize("command", COMMANDS, indirect=True)
def test_every_command_refuses_what_is_no_cost_model(command: tuple[object, ...], folder: Path, tmp_path: Path) -> None:
    assert "unknown cost model 'rofline': did you mean 'roofline'?" in refused(*command, "--cost-model", "rofline")
    message = refused(*command, "--cost-model", "learned")
    assert "accelerator 'example': expected the name of a trained cost model in its description" in message
    assert "pass one of roofline" in message
    absent = tmp_path / "absent" / "model"
    assert f"{absent}/model.json: cannot be read" in refused(*command, "--cost-model", absent)


@pytest.mark.parametrize("command", ["plan", "bench"], indirect=True)
def test_a_model_of_other_features_or_a_damaged_one_is_refused(command: tuple[object, ...], folder: Path) -> None:
    card = folder / "model.json"
    whole = card.read_text()
    card.write_text(whole.replace(f'"features_version": {tiny.FEATURES_VERSION}', '"features_version": 1'))
    message = refused(*command, "--cost-model", folder)
    assert "expected features of version" in message
    assert "found version 1; train the model anew: memstow cost-model train" in message
    card.write_text(whole[:-30])
    assert "is the file truncated?" in refused(*command, "--cost-model", folder)
    card.write_text(whole)
    (folder / "member1.ubj.gz").write_bytes(b"no trees")
    assert "member1.ubj.gz: expected trees of XGBoost, found" in refused(*command, "--cost-model", folder)


def test_learned_is_what_the_accelerator_names(
    chain: Path, part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memstow.cost_model.registry.TRAINED_FOLDER", tmp_path / "trained")
    tiny.save(tmp_path / "trained" / "little", name="little")
    part.write_text('cost_model = "little"\n' + part.read_text())
    for option in ("learned", "little"):
        document = memstow("plan", chain, "--accelerator", part, "--cost-model", option, *QUICK, "--json").document
        assert document["summary"]["cost_model"] == "little"
    part.write_text(part.read_text().replace('"little"', '"litle"'))
    message = refused("plan", chain, "--accelerator", part, "--cost-model", "learned")
    assert "unknown cost model 'litle': did you mean 'little'?" in message


def test_the_roofline_loads_no_xgboost(chain: Path, part: Path) -> None:
    code = (
        "import sys; from memstow.cli import app\n"
        f"app(['plan', {str(chain)!r}, '--accelerator', {str(part)!r}, '--bound-time', '0'], standalone_mode=False)\n"
        "assert 'xgboost' not in sys.modules, 'xgboost'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
