"""Read an MLIR function into kernels: calls are inlined, views and repeated numbers take no kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...errors import InvalidInputError, UnknownNameError
from .buffers import State, Storage, Value
from .kernels import MlirKernel
from .linalg import linalg_step
from .parser import parse_module
from .result_types import result_types
from .stablehlo import stablehlo_step
from .step import ConstantStep, EmptyStep, FillStep, KernelStep, ScalarStep, Step, Typed, ViewStep
from .syntax import Function, Module, Operation, Region
from .tensor_ops import arith_step, assertion_step, tensor_step
from .types import TensorType, parse_type

_STEPS: Mapping[str, Callable[[Typed], Step]] = {
    "stablehlo": stablehlo_step,
    "mhlo": stablehlo_step,
    "chlo": stablehlo_step,
    "sdy": stablehlo_step,
    "linalg": linalg_step,
    "tensor": tensor_step,
    "arith": arith_step,
    "math": arith_step,
    "cf": assertion_step,
}
_STATES: Mapping[type[Step], State] = {
    ConstantStep: "constant",
    FillStep: "fill",
    EmptyStep: "empty",
    ScalarStep: "scalar",
}
_RETURNS = frozenset({"func.return", "stablehlo.return", "mhlo.return"})


def read_mlir(path: str | Path, function: str = "") -> tuple[MlirKernel, ...]:
    """Kernels of one function of an MLIR text file: StableHLO, or linalg on tensors.

    Every operation is a kernel of its own, except: reshapes and other views, constants, what is computed from repeated
    numbers alone, and ``linalg.fill`` where it only gives an accumulator its first value. A result takes the place of
    an operand that it updates (``dynamic_update_slice``, ``scatter``, the destination of linalg) if nothing needs that
    later.

    Args:
        path: of a text file in the pretty or the generic form.
        function: its name; empty for ``main``, or the only public one.

    Raises:
        InvalidInputError: a file that is absent, truncated or no MLIR; dynamic shapes, control flow, or an operation
            whose cost its types do not bound, with file and line.
        UnknownNameError: no such function.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InvalidInputError(
            f"{path}: expected MLIR text in UTF-8, found binary data; print bytecode with mlir-opt or stablehlo-opt"
        ) from None
    try:
        module = parse_module(str(path), text)
    except RecursionError:
        raise InvalidInputError(f"{path}: brackets are nested too deeply for MLIR of a model; check the file") from None
    return _Reader(module).read(_entry(module, function))


def _entry(module: Module, name: str) -> Function:
    functions = {f.name: f for f in module.functions.values() if f.body is not None}
    if name:
        if name not in functions:
            raise UnknownNameError("function", name, functions, f"They are those of {module.path}.")
        return functions[name]
    public = [f for f in functions.values() if f.public]
    if "main" in functions:
        return functions["main"]
    if len(public) == 1:
        return public[0]
    if not functions:
        raise InvalidInputError(f"{module.path}: expected a function (func.func), found none; check the file")
    raise InvalidInputError(
        f"{module.path}: expected a function 'main' or a single public one, found "
        f"{', '.join(sorted(functions))}; name the one to read"
    )


def _step(typed: Typed) -> Step:
    """What the operation does; operands and attributes that do not fit each other show wherever they are looked up."""
    try:
        return _STEPS[typed.operation.dialect](typed)
    except InvalidInputError:
        raise
    except (IndexError, ValueError) as error:
        raise typed.operation.error(
            f"operands, attributes and types do not fit ({error}); is the text damaged?"
        ) from None


