"""Planners by name: the built-in ones, one file each, and those of other packages (entry points ``memstow.planners``).

A planner's module is imported when the planner is asked for, not before. An entry point names a class or a function
without arguments that returns a :class:`Planner`; a built-in name cannot be taken over.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from ..errors import UnknownNameError
from ..plugins import PluginGroup
from .base import Effort, Planner, Problem

__all__ = ["Effort", "Planner", "Problem", "get", "names", "resolve"]

PLUGINS = PluginGroup("memstow.planners", kind="planner", method="plan")
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
    return sorted(_BUILT_IN.keys() | PLUGINS.installed().keys())


def get(name: str) -> Planner:
    """Return the planner of that name.

    Raises:
        UnknownNameError: nothing is registered under ``name``; suggests the nearest.
        InvalidInputError: the entry point of that name cannot be imported or is no planner.
    """
    if name in _BUILT_IN:
        module, attribute = _BUILT_IN[name]
        return cast(Planner, getattr(import_module(f".{module}", __name__), attribute)())
    if name not in PLUGINS.installed():
        raise UnknownNameError("planner", name, names())
    return cast(Planner, PLUGINS.load(name))


def resolve(planner: str | Planner | type[Planner]) -> Planner:
    """The planner of a name, or the one that is handed over: an object, or its class.

    Raises:
        UnknownNameError: nothing is registered under the name; suggests the nearest.
        InvalidInputError: what is handed over, or the entry point of that name, is no planner.
    """
    return get(planner) if isinstance(planner, str) else cast(Planner, PLUGINS.made(planner))
