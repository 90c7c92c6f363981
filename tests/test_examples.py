"""Every example runs as written, from an empty folder, and stays short."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.py"))
MOST_LINES = 60


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_from_an_empty_folder(name, tmp_path):
    environment = {**os.environ, "MPLBACKEND": "Agg", "MEMSTOW_CACHE": str(tmp_path / "cache")}
    here = tmp_path / "here"
    here.mkdir()
    command = [sys.executable, str(FOLDER / name)]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "an example shows what it did"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_short_and_says_what_it_shows(name):
    text = (FOLDER / name).read_text()
    assert len(text.splitlines()) < MOST_LINES
    assert ast.get_docstring(ast.parse(text))
