"""Planners by name: the built-in ones, one file each, and those of other packages (entry points ``memstow.planners``).

A planner's module is imported when the planner is asked for, not before. An entry point names a class or a function
without arguments that returns a :class:`Planner`; a built-in name cannot be taken over.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from ..errors import InvalidInputError, UnknownNameError
from .base import Effort, Planner, Problem

__all__ = ["Effort", "Planner", "Problem", "get", "names"]

ENTRY_POINT_GROUP = "memstow.planners"
_BUILT_IN = {
    "all-slow": ("all_slow", "AllSlow"),
    "first-touch": ("first_touch", "FirstTouch"),
    "furthest-next-use": ("furthest_next_use", "FurthestNextUse"),
    "greedy": ("benefit_density", "BenefitDensity"),
    "lns": ("lns", "LargeNeighbourhoodSearch"),
    "local-search": ("local_search", "LocalSearch"),
    "portfolio": ("portfolio", "Portfolio"),
    "random-keys": ("random_keys", "RandomKeys"),
    "xla-msa": ("xla_msa", "XlaMsa"),
}


def names() -> list[str]:
    """Every planner that :func:`get` knows, sorted."""
    return sorted(_BUILT_IN.keys() | _installed().keys())


def get(name: str) -> Planner:
    """Return the planner of that name.

    Raises:
        UnknownNameError: nothing is registered under ``name``; suggests the nearest.
        InvalidInputError: the entry point of that name cannot be imported or is no planner.
    """
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        return cast(Planner, getattr(import_module(f".{module}", __name__), attribute)())
    installed = _installed()
    if name not in installed:
        raise UnknownNameError("planner", name, names())
    return _load(installed[name])


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP) if point.name not in _BUILT_IN}


def _load(point: EntryPoint) -> Planner:
    where = f"planner {point.name!r} (entry point {point.value!r})"
    try:
        planner = point.load()()
    except Exception as error:  # foreign code may raise anything
        found = f"{type(error).__name__}: {error}"
        raise InvalidInputError(f"{where}: cannot be loaded ({found}); check the package that provides it") from error
    if not callable(getattr(planner, "plan", None)):
        raise InvalidInputError(f"{where}: expected an object with a plan() method, found {type(planner).__name__}")
    return cast(Planner, planner)
