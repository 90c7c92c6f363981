"""Affine maps: which loops index which dimension of a tensor."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .syntax import Attribute, Operation, Shaped

_MAP = re.compile(r"\s*\(([^)]*)\)\s*(?:\[[^\]]*\])?\s*->\s*\((.*)\)\s*", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_WORDS = frozenset({"mod", "floordiv", "ceildiv"})


@dataclass(frozen=True)
class AffineMap:
    """``results[i]`` holds the factor of every loop in the tensor's dimension ``i``; constants are left out."""

    loops: int
    results: tuple[dict[int, int], ...]

    @property
    def used(self) -> set[int]:
        """Loops that some dimension depends on."""
        return {loop for result in self.results for loop in result}

    @property
    def plain(self) -> list[int] | None:
        """The loop of every dimension, if each depends on exactly one."""
        return [next(iter(result)) for result in self.results] if all(len(r) == 1 for r in self.results) else None

    @property
    def windows(self) -> list[dict[int, int]]:
        """Dimensions that depend on several loops, as a window's position and offset do."""
        return [result for result in self.results if len(result) > 1]


def parse_map(value: Attribute, operation: Operation) -> AffineMap:
    """Map of an ``affine_map<...>`` attribute.

    Raises:
        InvalidInputError: the attribute is none.
    """
    match = _MAP.fullmatch(value.body) if isinstance(value, Shaped) and value.name == "affine_map" else None
    if match is None:
        raise operation.error(f"expected affine maps as indexing_maps, found {value!r:.80}; is an alias not defined?")
    names = [name.strip() for name in match[1].split(",") if name.strip()]
    loops = {name: i for i, name in enumerate(names)}
    results = tuple(_expression(text, loops) for text in _split(match[2]) if text.strip())
    return AffineMap(len(loops), results)


def letters_map(loops: str, dims: str) -> AffineMap:
    """Map of a named operation, such as ``letters_map("mnk", "mk")``."""
    return AffineMap(len(loops), tuple({loops.index(letter): 1} for letter in dims))


def _split(text: str) -> list[str]:
    """At the commas outside of parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _expression(text: str, loops: dict[str, int]) -> dict[int, int]:
    """Factors of the loops in a sum; 1 for a loop inside anything else than a product with a number."""
    found: dict[int, int] = {}
    for term in re.split(r"[+-]", text):
        names = [name for name in _NAME.findall(term) if name not in _WORDS and name in loops]
        numbers = re.fullmatch(r"\s*(?:(\d+)\s*\*\s*\w+|\w+\s*\*\s*(\d+))\s*", term)
        factor = int(numbers[1] or numbers[2]) if numbers else 1
        found.update((loops[name], factor) for name in names)
    return found
