"""Sizes of built models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def parameter_count(module: torch.nn.Module) -> int:
    """Return the number of scalar parameters; a tensor shared by two layers counts once."""
    return sum(parameter.numel() for parameter in module.parameters())


def parameter_bytes(module: torch.nn.Module) -> int:
    """Return the bytes of all parameters; a tensor shared by two layers counts once."""
    return sum(parameter.numel() * parameter.element_size() for parameter in module.parameters())
