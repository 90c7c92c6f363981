"""The pieces of one operation, collected up to where the next one begins."""

from __future__ import annotations

from typing import Protocol

from .lexer import Token
from .stream import TokenStream
from .syntax import Attribute, Operation, Region, Shaped

_STATEMENTS = frozenset({"return", "call", "func", "module"})
#: Behind these words stands an operation's name that is no statement.
_NAMING = frozenset({"applies"})
_TO = frozenset({"to", "into"})
_BUILTIN_TYPES = frozenset({"index", "none", "bf16", "f16", "f32", "f64", "tf32"})
_SHAPED_TYPES = ("tensor<", "vector<", "memref<", "complex<", "tuple<", "!")


class Grammar(Protocol):
    """What the parser offers for the parts of an operation."""

    stream: TokenStream
    inside: int

    def region(self) -> Region: ...  # noqa: D102
    def arguments(self) -> list[tuple[str, str]]: ...  # noqa: D102
    def dictionary(self) -> dict[str, Attribute]: ...  # noqa: D102
    def value(self, *, typed: bool) -> Attribute: ...  # noqa: D102
    def items(self, opening: str, closing: str) -> tuple[Attribute, ...]: ...  # noqa: D102
    def type(self) -> str: ...  # noqa: D102
    def result_types(self) -> list[str]: ...  # noqa: D102


