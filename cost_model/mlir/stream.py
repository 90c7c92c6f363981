"""A cursor over tokens."""

from __future__ import annotations

from ...errors import InvalidInputError
from .lexer import Kind, Source, Token


class TokenStream:
    """Tokens with look-ahead; what is expected and not there is an error with its line."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self._tokens = tokens
        self._next = 0

    def peek(self, ahead: int = 0) -> Token:
        """A token to come; the last one for ever at the end."""
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    def next(self) -> Token:
        """The next token."""
        token = self.peek()
        self._next += 1
        return token

    def accept(self, text: str) -> bool:
        """Take the next token if it is this one."""
        token = self.peek()
        if token.text != text or token.kind == "string":
            return False
        self._next += 1
        return True

    def accept_kind(self, kind: Kind) -> bool:
        """Take the next token if it is of this kind."""
        if self.peek().kind != kind:
            return False
        self._next += 1
        return True

    def expect(self, text: str, what: str) -> Token:
        """Take this token, which opens ``what``."""
        token = self.peek()
        if not self.accept(text):
            raise self.error(token, f"expected {text!r} for {what}, found {token.text:.40}; is the text truncated?")
        return token

    def expect_kind(self, kind: Kind, what: str) -> Token:
        """Take a token of this kind."""
        token = self.peek()
        if not self.accept_kind(kind):
            raise self.error(token, f"expected {what}, found {token.text:.40}; is the text truncated?")
        return token

    def check_open(self, opening: Token) -> None:
        """Fail at the end of the text, naming what was never closed."""
        token = self.peek()
        if token.kind == "end":
            raise self.error(
                token, f"{opening.text!r} of {self.where(opening)} is never closed; is the file truncated?"
            )

    def skip_angle(self) -> str:
        """``<...>`` as text, from a token ``<``."""
        opening, depth = self.peek(), 0
        begin = opening.position
        while True:
            self.check_open(opening)
            token = self.next()
            depth += (token.text == "<") - (token.text == ">")
            if depth == 0:
                return self.source.text[begin + 1 : token.position]

    def begins_statement(self) -> bool:
        """Whether SSA names and an equals sign follow: the results of the next operation."""
        ahead = 0
        while self.peek(ahead).kind == "value":
            ahead += 1
            if self.peek(ahead).text == ":" and self.peek(ahead + 1).kind == "number":
                ahead += 2
            if self.peek(ahead).text == "=":
                return True
            if self.peek(ahead).text != ",":
                return False
            ahead += 1
        return False

    def where(self, token: Token) -> str:
        """``FILE:LINE`` of a token."""
        return self.source.where(token.position)

    def error(self, token: Token, message: str) -> InvalidInputError:
        """What is wrong at a token."""
        return self.source.error(token.position, message)
