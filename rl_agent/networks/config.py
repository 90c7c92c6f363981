"""What a network consists of."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ...schema import Document
from ..game.action import NUM_ACTIONS

Count = Annotated[int, Field(ge=1)]


class NetworkConfig(Document):
    """Sizes and kinds of a :class:`~memstow.rl_agent.networks.network.MemstowNetwork`.

    ``program_features`` (P) and ``state_features`` (F) count what is known of a decision from the program alone and of
    the state at it; three state features from ``first_outlook`` on are the actions' outlooks. ``reader``: ``gtrxl``
    reads decisions in the company of others, ``mlp`` each by itself. ``value``: ``hl-gauss`` predicts a histogram,
    ``scalar`` one number. ``value_range`` is in parts of a decision's potential, ``reward_range`` in symlog units of
    the reward. ``chunk`` is in decisions.
    """

    program_features: Count
    state_features: Count
    first_outlook: Annotated[int, Field(ge=0)] = 0
    embedding: Count = 32
    latent: Count = 64
    hidden: Count = 128
    trunk: Count = 64
    reader: Literal["gtrxl", "mlp"] = "gtrxl"
    reader_layers: Count = 2
    reader_width: Count = 64
    reader_heads: Count = 4
    chunk: Count = 64
    value: Literal["hl-gauss", "scalar"] = "hl-gauss"
    value_bins: Annotated[int, Field(ge=2)] = 51
    value_range: tuple[float, float] = (-0.5, 1.5)
    reward_bins: Annotated[int, Field(ge=2)] = 41
    reward_range: tuple[float, float] = (-4.0, 4.0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.first_outlook + NUM_ACTIONS > self.state_features:
            raise ValueError(
                f"expected {NUM_ACTIONS} state features from first_outlook {self.first_outlook} on, found "
                f"{self.state_features} in all"
            )
        if self.reader_width % self.reader_heads:
            raise ValueError(
                f"expected reader_width to be a multiple of reader_heads, found {self.reader_width} and "
                f"{self.reader_heads}"
            )
        for name, (low, high) in (("value_range", self.value_range), ("reward_range", self.reward_range)):
            if low >= high:
                raise ValueError(f"expected {name} to ascend, found {low} and {high}")
        return self
