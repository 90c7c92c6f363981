"""MLIR text as functions of operations, whatever the operations are.

The pretty forms of StableHLO, linalg and their companions are made of the same pieces: SSA values, ``key = value``,
``ins(...)`` and ``outs(...)``, lists, attribute dictionaries, regions and, behind a colon, types. The parser collects
the pieces of a statement up to where the next one begins, and the generic form is read the same way. So it needs no
grammar of any single operation; what the pieces mean is for the reader of that dialect.
"""

from __future__ import annotations

from ...errors import InvalidInputError
from .lexer import Source, tokens
from .pieces import Pieces
from .stream import TokenStream
from .syntax import Function, Module, Operation, Region
from .values import ValueParser

#: Dialects whose pretty forms are made of the pieces above, and for which there is a reader.
DIALECTS = frozenset({"stablehlo", "mhlo", "chlo", "linalg", "tensor", "arith", "math", "func", "builtin", "sdy", "cf"})
#: Operations that are printed without their dialect.
_BARE = {"return": "func.return", "call": "func.call", "func": "func.func", "module": "builtin.module"}
_DONATED = frozenset({"tf.aliasing_output", "jax.buffer_donor"})


def parse_module(path: str, text: str) -> Module:
    """The functions of a module.

    Raises:
        InvalidInputError: text that is truncated or no MLIR, or a dialect without a reader inside a function.
    """
    if text.startswith("ML\xefR"):
        raise InvalidInputError(f"{path}: expected MLIR text, found bytecode; print it with mlir-opt or stablehlo-opt")
    source = Source(path, text)
    module = Module(path)
    parser = _Parser(TokenStream(source, tokens(source)), module)
    while parser.stream.peek().kind != "end":
        parser.module_item()
    return module


class _Parser(ValueParser):
    def __init__(self, stream: TokenStream, module: Module) -> None:
        super().__init__(stream)
        self.module = module
        #: Depth of nested function bodies: outside of functions any dialect may declare what it likes.
        self.inside = 0

    # Modules and functions

    def module_item(self) -> None:
        stream = self.stream
        token = stream.peek()
        if token.kind in ("alias", "shaped") and stream.peek(1).text == "=":
            stream.next()
            stream.next()
            value = self.value(typed=True)
            self.aliases[token.text] = value
        elif token.text in ("module", "builtin.module"):
            stream.next()
            stream.accept_kind("symbol")
            if stream.accept("attributes"):
                self.dictionary()
            self.module_body()
            stream.accept_kind("location")
        elif token.text in ("func.func", "func"):
            self.function()
        elif token.kind == "location":
            stream.next()
        else:
            self.declaration(self.operation())

    def declaration(self, operation: Operation) -> None:
        """What stands in a module in generic form: a module, a function or something else."""
        if operation.name == "builtin.module":
            for region in operation.regions:
                for inner in region.operations:
                    self.declaration(inner)
        elif operation.name == "func.func":
            body = operation.regions[0] if operation.regions and operation.regions[0].operations else None
            visibility = operation.attributes.get("sym_visibility", "public")
            given = operation.attributes.get("arg_attrs", ())
            donated = [
                i
                for i, each in enumerate(given if isinstance(given, tuple) else ())
                if isinstance(each, dict) and _DONATED & each.keys()
            ]
            name = str(operation.attributes.get("sym_name", ""))
            self.add(Function(name, operation.where, visibility == "public", body, frozenset(donated)))

    def add(self, function: Function) -> None:
        if function.name in self.module.functions:
            raise InvalidInputError(
                f"{function.where}: function @{function.name} is defined twice; put each module into a file of its own"
            )
        self.module.functions[function.name] = function

    def function(self) -> None:
        stream = self.stream
        where = stream.where(stream.next())
        visibility = "public"
        while stream.peek().kind == "name":
            visibility = stream.next().text
        name = stream.expect_kind("symbol", "the function's name").text.lstrip("@").strip('"')
        stream.expect("(", f"the arguments of @{name}")
        arguments: list[tuple[str, str]] = []
        donated = set()
        while not stream.accept(")"):
            if stream.peek().kind == "value":
                argument = stream.next().text
                stream.expect(":", "an argument's type")
            else:
                argument = f"%arg{len(arguments)}"
            arguments.append((argument, self.type()))
            if stream.peek().text == "{" and _DONATED & self.dictionary().keys():
                donated.add(len(arguments) - 1)
            stream.accept_kind("location")
            stream.accept(",")
        if stream.accept("->"):
            self.result_types()
        if stream.accept("attributes"):
            self.dictionary()
        body = None
        if stream.peek().text == "{":
            self.inside += 1
            body = self.region()
            self.inside -= 1
            body.arguments = arguments
        stream.accept_kind("location")
        self.add(Function(name, where, visibility == "public", body, frozenset(donated)))

    def module_body(self) -> None:
        opening = self.stream.expect("{", "a module's body")
        while not self.stream.accept("}"):
            self.stream.check_open(opening)
            self.module_item()

    def region(self) -> Region:
        """``{ operations }``, with or without ``^bb0(%a: type):``."""
        stream = self.stream
        opening = stream.expect("{", "a region")
        region = Region()
        while not stream.accept("}"):
            stream.check_open(opening)
            token = stream.peek()
            if token.kind == "block":
                if region.operations or region.arguments:
                    raise stream.error(
                        token, "expected a region of one block, found a second; convert branches to a single block"
                    )
                stream.next()
                if stream.accept("("):
                    region.arguments = self.arguments()
                stream.expect(":", "the operations of the block")
            else:
                region.operations.append(self.operation())
        return region

    def arguments(self) -> list[tuple[str, str]]:
        """``%a: type, ...)`` behind the opening parenthesis."""
        found = []
        while not self.stream.accept(")"):
            name = self.stream.expect_kind("value", "a block argument").text
            self.stream.expect(":", "the argument's type")
            found.append((name, self.type()))
            self.stream.accept_kind("location")
            self.stream.accept(",")
        return found

    # Operations

    def operation(self) -> Operation:
        stream = self.stream
        results = []
        start = stream.peek()
        while stream.peek().kind == "value":
            name = stream.next().text
            if stream.accept(":"):
                number = stream.expect_kind("number", "a count of results")
                if not number.text.isdigit() or len(number.text) > 4:
                    raise stream.error(number, f"expected a count of results, found {number.text}")
                results += [f"{name}#{i}" for i in range(int(number.text))]
            else:
                results.append(name)
            stream.accept(",")
        if results:
            stream.expect("=", "an assignment")
        token = stream.next()
        if token.kind not in ("name", "string"):
            raise stream.error(token, f"expected an operation's name, found {token.text:.40}; is the text truncated?")
        name = _BARE.get(token.text, token.text.strip('"'))
        operation = Operation(name, stream.where(start), results=results)
        if self.inside and token.kind == "name" and operation.dialect not in DIALECTS:
            raise operation.error(
                f"expected an operation of {', '.join(sorted(DIALECTS))}, found one of the dialect "
                f"{operation.dialect!r}; lower the module to StableHLO or to linalg on tensors first"
            )
        Pieces(self, operation).read()
        if token.kind == "string" and not operation.typed:
            raise stream.error(token, f"{name}: expected types behind the operation; is the text truncated?")
        return operation
