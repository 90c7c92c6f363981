"""MLIR texts for tests."""

from __future__ import annotations

from pathlib import Path

from memstow.cost_model.mlir import MlirKernel, read_mlir

DATA = Path(__file__).parent / "data" / "mlir"


def function(arguments: str, body: str, results: str) -> str:
    """A module with one function."""
    return f"module {{\n  func.func @main({arguments}) -> {results} {{\n{body}\n  }}\n}}\n"


def kernels_of(folder: Path, text: str) -> tuple[MlirKernel, ...]:
    path = folder / "model.mlir"
    path.write_text(text, encoding="utf-8")
    return read_mlir(path)


def one_operation(folder: Path, arguments: list[str], operation: str, result: str) -> tuple[MlirKernel, ...]:
    """Kernels of a function that returns what ``operation`` makes of %arg0, %arg1, ..."""
    named = ", ".join(f"%arg{i}: {text}" for i, text in enumerate(arguments))
    return kernels_of(folder, function(named, f"    %r = {operation}\n    return %r : {result}", result))


def accessed(kernel: MlirKernel) -> tuple[list[float], list[float]]:
    facts = kernel.facts
    return [t.bytes_accessed for t in facts.operands], [t.bytes_accessed for t in facts.results]
