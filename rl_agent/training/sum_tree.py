"""Draws in proportion to weights that change: a binary tree of sums (Schaul et al., arXiv 1511.05952, appendix B)."""

from __future__ import annotations

import numpy as np


class SumTree:
    """Weights of numbered leaves, 0 unless set; a draw and a change cost O(log leaves).

    A node is the sum of its two children and nothing else, so that the tree depends on the leaves alone and not on the
    order in which they were set::

                [1] total
           [2]           [3]
        [4]   [5]     [6]   [7]      leaves 0..3
    """

    def __init__(self) -> None:
        self._leaves = 1
        self._sums = np.zeros(2)

    @property
    def total(self) -> float:
        """Sum of all weights."""
        return float(self._sums[1])

    def __getitem__(self, leaf: int) -> float:
        return float(self._sums[self._leaves + leaf]) if leaf < self._leaves else 0.0

    def __setitem__(self, leaf: int, weight: float) -> None:
        while leaf >= self._leaves:
            self._grow()
        node = self._leaves + leaf
        self._sums[node] = weight
        while node > 1:
            node //= 2
            self._sums[node] = self._sums[2 * node] + self._sums[2 * node + 1]

    def find(self, mass: float) -> int:
        """The leaf in which ``mass`` (0 <= mass < total) falls where the weights are laid end to end.

        A leaf of weight 0 is never found, whatever rounding does, unless all are.
        """
        node = 1
        while node < self._leaves:
            node *= 2
            left = self._sums[node]
            if mass >= left and self._sums[node + 1] > 0.0:
                mass -= left
                node += 1
        return node - self._leaves

    def _grow(self) -> None:
        old = self._sums[self._leaves :]
        self._leaves *= 2
        self._sums = np.zeros(2 * self._leaves)
        self._sums[self._leaves : self._leaves + len(old)] = old
        level = self._leaves
        while level > 1:
            children = self._sums[level : 2 * level]
            self._sums[level // 2 : level] = children[0::2] + children[1::2]
            level //= 2
