"""Every test of the command line runs in a folder of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from .. import worked_example as example
from .fake_compiler import FakeCompiler
from .harness import Install, write_part

MODEL = """\
import torch

class Double(torch.nn.Module):
    def forward(self, x):
        return 2 * x

def build():
    return Double().eval(), (torch.randn(4),)

def training():
    return Double(), [torch.randn(4)]

def inputs_alone():
    return torch.randn(4)

def no_module():
    return "model", (torch.randn(4),)

def bare_input():
    return Double(), torch.randn(4)

def number_input():
    return Double(), (4,)

def broken():
    raise RuntimeError("no weights here")

def leaves():
    raise SystemExit(3)

constant = 3
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "example.program.json"
    example.program().model_copy(update={"accelerator": "unit"}).save(path)
    return path


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return write_part(tmp_path / "part.toml")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "my_module.py"
    path.write_text(MODEL, encoding="utf-8")
    return path


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    def put(**options: Any) -> FakeCompiler:
        compiler = FakeCompiler(**options)
        monkeypatch.setitem(sys.modules, "memstow.tvm_ext.compiler", compiler.as_module())
        return compiler

    return put
