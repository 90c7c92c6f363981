"""Code run in a process of its own: what it imports may be missing, raise, hang or crash."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Found:
    """What came of a probe: its facts, or the reason why it failed in one line."""

    facts: dict[str, Any] = field(default_factory=dict)
    failure: str = ""


def probe(code: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Found:
    """Run Python code that assigns JSON values to names of the dictionary ``facts``.

    What it prints is dropped. A failure is its last line on standard error, or how it ended.
    """
    wrapped = (
        "import json, os, sys\nfacts = {}\nanswer = os.fdopen(os.dup(1), 'w')\nos.dup2(2, 1)\n"
        f"{code}\njson.dump(facts, answer)\nanswer.flush()\nos._exit(0)\n"
    )
    try:
        # -P: a file in the current folder is not taken for a package.
        run = subprocess.run(
            [sys.executable, "-P", "-c", wrapped], capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Found(failure=f"no answer within {timeout_seconds:g} s")
    except OSError as error:
        return Found(failure=f"{sys.executable} cannot be started: {error.strerror}")
    if run.returncode < 0:
        return Found(failure=f"crashed: {_signal_name(-run.returncode)}")
    if run.returncode > 0:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()]
        return Found(failure=lines[-1] if lines else f"exit code {run.returncode}")
    try:
        return Found(facts=json.loads(run.stdout))
    except json.JSONDecodeError:
        return Found(failure="ended before its answer")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
