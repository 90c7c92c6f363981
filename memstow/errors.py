"""Errors of memstow: one base class, one class per kind of bad input.

Every message names the object, what was expected, what was found and what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MemstowError(Exception):
    """Base of every error that memstow raises on purpose."""


class InvalidInputError(MemstowError, ValueError):
    """A file, a value or an option does not have the expected form."""


class UnknownNameError(InvalidInputError):
    """A name is not registered; the message suggests the nearest known one."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.name = name
        self.known = sorted(known)
        near = difflib.get_close_matches(name, self.known, n=1, cutoff=0.4)
        suggestion = f"did you mean {near[0]!r}? " if near else ""
        tail = f" {hint}" if hint else ""
        super().__init__(f"unknown {kind} {name!r}: {suggestion}known: {', '.join(self.known)}.{tail}")


class UnknownModelError(UnknownNameError):
    """A model name is not in the zoo."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__("model", name, known, "For a model of your own pass FILE.py:FUNCTION.")


class MissingPackageError(InvalidInputError):
    """A package of one of memstow's extras is needed and is not installed; the message has the command."""

    def __init__(self, purpose: str, package: str, extra: str) -> None:
        super().__init__(f"{purpose}: expected {package}, found none; install it: pip install 'memstow[{extra}]'")


class InfeasiblePlanError(MemstowError):
    """A plan breaks a rule of plan validity and must not be applied."""


class UnsupportedModelError(MemstowError):
    """A model cannot be brought to a static Relax program."""


class EmptyProgramError(InvalidInputError):
    """A model calls no kernel, so there is nothing to plan."""


class MemstowWarning(UserWarning):
    """memstow went on, but not in the way that was asked for."""