class Pieces:
    """Reads the pieces behind an operation's name into it."""

    def __init__(self, grammar: Grammar, operation: Operation) -> None:
        self.grammar = grammar
        self.stream = grammar.stream
        self.operation = operation
        #: The last word, which says what a bracket behind it means.
        self.word = ""
        #: Arguments of the next region, where they stand before it.
        self.pending: list[tuple[str, str]] = []
        self.bound: list[str] = []

    def read(self) -> None:
        """Read up to the next statement, a closing brace, a block or the end of the text."""
        while not self._at_end():
            self._piece(self.stream.peek())

    def _at_end(self) -> bool:
        stream = self.stream
        token = stream.peek()
        if token.kind in ("end", "block") or token.text == "}":
            return True
        if token.kind == "value":
            return stream.begins_statement()
        if token.kind == "string":
            return stream.peek(1).text == "("
        if token.kind == "alias":
            return stream.peek(1).text == "="
        if token.kind != "name" or self.word in _NAMING:
            return False
        return token.text in _STATEMENTS or ("." in token.text and stream.peek(1).text != "=")

    def _piece(self, token: Token) -> None:
        stream, operation = self.stream, self.operation
        if token.kind == "value":
            operation.operands.append(stream.next().text)
        elif token.kind == "symbol":
            operation.symbols.append(stream.next().text.lstrip("@").strip('"'))
        elif token.kind == "location" or token.text in (",", "="):
            stream.next()
        elif token.kind == "name":
            self._word()
        elif token.text == "(":
            self._parenthesis()
        elif token.text == "[":
            operation.words.append(self.grammar.items("[", "]"))
        elif token.text == "{":
            self._brace()
        elif token.text == "<":
            self._properties()
        elif token.text == ":":
            stream.next()
            operation.typed = True
            self._types()
        elif token.text == "->":
            stream.next()
            operation.result_types = self.grammar.result_types()
        else:
            self._constant()

    def _constant(self) -> None:
        """A literal; one that an alias stands for may be the operation's attributes."""
        value = self.grammar.value(typed=False)
        if isinstance(value, dict):
            self.operation.attributes.update(value)
        else:
            self.operation.words.append(value)

    def _word(self) -> None:
        stream, operation = self.stream, self.operation
        self.word = word = stream.next().text
        following = stream.peek().text
        if following == "=":
            stream.next()
            operation.attributes[word] = self._sequence()
        elif following == "[" and word in ("low", "high"):
            operation.attributes[word] = self.grammar.items("[", "]")
        elif word in _TO and self._at_type():
            operation.result_types = [self.grammar.type()]
        else:
            operation.words.append(word)

    def _sequence(self) -> Attribute:
        """A value, or values joined as in ``[2] x [1]`` and ``[b, f]x[i, o]->[b, f]``."""
        parts = [self.grammar.value(typed=False)]
        while self.stream.peek(1).text == "[" and self.stream.peek().text in ("x", "->"):
            self.stream.next()
            parts.append(self.grammar.value(typed=False))
        return parts[0] if len(parts) == 1 else tuple(parts)

    def _properties(self) -> None:
        """``<{key = value}>``, or an enumerator such as ``<add>``."""
        if self.stream.peek(1).text != "{":
            self.operation.words.append(Shaped("", self.stream.skip_angle()))
            return
        self.stream.next()
        self.operation.attributes.update(self.grammar.dictionary())
        self.stream.expect(">", "the end of the properties")

    def _types(self) -> None:
        """Behind a colon: types, ``(types) -> types`` or ``type to type``."""
        stream, operation = self.stream, self.operation
        if stream.peek().text == "(":
            operation.types = self.grammar.result_types()
        else:
            operation.types = [self.grammar.type()]
            while stream.peek().text == "," and self._at_type(1):
                stream.next()
                operation.types.append(self.grammar.type())

    def _at_type(self, ahead: int = 0) -> bool:
        token = self.stream.peek(ahead)
        text = token.text
        if token.kind == "name":
            return text in _BUILTIN_TYPES or (text[0] in "isu" and text.lstrip("sui").isdigit())
        return token.kind in ("shaped", "alias") and text.startswith(_SHAPED_TYPES)

    def _parenthesis(self) -> None:
        stream, operation, word = self.stream, self.operation, self.word
        opening = stream.next()
        first = stream.peek()
        if first.text == "{":
            while not stream.accept(")"):
                stream.check_open(opening)
                operation.regions.append(self.grammar.region())
                stream.accept(",")
        elif first.kind == "value" and word in ("ins", "outs"):
            self._tensors(operation.operands if word == "ins" else operation.destinations)
            self.word = ""
        elif first.kind == "value" and stream.peek(1).text == ":":
            self.pending += self.grammar.arguments()
        else:
            while not stream.accept(")"):
                stream.check_open(opening)
                self._inside(stream.peek())

    def _tensors(self, names: list[str]) -> None:
        """``%a, %b : type, type)``; the types are known from where the values come from."""
        stream = self.stream
        while stream.peek().kind == "value":
            names.append(stream.next().text)
            stream.accept(",")
        stream.expect(":", "types")
        while not stream.accept(")"):
            self.grammar.type()
            stream.accept(",")

    def _inside(self, token: Token) -> None:
        """One piece of ``(%a init: %b)``, ``(%a, k = 3)``, ``(%carried = %a)`` or ``(2)``."""
        stream, operation = self.stream, self.operation
        if token.text == "init":
            stream.next()
            stream.expect(":", "an initial value")
            operation.initial.append(stream.expect_kind("value", "an initial value").text)
        elif token.kind == "value" and stream.peek(1).text == "=":
            self.bound.append(stream.next().text)
            stream.next()
        elif token.text == ",":
            stream.next()
        elif token.kind in ("value", "name"):
            self._piece(token)
        else:
            operation.words.append(self.grammar.value(typed=True))

    def _brace(self) -> None:
        """Attributes, a region, or ``{ arith.addf }`` that stands for a region of this one operation."""
        operation = self.operation
        if self._is_region():
            region = self.grammar.region()
            region.arguments = region.arguments or self.pending
            self.pending = []
            operation.regions.append(region)
        else:
            operation.attributes.update(self.grammar.dictionary())

    def _is_region(self) -> bool:
        first, second = self.stream.peek(1), self.stream.peek(2)
        if self.operation.name in ("linalg.map", "linalg.reduce") and first.kind == "name" and "." in first.text:
            return second.text in ("}", "{") or second.kind == "value"
        if first.kind in ("value", "block"):
            return True
        if first.kind == "string":
            return second.text == "("
        if first.text in ("return", "call"):
            return True
        return first.kind == "name" and "." in first.text and second.text not in ("=", ",", "}")
