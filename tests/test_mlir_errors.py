from __future__ import annotations

import re
from pathlib import Path

import pytest

from memstow.cost_model.mlir import read_mlir
from memstow.errors import InvalidInputError, UnknownNameError

from .mlir_text import DATA, function, kernels_of, one_operation

T = "tensor<4x6xf32>"


def fails(folder: Path, text: str, *, line: int, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        kernels_of(folder, text)
    assert f"model.mlir:{line}: " in str(caught.value)
    assert re.search(message, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("name", ["cache_update.mlir", "cnn_linalg.mlir"])
def test_a_truncated_file_is_an_error_with_a_line(tmp_path: Path, name: str) -> None:
    text = (DATA / name).read_text()
    body = text.rindex("return")
    for end in range(text.index("func.func") + 9, body, 131):
        with pytest.raises(InvalidInputError, match=r"model\.mlir:\d+: "):
            kernels_of(tmp_path, text[:end])


def test_a_truncated_function_names_the_brace_that_is_open(tmp_path: Path) -> None:
    text = function("%arg0: " + T, f"    %0 = stablehlo.abs %arg0 : {T}", T)[:-7]
    fails(tmp_path, text, line=3, message=r"'\{' of .*model\.mlir:2 is never closed; is the file truncated\?")


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("scf.yield %arg0 : T", 3, "scf.yield: expected an operation of .* found one of the dialect 'scf'; lower"),
        ('%0 = "tosa.abs"(%arg0) : (T) -> T', 3, "tosa.abs: expected an operation of .* lower the module"),
        ("%0 = stablehlo.frobnicate %arg0 : T", 3, "stablehlo.frobnicate: expected an operation of known cost"),
        ("%0 = linalg.frobnicate ins(%arg0 : T) outs(%arg0 : T) -> T", 3, "generalise it"),
        ("%0 = tensor.frobnicate %arg0 : T", 3, "tensor.frobnicate: expected an operation of known cost"),
        ('%0 = "stablehlo.while"(%arg0) ({}, {}) : (T) -> T', 3, "control flow has no fixed schedule .* unroll"),
        ("%0 = stablehlo.custom_call @cusolver(%arg0) : (T) -> T", 3, "custom call 'cusolver' is not known"),
        ('%0 = "stablehlo.all_reduce"(%arg0) ({}) : (T) -> T', 3, "one device, found communication; export"),
        ("%0 = stablehlo.abs %nothing : T", 3, "expected a value that is defined before, found %nothing"),
        ("%0 = call @gone(%arg0) : (T) -> T", 3, "expected a function of this file with a body, found @gone"),
        ("%0 = call @main(%arg0) : (T) -> T", 3, "@main calls itself"),
        ("%0 = stablehlo.reshape %arg0 : (T) -> tensor<?x4xf32>", 3, r"expected a static shape; export .* <\?x4xf32>"),
        ("%0 = stablehlo.reshape %arg0 : (T) -> tensor<*xf32>", 3, "expected a static shape"),
        ("%0 = stablehlo.reshape %arg0 : (T) -> memref<24xf32>", 3, "before bufferization"),
        ("%0 = stablehlo.reshape %arg0 : (T) -> tensor<24x!foo.bar>", 3, "expected a known element type"),
        ("%0 = stablehlo.add %arg0, : T\n    %1 = =", 4, "expected an operation's name"),
        ("%0 = stablehlo.dot_general %arg0, %arg0, contracting_dims = [1] x [0] : (T, T) -> T", 3,
         "expected equal extents of dimensions 1 and 0"),
        ("%0 = stablehlo.transpose %arg0, dims = [0, 0] : (T) -> T", 3, "expected a permutation of 2 dimensions"),
        ("%0 = stablehlo.convolution(%arg0, %arg0) : (T, T) -> T", 3, "expected dim_numbers"),
        ("%0 = linalg.matmul ins(%arg0, %arg0 : T, T) outs(%arg0 : T) -> T", 3, "loop .* has the extents"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(tmp_path: Path, body: str, line: int, message: str) -> None:
    text = function(f"%arg0: {T}", f"    {body}\n    return %arg0 : T".replace("T", T), T)
    fails(tmp_path, text, line=line, message=message.replace(" <", ".*<"))


def test_dynamic_arguments(tmp_path: Path) -> None:
    text = function("%arg0: tensor<?x4xf32>", "    return %arg0 : tensor<?x4xf32>", "tensor<?x4xf32>")
    fails(tmp_path, text, line=2, message=r"expected a static shape; .*, found tensor<\?x4xf32>")


def test_several_blocks(tmp_path: Path) -> None:
    body = "    cf.br ^next\n  ^next:\n    %0 = stablehlo.abs %arg0 : f32\n  ^last:\n    return %0 : f32"
    fails(tmp_path, function("%arg0: f32", body, "f32"), line=3, message="expected a region of one block")


def test_a_function_that_does_not_return(tmp_path: Path) -> None:
    text = function("%arg0: " + T, f"    %0 = stablehlo.abs %arg0 : {T}", T)
    fails(tmp_path, text, line=2, message="expected a return at the end of the function")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a function .* found none"),
        (b"hello", "."),
        (b"ML\xefR\x0dMLIR20", "binary data; print bytecode with mlir-opt"),
        (b'{"instructions": []}', "."),
        (b"module { func.func @f() -> () { return } } }", "."),
    ],
)
def test_files_that_are_no_mlir(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "model.mlir"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        read_mlir(path)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"cannot be read .* check the path"):
        read_mlir(tmp_path / "gone.mlir")


TWO = f"""
func.func @forward(%a: {T}) -> {T} {{
  %0 = stablehlo.abs %a : {T}
  return %0 : {T}
}}
func.func @backward(%a: {T}) -> {T} {{
  return %a : {T}
}}"""


def test_the_function_is_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.mlir"
    path.write_text(TWO)
    assert len(read_mlir(path, "forward")) == 1
    with pytest.raises(InvalidInputError, match="found backward, forward; name the one"):
        read_mlir(path)
    with pytest.raises(UnknownNameError, match="did you mean 'forward'"):
        read_mlir(path, "forwards")


def test_functions_of_one_name(tmp_path: Path) -> None:
    fails(tmp_path, TWO.replace("backward", "forward"), line=6, message="@forward is defined twice")


def test_comments_locations_and_resources_are_skipped(tmp_path: Path) -> None:
    body = """    // a comment with %0 = and {
    %0 = stablehlo.abs %arg0 : tensor<4xf32> loc("x > { (y)"("file.py":1:2))
    return %0 : tensor<4xf32> loc(#loc1)"""
    text = function("%arg0: tensor<4xf32> loc(unknown)", body, "tensor<4xf32>")
    resources = '#loc1 = loc("a")\n{-#\n  dialect_resources: { builtin: { w: "0x04" } }\n#-}\n'
    (kernel,) = kernels_of(tmp_path, text + resources)
    assert kernel.location.endswith("model.mlir:4")


def test_statements_may_share_a_line(tmp_path: Path) -> None:
    text = function("%a: f32", f"%0 = arith.constant dense<1.5> : {T} %1 = math.exp %0 : {T} return %1 : {T}", T)
    (kernel,) = kernels_of(tmp_path, text)
    assert kernel.opcode == "memstow.fill"


def test_a_bracket_that_is_never_closed(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"model\.mlir:2: '<' is never closed"):
        one_operation(tmp_path, [T], "stablehlo.abs %arg0 : tensor<4x6xf32", "tensor<")
