"""Names from other packages: the package under examples/plugin, installed by pip into an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from memstow import planners, plugins
from memstow.accelerator import load_accelerator
from memstow.cost_model.interface import RooflineModel
from memstow.cost_model.registry import names, resolve_cost_model
from memstow.errors import InvalidInputError, UnknownNameError
from memstow.planners.all_slow import AllSlow

from . import worked_example as example

ROOT = Path(__file__).parents[1]
UNIT = load_accelerator("unit")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    source = folder / "source"
    source.mkdir()
    for path in (ROOT / "examples" / "plugin").iterdir():
        if path.is_file():
            (source / path.name).write_text(path.read_text())
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--target", str(folder / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True, cwd=folder)
    return folder / "site"


def test_the_command_line_knows_an_installed_planner_and_cost_model(installed, tmp_path):
    program = example.program().model_copy(update={"accelerator": "unit"})
    program.save(tmp_path / "example.program.json")
    command = [sys.executable, "-m", "memstow.cli", "plan", "example.program.json", "--json"]
    command += ["--planner", "cautious", "--cost-model", "half-speed", "--out", "plan.json"]
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["summary"]
    assert (summary["planner"], summary["cost_model"]) == ("cautious", "half-speed")
    assert summary["all_slow_seconds"] == 2 * planners_all_slow_seconds()


def planners_all_slow_seconds() -> float:
    problem = planners.Problem(example.program(), UNIT)
    seconds = AllSlow().plan(problem, planners.Effort(), seed=0).simulated_seconds
    assert seconds is not None
    return seconds


class Mine:
    name = "mine"

    def prices(self, program, accelerator):
        return RooflineModel().prices(program, accelerator)


def install(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    points = [EntryPoint(name, f"{__name__}:Mine", "memstow.cost_models")]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "memstow.cost_models" else [])


def test_a_cost_model_by_name_object_and_class(monkeypatch):
    install(monkeypatch, "mine")
    mine = Mine()
    assert resolve_cost_model("mine", UNIT).name == "mine"
    assert resolve_cost_model(mine, UNIT) is mine
    assert isinstance(resolve_cost_model(Mine, UNIT), Mine)
    assert names()[-1] == "mine"


@pytest.mark.parametrize("taken", ["roofline", "learned", "tpu"])
def test_a_built_in_cost_model_cannot_be_taken_over(monkeypatch, taken):
    install(monkeypatch, taken)
    assert not isinstance(resolve_cost_model(taken, load_accelerator("tpu_v5e")), Mine)
    assert names().count(taken) == 1


def test_an_unknown_cost_model_lists_the_installed_ones(monkeypatch):
    install(monkeypatch, "mine")
    with pytest.raises(UnknownNameError, match=r"cost model 'min': did you mean 'mine'\? known: .*mine.*folder"):
        resolve_cost_model("min", UNIT)


def test_a_planner_by_name_object_and_class():
    planner = AllSlow()
    assert planners.resolve("all-slow") == planner
    assert planners.resolve(planner) is planner
    assert planners.resolve(AllSlow) == planner


@pytest.mark.parametrize(("given", "found"), [(3, "int"), (Mine, "Mine"), (Mine(), "Mine")])
def test_what_is_no_planner_is_refused(given, found):
    with pytest.raises(InvalidInputError, match=rf"^planner: expected an object with a plan\(\) .* found {found}$"):
        planners.resolve(given)


def test_what_is_no_cost_model_is_refused():
    with pytest.raises(InvalidInputError, match=r"^cost model: expected an object with a prices\(\) method, found All"):
        resolve_cost_model(AllSlow(), UNIT)
