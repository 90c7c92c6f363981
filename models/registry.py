"""The table of models: a decorator that fills it and the functions that read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UnknownModelError
from ..extras import needed_for

if TYPE_CHECKING:
    import torch

    Built = tuple[torch.nn.Module, tuple[torch.Tensor, ...]]
    Builder = Callable[..., Built]

Config = Mapping[str, Any]

META_SIZE = "deep"
"""The size that is built on the meta device: shapes only, far too large to materialise."""

_ENTRIES: dict[str, Entry] = {}


@dataclass(frozen=True)
class Entry:
    """One model of the zoo.

    `configs` maps each size to the keyword arguments of `builder`, which returns the module and its example inputs
    on the current default device, drawn from torch's global generator.
    """

    name: str
    description: str
    configs: Mapping[str, Config]
    builder: Builder

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes that can be built, smallest first."""
        return tuple(self.configs)

    def build(self, size: str = "tiny", *, seed: int = 0, shapes_only: bool = False) -> Built:
        """Build the module and its example inputs; see `build`."""
        if size not in self.configs:
            raise UnknownModelError(f"{self.name}/{size}", [f"{self.name}/{known}" for known in self.configs])
        import torch

        device = "meta" if shapes_only or size == META_SIZE else "cpu"
        # transformers initialises from torch's global generator: fork it, so that the seed decides and nothing leaks.
        with (
            needed_for(f"model {self.name!r}", "transformers", "zoo"),
            torch.random.fork_rng(devices=[]),
            torch.device(device),
        ):
            torch.manual_seed(seed)
            module, inputs = self.builder(**self.configs[size])
        return module.eval().requires_grad_(False), inputs


def model(name: str, description: str, *, sizes: Mapping[str, Config]) -> Callable[[Builder], Builder]:
    """Register the decorated builder as `name`; `sizes` maps each size to the builder's keyword arguments."""

    def register(builder: Builder) -> Builder:
        if name in _ENTRIES:
            raise ValueError(f"model {name!r} is registered twice")
        _ENTRIES[name] = Entry(name, description, sizes, builder)
        return builder

    return register


def names() -> list[str]:
    """Return the names of all models, sorted."""
    return sorted(_ENTRIES)


def entry(name: str) -> Entry:
    """Return the entry of `name`; raise `UnknownModelError` with the nearest names if there is none."""
    if name not in _ENTRIES:
        raise UnknownModelError(name, names())
    return _ENTRIES[name]


def sizes(name: str) -> tuple[str, ...]:
    """Return the sizes in which `name` can be built: `tiny`, `full` and, for some, `deep`."""
    return entry(name).sizes


def describe(name: str) -> str:
    """Return a description of `name` in one line."""
    return entry(name).description


def build(name: str, size: str = "tiny", *, seed: int = 0, shapes_only: bool = False) -> Built:
    """Build a model with random weights, in evaluation mode, and positional example inputs for it.

    The same seed gives the same weights and inputs, and torch's global generator is left as it was. Everything is
    float32 (token ids: int64). With `shapes_only`, and in size `deep` always, the model lives on the meta device: no
    weight and no input has storage.
    """
    return entry(name).build(size, seed=seed, shapes_only=shapes_only)
