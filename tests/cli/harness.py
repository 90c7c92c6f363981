"""Running ``memstow`` in this process, and what its tests share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from memstow.cli import app
from memstow.plan import MemoryPlan
from memstow.planners import Effort

from .. import worked_example as example
from .fake_compiler import FakeCompiler

Install = Callable[..., FakeCompiler]
DOCUMENTS = {"program.json", "plan.json", "summary.json", "trace.json", "report.html", "picture.svg"}


class Result:
    def __init__(self, arguments: tuple[object, ...]) -> None:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.code: int = result.exit_code
        self.out: str = result.stdout
        self.err: str = result.stderr

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document; anything before or after it would not parse."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def memstow(*arguments: object) -> Result:
    return Result(arguments)


def refused(*arguments: object) -> str:
    """The message of a command line that must be refused as bad input, with nothing on standard output."""
    result = memstow(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "Traceback" not in result.err
    return result.err


def write_part(path: Path, capacity: object = 16, slow_rate: object = 1.0) -> Path:
    path.write_text(
        f"""
name = "example"
flops_per_second = {{ f32 = 1.0 }}
dma = {{ bytes_per_second = 1.0 }}
[fast_memory]
name = "fast"
capacity_bytes = {capacity}
read_bytes_per_second = 4.0
write_bytes_per_second = 4.0
[slow_memory]
name = "slow"
capacity_bytes = 1024
read_bytes_per_second = {slow_rate}
write_bytes_per_second = 1.0
""",
        encoding="utf-8",
    )
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Invalid:
    """A planner whose two allocations overlap."""

    name = description = "invalid"

    def plan(self, problem: object, effort: Effort, *, seed: int) -> MemoryPlan:
        overlapping = [a.model_copy(update={"offset": 0}) for a in example.plan().allocations]
        return example.plan().model_copy(update={"allocations": tuple(overlapping), "planner": "invalid"})
