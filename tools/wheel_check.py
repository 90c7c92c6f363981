"""Build the wheel, install it into an empty environment, and use it from an empty folder.

``python tools/wheel_check.py`` prints the seconds of every step, the megabytes of wheel and environment, and what is
large in it. Exits with 1 at the first step that does not do what it should. ``--json FILE`` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
MODULE = """\
import torch


def build():
    model = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 16))
    return model.eval(), (torch.randn(8, 64),)
"""
SCRIPT = """\
import torch, tvm
import memstow
from tvm.relax.frontend.torch import from_exported_program

from my_module import build

model, inputs = build()
module = from_exported_program(torch.export.export(model, inputs))
planned = memstow.pipeline(accelerator="ethos_u85", planner="greedy", cost_model="roofline")
executable = tvm.compile(module, target="llvm", relax_pipeline=planned)
machine = tvm.relax.VirtualMachine(executable, tvm.cpu())
found = machine["main"](tvm.runtime.from_dlpack(inputs[0]))
torch.testing.assert_close(torch.from_dlpack(found[0]), model(*inputs).detach())
"""
#: Sizes of installed packages, by their records; printed by the environment's own Python.
SIZES = """\
import json, pathlib
from importlib import metadata
sizes = {}
for found in metadata.distributions():
    files = [pathlib.Path(found.locate_file(file)) for file in found.files or ()]
    sizes[found.name] = sum(path.stat().st_size for path in files if path.is_file())
print(json.dumps(sizes))
"""
#: Megabytes above which a package is listed.
LARGE = 5.0


@dataclass(frozen=True)
class Step:
    """A command of the environment; ``code`` and ``says`` are what it must exit with and print."""

    name: str
    command: Sequence[str]
    code: int = 0
    says: str = ""


#: In an environment without any extra.
STEPS = (
    Step("version", ("memstow", "--version"), says="memstow "),
    Step("help", ("memstow", "--help"), says="doctor"),
    Step("doctor", ("memstow", "doctor"), says="all that is needed is there"),
    Step("compile a model of the zoo", ("memstow", "compile", "unet", "--accelerator", "ethos_u85", "--out", "demo")),
    Step("compile one's own", ("memstow", "compile", "my_module.py:build", "--accelerator", "ethos_u85")),
    Step(
        "plan anew",
        ("memstow", "plan", "demo/program.json", "--planner", "furthest-next-use", "--out", "other.plan.json"),
    ),
    Step("check", ("memstow", "check", "demo/program.json", "other.plan.json")),
    Step("bound", ("memstow", "bound", "demo/program.json", "--plan", "other.plan.json", "--time-limit", "5")),
    Step(
        "explore",
        ("memstow", "explore", "demo/program.json", "--accelerator", "ethos_u85", "--vary", "capacity=64KiB..512KiB"),
        says="no picture: the picture: expected matplotlib, found none; install it: pip install 'memstow[report]'",
    ),
    Step("the agent plans", ("memstow", "plan", "demo/program.json", "--planner", "agent-greedy")),
    Step("tvm.compile", ("python", "script.py")),
    Step("without [zoo]", ("memstow", "compile", "bert"), code=2, says="pip install 'memstow[zoo]'"),
    Step(
        "without [learned]",
        ("memstow", "plan", "demo/program.json", "--cost-model", "learned"),
        code=2,
        says="pip install 'memstow[learned]'",
    ),
)


@dataclass
class Figures:
    """Seconds by step; bytes of the wheel, of the whole environment, and of each package."""

    seconds: dict[str, float] = field(default_factory=dict)
    wheel_bytes: int = 0
    environment_bytes: int = 0
    package_bytes: dict[str, int] = field(default_factory=dict)


class FailedStep(Exception):
    """A step did not do what it should."""


def main(arguments: list[str] | None = None) -> int:
    """Check, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    options = parser.parse_args(arguments)
    figures = Figures()
    try:
        with tempfile.TemporaryDirectory(prefix="memstow-wheel-") as folder:
            check(Path(folder), figures)
    except FailedStep as failure:
        print(failure, file=sys.stderr)
        return 1
    print_sizes(figures)
    if options.json:
        options.json.write_text(json.dumps(figures.__dict__, indent=1) + "\n", encoding="utf-8")
    return 0


def check(folder: Path, figures: Figures) -> None:
    """Everything, in a folder that is empty."""
    python = folder / "env" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(ROOT / "constraints.txt")]
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)]
    timed(figures, Step("build the wheel", build), folder)
    (wheel,) = wheels.glob("memstow-*.whl")
    figures.wheel_bytes = wheel.stat().st_size
    timed(figures, Step("empty environment", [sys.executable, "-m", "venv", str(folder / "env")]), folder)
    install_torch(figures, pip, folder)
    timed(figures, Step("install", [*pip, str(wheel)]), folder)
    figures.package_bytes = json.loads(subprocess.run([python, "-c", SIZES], capture_output=True, check=True).stdout)
    figures.environment_bytes = sum(path.lstat().st_size for path in (folder / "env").rglob("*") if path.is_file())
    empty = folder / "empty"
    empty.mkdir()
    (empty / "my_module.py").write_text(MODULE, encoding="utf-8")
    (empty / "script.py").write_text(SCRIPT, encoding="utf-8")
    for step in STEPS:
        program, *rest = step.command
        own = [str(folder / "env" / "bin" / program), *rest]
        timed(figures, Step(step.name, own, step.code, step.says), empty)


def install_torch(figures: Figures, pip: Sequence[str], folder: Path) -> None:
    """The build for the CPU from PyTorch's index where that can be reached: PyPI's brings gigabytes of CUDA."""
    try:
        from_index = [*pip, "--no-deps", "--retries", "0", "--index-url", TORCH_INDEX, "torch"]
        timed(figures, Step("install torch", from_index), folder)
    except FailedStep:
        timed(figures, Step("install torch", [*pip, "--no-deps", "torch"]), folder)


def timed(figures: Figures, step: Step, folder: Path) -> None:
    """Run a step in a folder, without this repository on any path.

    Raises:
        FailedStep: it ended with another code or did not say what it must.
    """
    own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
    began = time.perf_counter()
    run = subprocess.run(
        step.command,
        cwd=folder,
        env={**own, "MEMSTOW_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    if run.returncode != step.code or step.says not in run.stdout:
        wanted = f"exit code {step.code}{f' and {step.says!r}' if step.says else ''}"
        raise FailedStep(f"{step.name}: expected {wanted}, found {run.returncode}:\n{run.stdout[-4000:]}")
    figures.seconds[step.name] = seconds
    print(f"{seconds:8.2f} s  {step.name}", flush=True)


def print_sizes(figures: Figures) -> None:
    """Megabytes (10^6 bytes) of the wheel and the environment, and the large packages."""
    torch = figures.package_bytes.get("torch", 0)
    print(f"{figures.wheel_bytes / 1e6:8.1f} MB  wheel")
    print(f"{figures.environment_bytes / 1e6:8.1f} MB  environment")
    print(f"{(figures.environment_bytes - torch) / 1e6:8.1f} MB  environment without torch; in it:")
    for name, size in sorted(figures.package_bytes.items(), key=lambda item: -item[1]):
        if size >= LARGE * 1e6:
            print(f"{size / 1e6:8.1f} MB    {name}")


if __name__ == "__main__":
    sys.exit(main())
