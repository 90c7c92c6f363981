"""Programs of various lengths as one array of chunks, so that all of them are read in one call.

Two programs with five and three decisions in chunks of four::

    program 0    d0 d1 d2 d3 | d4 .  .  .        chunk 0 (first), chunk 1 (last)
    program 1    d0 d1 d2 .                      chunk 2 (first and last)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Chunks:
    """C chunks of L places, of B programs.

    ``valid`` (C, L) bool: a decision is there; every chunk has one at its first place. ``first``, ``last`` (C,) bool:
    of its program. ``members`` (B, C): 1 where a chunk belongs to a program, else 0. ``counts`` (B, 1): decisions.
    """

    valid: Tensor
    first: Tensor
    last: Tensor
    members: Tensor
    counts: Tensor

    @classmethod
    def of(cls, lengths: Sequence[int], size: int, device: torch.device) -> Chunks:
        """The chunks of programs with these numbers of decisions."""
        per_program = torch.tensor([-(-length // size) for length in lengths], dtype=torch.long)
        counts = torch.tensor(lengths, dtype=torch.long)
        program = torch.repeat_interleave(torch.arange(len(lengths)), per_program)
        ends = torch.cumsum(per_program, 0)
        within = torch.arange(len(program)) - (ends - per_program)[program]
        places = within[:, None] * size + torch.arange(size)
        return cls(
            valid=(places < counts[program, None]).to(device),
            first=(within == 0).to(device),
            last=(within == per_program[program] - 1).to(device),
            members=(torch.arange(len(lengths))[:, None] == program).float().to(device),
            counts=counts[:, None].to(device),
        )

    def pack(self, programs: Sequence[Tensor]) -> Tensor:
        """Programs [(D_k, P)] as (C, L, P), with zeros where no decision is."""
        size = self.valid.shape[1]
        padded = [functional.pad(program, (0, 0, 0, -len(program) % size)) for program in programs]
        return torch.cat(padded).view(-1, size, programs[0].shape[1])

    def unpack(self, x: Tensor) -> Tensor:
        """(C, L, W) as the decisions of all programs, one program after another: (sum of D_k, W)."""
        return x[self.valid]

    def mean(self, x: Tensor) -> Tensor:
        """The mean over the decisions of each program: (C, L, W) -> (B, W)."""
        sums: Tensor = torch.einsum("clw,cl->cw", x, self.valid.to(x.dtype))
        return (self.members @ sums) / self.counts.clamp(min=1)

    def spread(self, x: Tensor) -> Tensor:
        """What each program has, given to all of its places: (B, W) -> (C, 1, W)."""
        return (self.members.T @ x)[:, None]

    def visible(self) -> Tensor:
        """What a chunk sees of the chunk before it, itself and the one after it: (C, 3 L) bool."""
        padded = functional.pad(self.valid, (0, 0, 1, 1))
        before, after = padded[:-2] & ~self.first[:, None], padded[2:] & ~self.last[:, None]
        return torch.cat([before, self.valid, after], dim=1)


def with_neighbours(x: Tensor) -> Tensor:
    """Each chunk with the one before it and the one after it: (C, L, W) -> (C, 3 L, W); zeros beyond the ends."""
    padded = functional.pad(x, (0, 0, 0, 0, 1, 1))
    return torch.cat([padded[:-2], padded[1:-1], padded[2:]], dim=1)
