"""``options={...}`` of ``torch.compile``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from ...defaults import DEFAULT_ACCELERATOR, DEFAULT_BUDGET_SECONDS, DEFAULT_PLANNER, ROOFLINE
from ...errors import InvalidInputError, UnknownNameError
from ...planners.base import checked_effort
from ..pipeline import PipelineOptions, resolve_options

_DEFAULTS: dict[str, Any] = {
    "accelerator": DEFAULT_ACCELERATOR,
    "planner": DEFAULT_PLANNER,
    "budget": DEFAULT_BUDGET_SECONDS,
    "iterations": None,
    "cost_model": ROOFLINE,
    "seed": 0,
    "checked": False,
}


@dataclass(frozen=True)
class BackendOptions:
    """What to plan for and with, and a key that is equal for equal options.

    ``given`` keeps the objects alive that the key names by identity.
    """

    pipeline: PipelineOptions
    key: Hashable
    given: Mapping[str, Any]


def parse_options(options: Mapping[str, Any] | None, mode: str | None) -> BackendOptions:
    """The options of one ``torch.compile``; each means what it means for :func:`memstow.compile`.

    Raises:
        UnknownNameError: an unknown option, or the name of something unknown in a known one.
        InvalidInputError: a value is not of the expected kind, or a ``mode`` is given.
    """
    if mode not in (None, "default"):
        raise InvalidInputError(
            f"torch.compile(mode={mode!r}): backend 'memstow' has no modes; pass options={{...}} of {_known()}"
        )
    given = {**_DEFAULTS, **(options or {})}
    for name in given:
        if name not in _DEFAULTS:
            raise UnknownNameError("option of backend 'memstow'", name, _DEFAULTS)
    budget = DEFAULT_BUDGET_SECONDS if given["budget"] is None else given["budget"]
    pipeline = resolve_options(
        accelerator=given["accelerator"],
        planner=given["planner"],
        effort=checked_effort(budget, given["iterations"]),
        seed=given["seed"],
        checked=given["checked"],
        cost_model=given["cost_model"],
    )
    others = tuple(_identity(given[name]) for name in _DEFAULTS if name != "accelerator")
    return BackendOptions(pipeline, (pipeline.accelerator.model_dump_json(), *others), given)


def _known() -> str:
    return ", ".join(_DEFAULTS)


def _identity(value: object) -> Hashable:
    """A name or number as it is; of a planner or cost model that was handed over, which object it is."""
    return value if isinstance(value, str | int | float | None) else (type(value).__qualname__, str(value), id(value))
