"""MLIR text as tokens.

What is opaque to the parser is one token each: ``tensor<2x3xf32>``, ``#stablehlo.dot<...>``, ``dense<...>`` (of any
size: the scan jumps from bracket to bracket) and ``loc(...)``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from ...errors import InvalidInputError

Kind = Literal[
    "value", "block", "symbol", "name", "shaped", "alias", "string", "number", "punctuation", "location", "end"
]

_BLANK = re.compile(r"(?:\s+|//[^\n]*)*")
_TOKEN = re.compile(
    r"""(?P<value>%[\w$.-]+(?:\#\d+)?)
      | (?P<block>\^[\w$.-]+)
      | (?P<symbol>@(?:[\w$.-]+|"(?:[^"\\]|\\.)*")(?:::@[\w$.-]+)*)
      | (?P<alias>[\#!][A-Za-z_][\w$.]*)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<number>-?0x[0-9A-Fa-f]+|-?\d+\.\d*(?:[eE][-+]?\d+)?|-?\d+(?:[eE][-+]?\d+)?)
      | (?P<name>[A-Za-z_][\w$.]*)
      | (?P<punctuation>->|::|[(){}\[\]<>=,:+*?/|;-])
    """,
    re.VERBOSE,
)
_ANGLE = re.compile(r'[<>"]')
_ROUND = re.compile(r'[()"]')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class Token(NamedTuple):
    """One lexeme and where it begins in the text."""

    kind: Kind
    text: str
    position: int


@dataclass(frozen=True)
class Source:
    """A text and its path, for messages that say where."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def _lines(self) -> list[int]:
        return [match.start() for match in re.finditer("\n", self.text)]

    def where(self, position: int) -> str:
        """``FILE:LINE``."""
        return f"{self.path}:{bisect_right(self._lines, position - 1) + 1}"

    def error(self, position: int, message: str) -> InvalidInputError:
        """What is wrong at a place in the text."""
        return InvalidInputError(f"{self.where(position)}: {message}")


def tokens(source: Source) -> list[Token]:
    """All tokens, ending with one of kind ``end``; comments and the resource section ``{-# ... #-}`` are left out.

    Raises:
        InvalidInputError: a bracket or string that is never closed, or a character that MLIR has not.
    """
    found: list[Token] = []
    text, position = source.text, 0
    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank else position
        if position >= len(text) or text.startswith("{-#", position):
            return [*found, Token("end", "the end of the text", len(text))]
        token = _token(source, position)
        found.append(token)
        position += len(token.text)


def _token(source: Source, position: int) -> Token:
    text = source.text
    match = _TOKEN.match(text, position)
    if match is None:
        if text[position] == '"':
            raise source.error(position, "a string is never closed; is the file truncated?")
        raise source.error(position, f"expected MLIR text, found the character {text[position]!r}; check the file")
    kind: Kind = match.lastgroup  # type: ignore[assignment]
    end = match.end()
    if kind in ("name", "alias") and text.startswith("<", end):
        return Token("shaped", text[position : _close(source, end, _ANGLE)], position)
    if match.group() == "loc" and text.startswith("(", end):
        return Token("location", text[position : _close(source, end, _ROUND)], position)
    return Token(kind, match.group(), position)


def _close(source: Source, opening: int, brackets: re.Pattern[str]) -> int:
    """End of the bracket that opens at ``opening``; the arrow ``->`` and comparisons are no brackets."""
    text, depth, position = source.text, 0, opening
    while match := brackets.search(text, position):
        position = match.end()
        if match.group() == '"':
            string = _STRING.match(text, match.start())
            if string is None:
                break
            position = string.end()
        elif match.group() in "<(":
            depth += not text.startswith("=", position)
        elif text[match.start() - 1] != "-" and not text.startswith("=", position):
            depth -= 1
            if depth == 0:
                return position
    raise source.error(opening, f"{text[opening]!r} is never closed; is the file truncated?")
