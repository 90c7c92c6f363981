"""``memstow doctor``: what memstow finds on this machine, and how to put right what is missing."""

from __future__ import annotations

import typer

from ..doctor import run_doctor
from .options import JsonOption


def doctor_command(json: JsonOption = False) -> None:
    """Say what memstow finds here: packages, machine, trained models; exit code 1 if one that is needed is broken.

    Every package is imported in a process of its own, so that a broken one is told of too.
    """
    raise typer.Exit(run_doctor(as_json=json))
