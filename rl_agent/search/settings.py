"""How to search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ...native import core_function

#: Weight of what the next decision earns, relative to the present one's: half of it counts after 44 decisions.
DISCOUNT = 1 - 1 / 64

_RANGES = ("tree", "siblings")


@dataclass(frozen=True)
class SearchSettings:
    """How to search; the names are those of the core's ``SearchOptions``.

    ``simulations``: leaves evaluated for each decision; 0 plays the prior. ``considered``: actions that the root
    simulates at most. Values q are scaled to [0, 1] from their range over the whole ``"tree"`` or over the
    ``"siblings"`` at a node (as google-deepmind/mctx does), ranges below ``least_range`` counting as that; then by
    ``value_scale`` times ``visit_offset`` plus the most visits. ``gumbel_scale``: times the noise at the root, 0 for
    the best known action. ``search_forced``: simulate where one action is legal, too. ``rollouts``: random games
    for each evaluation.
    """

    simulations: int = 32
    considered: int = 3
    discount: float = DISCOUNT
    visit_offset: float = 50.0
    value_scale: float = 0.1
    gumbel_scale: float = 1.0
    value_range: Literal["tree", "siblings"] = "tree"
    least_range: float = 1e-8
    search_forced: bool = False
    rollouts: int = 1

    def core_options(self) -> Any:
        """The core's options.

        Raises:
            ValueError: a setting is out of range; the message names it.
        """
        if self.value_range not in _RANGES:
            raise ValueError(f"value_range: expected one of {', '.join(_RANGES)}, found {self.value_range!r}")
        return core_function("memstow.gumbel.options")(
            self.simulations,
            self.considered,
            self.discount,
            self.visit_offset,
            self.value_scale,
            self.gumbel_scale,
            _RANGES.index(self.value_range),
            self.least_range,
            self.search_forced,
        )
