"""Attributes and types."""

from __future__ import annotations

from .lexer import Token
from .stream import TokenStream
from .syntax import Attribute, Reference, Shaped


class ValueParser:
    """Reads values of attributes, and types; aliases such as ``#map`` stand for what they were defined as."""

    def __init__(self, stream: TokenStream) -> None:
        self.stream = stream
        self.aliases: dict[str, Attribute] = {}

    def dictionary(self) -> dict[str, Attribute]:
        """``{key = value, unit}``."""
        stream = self.stream
        opening = stream.expect("{", "attributes")
        found: dict[str, Attribute] = {}
        while not stream.accept("}"):
            stream.check_open(opening)
            key = stream.next()
            if key.kind not in ("name", "string"):
                raise stream.error(key, f"expected an attribute's name, found {key.text:.40}")
            found[key.text.strip('"')] = self.value(typed=True) if stream.accept("=") else True
            stream.accept(",")
        return found

    def value(self, *, typed: bool) -> Attribute:
        """An attribute's value; ``typed``: a colon behind it opens its own type, not the operation's."""
        stream = self.stream
        token = stream.peek()
        if token.text == "{":
            return self.dictionary()
        if token.text == "[":
            return self.items("[", "]")
        if token.text == "(":
            types = [str(item) for item in self.items("(", ")")]
            if stream.accept("->"):
                types += self.result_types()
            return tuple(types)
        if token.text == "<":
            return Shaped("", stream.skip_angle())
        stream.next()
        if token.kind == "shaped":
            name, _, body = token.text.partition("<")
            of = self.type() if typed and stream.accept(":") else ""
            return Shaped(name, body[:-1], of)
        value: Attribute = token.text
        if token.kind == "number":
            value = _number(token)
        elif token.kind == "string":
            value = token.text[1:-1]
        elif token.kind == "alias":
            value = self.aliases.get(token.text, token.text)
        elif token.kind == "value":
            value = Reference(token.text)
        elif token.text in ("true", "false"):
            value = token.text == "true"
        elif token.kind not in ("name", "symbol", "location"):
            raise stream.error(token, f"expected an attribute's value, found {token.text:.40}; is the text truncated?")
        if typed and stream.accept(":"):
            self.type()
        return value

    def items(self, opening: str, closing: str) -> tuple[Attribute, ...]:
        """Values between brackets; ``0:4:2`` is a tuple of its numbers."""
        stream = self.stream
        token = stream.expect(opening, "a list")
        found: list[Attribute] = []
        while not stream.accept(closing):
            stream.check_open(token)
            value = self.value(typed=False)
            if stream.accept(":"):
                following = stream.peek()
                if following.kind != "number":
                    self.type()
                else:
                    parts = [value, self.value(typed=False)]
                    while stream.accept(":"):
                        parts.append(self.value(typed=False))
                    value = tuple(parts)
            found.append(value)
            stream.accept(",")
        return tuple(found)

    def type(self) -> str:
        """One type as text, aliases resolved."""
        stream = self.stream
        token = stream.next()
        if token.kind == "alias":
            value = self.aliases.get(token.text, token.text)
            return f"{value.name}<{value.body}>" if isinstance(value, Shaped) else str(value)
        if token.text == "(":
            while not stream.accept(")"):
                stream.check_open(token)
                self.type()
                stream.accept(",")
            stream.expect("->", "a function type")
            self.result_types()
            return "function"
        if token.kind not in ("shaped", "name"):
            raise stream.error(token, f"expected a type, found {token.text:.40}; is the text truncated?")
        return token.text

    def result_types(self) -> list[str]:
        """One type, or several in parentheses, each with attributes or without."""
        stream = self.stream
        if not stream.accept("("):
            return [self.type()]
        found = []
        while not stream.accept(")"):
            found.append(self.type())
            if stream.peek().text == "{":
                self.dictionary()
            stream.accept_kind("location")
            stream.accept(",")
        return found


def _number(token: Token) -> int | float:
    text = token.text
    if "x" in text:
        return int(text, 16)
    return int(text) if text.lstrip("-").isdigit() else float(text)
