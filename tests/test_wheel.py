"""The wheel has all that the package needs, and works from an empty folder without the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HELPER_FOLDERS = ("memstow/tvm_ext/tests/", "memstow/tvm_ext/include/", "memstow/tvm_ext/src/")


def run(*command: str, cwd: Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    tools = Path(sys.executable).parent
    options = ["--no-build-isolation", "--no-deps", "--quiet", "--wheel-dir", str(folder)]
    build = f"-Cbuild-dir={folder / 'build'}"
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    run(sys.executable, "-m", "pip", "wheel", *options, build, str(ROOT), cwd=folder, PATH=path)
    (found,) = folder.glob("memstow-*.whl")
    return found


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_has_every_part_and_no_sources_of_the_core(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "memstow/py.typed",
        "memstow/accelerators/tpu_v5e.toml",
        "memstow/schemas/plan.schema.json",
        "memstow/report/page/template.html",
        "memstow/cli/zoo_figures.json",
        "memstow/tvm_ext/libmemstow_core.so",
        "memstow/tvm_ext/pipeline.py",
        "memstow/cost_model/__init__.py",
        "memstow/cost_model/trained/ethos_u/model.json",
        "memstow/cost_model/trained/tpu/member0.ubj.gz",
        "memstow/rl_agent/__init__.py",
        "memstow/models/registry.py",
    } <= names
    assert not [name for name in names if name.startswith("memstow/cost_model/collected/")]
    assert not [name for name in names if name.endswith((".cc", ".h")) or name.startswith(HELPER_FOLDERS)]


SCRIPT = """
import json, sys
sys.meta_path[:] = [f for f in sys.meta_path if "ScikitBuild" not in type(f).__name__]
import memstow, torch, tvm
from memstow import models, planners
from memstow.accelerator import load_accelerator
from memstow.tvm_ext.compiler import compile_model
module, inputs = models.build("mlp_mixer", "tiny")
compilation = compile_model(module, inputs, name="mlp_mixer", accelerator=load_accelerator("unit"),
                            planner=planners.get("greedy"), effort=planners.Effort(1), seed=0, checked=True)
error = (compilation.run(*inputs)[0] - module(*inputs)).abs().max().item()
print(json.dumps({"file": memstow.__file__, "error": error}))
"""


def test_the_wheel_compiles_a_model_from_an_empty_folder(unpacked, tmp_path):
    output = run(
        sys.executable, "-c", SCRIPT, cwd=tmp_path, PYTHONPATH=str(unpacked), MEMSTOW_CACHE=str(tmp_path / "c")
    )
    result = json.loads(output.splitlines()[-1])
    assert Path(result["file"]).is_relative_to(unpacked)
    assert result["error"] < 1e-4