class _Reader:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.storage = Storage()
        self.calls: list[str] = []

    def read(self, function: Function) -> tuple[MlirKernel, ...]:
        assert function.body is not None
        values = {}
        for i, (name, text) in enumerate(function.body.arguments):
            of = parse_type(text, function.where)
            values[name] = self.storage.argument(of, name.lstrip("%"), donated=i in function.donated)
        self.calls.append(function.name)
        for value in self.block(function.body, values, function.where):
            self.storage.output(value, function.body.operations[-1])
        return self.storage.kernels()

    def block(self, region: Region, values: dict[str, Value], where: str) -> list[Value]:
        """Run the operations; the values that the last one returns."""
        for operation in region.operations:
            if operation.name in _RETURNS:
                return [self.value(operation, values, name) for name in operation.operands]
            self.operation(operation, values)
        raise InvalidInputError(f"{where}: expected a return at the end of the function, found none; is it truncated?")

    def value(self, operation: Operation, values: Mapping[str, Value], name: str) -> Value:
        found = values.get(name) or values.get(name.removesuffix("#0"))
        if found is None:
            raise operation.error(f"expected a value that is defined before, found {name}; is the text truncated?")
        return found

    def operation(self, operation: Operation, values: dict[str, Value]) -> None:
        callee = self.callee(operation)
        if callee is not None:
            values.update(zip(operation.results, self.call(operation, callee, values), strict=False))
            return
        if operation.dialect not in _STEPS:
            raise operation.error(
                f"expected an operation of {', '.join(sorted(_STEPS))} or func.call; lower the module to StableHLO or "
                "to linalg on tensors first"
            )
        types = _Types(self, operation, values)
        typed = Typed(operation, types, result_types(operation, types))
        results = self.results(_step(typed), typed, values)
        values.update(zip(operation.results, results, strict=True))

    def results(self, step: Step, typed: Typed, values: dict[str, Value]) -> list[Value]:
        operation, types = typed.operation, typed.results
        if isinstance(step, KernelStep):
            return self.kernel(step, typed, values)
        if isinstance(step, ViewStep):
            if len(step.sources) != len(types):
                raise operation.error(f"expected {len(types)} operands, one for each result, found {len(step.sources)}")
            return [
                self.value(operation, values, name).viewed(of) for name, of in zip(step.sources, types, strict=True)
            ]
        if isinstance(step, ConstantStep) and not step.uniform:
            return [self.storage.constant(types[0], operation.results[0].lstrip("%"))]
        return [Value(of, state=_STATES[type(step)]) for of in types]

    def kernel(self, step: KernelStep, typed: Typed, values: dict[str, Value]) -> list[Value]:
        values = {name: self.value(typed.operation, values, name) for name, _ in step.reads}
        numbers = all(values[name].is_number for name, _ in step.reads)
        if step.folds and step.reads and numbers:
            return [Value(of, state="fill") for of in typed.results]
        operation = typed.operation
        kept = [name for name, _ in step.reads if not (name in step.immediate and values[name].is_number)]
        kept = [name for name in kept if values[name].state not in ("scalar", "empty")]
        for name in kept:
            self.storage.materialise(values[name], name.lstrip("%"), operation.where)
        if step.facts.op_class == "elementwise":
            kept = list(dict.fromkeys(kept))
        return self.storage.emit(operation, step, [(name, values[name]) for name in kept], typed.results)

    def callee(self, operation: Operation) -> Function | None:
        """The function that a call or a composite operation stands for."""
        if operation.name == "func.call":
            name = operation.symbols[0] if operation.symbols else str(operation.attributes.get("callee", ""))
        elif operation.name == "stablehlo.composite":
            name = str(operation.attributes.get("decomposition", ""))
        else:
            return None
        name = name.lstrip("@").strip('"')
        function = self.module.functions.get(name)
        if function is None or function.body is None:
            raise operation.error(f"expected a function of this file with a body, found @{name}; export it along")
        return function

    def call(self, operation: Operation, function: Function, values: Mapping[str, Value]) -> list[Value]:
        if function.name in self.calls:
            raise operation.error(f"@{function.name} calls itself, which has no fixed schedule; unroll the recursion")
        assert function.body is not None
        given = [self.value(operation, values, name) for name in operation.operands]
        names = [name for name, _ in function.body.arguments]
        if len(given) != len(names):
            raise operation.error(f"expected {len(names)} arguments of @{function.name}, found {len(given)}")
        self.calls.append(function.name)
        results = self.block(function.body, dict(zip(names, given, strict=True)), function.where)
        self.calls.pop()
        return results


class _Types(Mapping[str, TensorType]):
    """Types by SSA name, as one operation sees them."""

    def __init__(self, reader: _Reader, operation: Operation, values: Mapping[str, Value]) -> None:
        self._reader, self._operation, self._values = reader, operation, values

    def __getitem__(self, name: str) -> TensorType:
        return self._reader.value(self._operation, self._values, name).type

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
