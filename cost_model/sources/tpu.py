"""Cycle estimates of a production TPU compiler, from a file of its kernels (the format of ``tpu_cycles``).

One row per kernel, accelerator and option; the compiler chose the placement. Rows that are marked as placeholders,
that repeat a kernel seen before or that have no estimate are left out. Columns named ``internal_*`` are decided
together with the estimate and are never read.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from ...accelerator import Accelerator, load_accelerator
from ...errors import InvalidInputError
from ..kernel import KernelFacts, OpClass, TensorFacts
from ..samples import Provenance, Sample, SampleSet, checked_seconds

SOURCE = "tpu"
#: The compiler's kinds of kernels in the order of their test, and ours.
_CLASSES: Mapping[str, OpClass] = {
    "dot": "matmul",
    "conv": "convolution",
    "reduce": "reduction",
    "elementwise": "elementwise",
    "transpose": "transpose",
    "copy": "copy",
}
_NEEDED = ("family", "topology", "op_class", "estimated_cycles", "clock_ghz_public", "mxu_flops", "ew_elems", "op0_acc")
_DTYPES = {
    "s8": "int8",
    "u8": "uint8",
    "s16": "int16",
    "u16": "uint16",
    "s32": "int32",
    "u32": "uint32",
    "s64": "int64",
    "u64": "uint64",
    "pred": "bool",
}
#: Operations in ``op_counts`` by what of ``ew_elems`` they are; the file does not say how many elements each has.
_MULTIPLIED = frozenset({"multiply"})
_COMPARED = frozenset({"maximum", "minimum", "compare", "select", "clamp"})
_ADDED = frozenset({"add", "subtract", "negate", "abs", "and", "or", "floor", "shift-left", "is-finite"})
#: Classes whose estimates depend on where the tensors are by more than a little.
REACTING_CLASSES: tuple[OpClass, ...] = ("matmul", "convolution", "depthwise", "pooling")
_OPERANDS = tuple(f"op{k}" for k in range(8))
_RESULTS = tuple(f"out{k}" for k in range(4))

Row = Mapping[str, str]


def load_tpu_samples(path: Path) -> SampleSet:
    """The kernels of a file, ``.csv`` or ``.csv.gz``; programs are its families.

    Raises:
        InvalidInputError: the file cannot be read, lacks a column, or a row has a value that is none.
    """
    found: dict[str, Accelerator] = {}
    samples = []
    for number, row in _rows(path):
        if row.get("suspect_placeholder") == "1" or row.get("first", "1") == "0" or not row["estimated_cycles"]:
            continue
        where = f"{path}, row {number}"
        name = f"tpu_{row['topology']}"
        if name not in found:
            found[name] = load_accelerator(name)
        try:
            samples.append(_sample(row, name, where))
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"{where}: {error}") from None
    if not samples:
        raise InvalidInputError(f"{path}: expected kernels with an estimate, found none")
    made_by = {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "label": "compiler estimate"}
    return SampleSet(Provenance(source=SOURCE, made_by=made_by, accelerators=found), tuple(samples))


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                raise InvalidInputError(f"{path}: expected the columns of tpu_cycles, missing {', '.join(missing)}")
            yield from enumerate(reader, start=2)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path}: cannot be read ({error}); check the path") from None


def _sample(row: Row, accelerator: str, where: str) -> Sample:
    operands = [found for name in _OPERANDS if (found := _tensor(row, name))]
    results = [found for name in _RESULTS if (found := _tensor(row, name))]
    rest = _number(row, "oprest_acc")
    if rest:
        fast_part = _number(row, "oprest_fast_bytes") > 0.5 * _number(row, "oprest_bytes")
        operands.append(
            (TensorFacts(size_bytes=_number(row, "oprest_padded"), bytes_accessed=rest, dtype="f32"), fast_part)
        )
    cycles, clock = float(row["estimated_cycles"]), float(row["clock_ghz_public"])
    return Sample(
        program=row["family"],
        size_class="micro" if row["family"].startswith("micro") else "full",
        accelerator=accelerator,
        kernel=_kernel(row, tuple(t for t, _ in operands), tuple(t for t, _ in results)),
        fast=tuple(fast for _, fast in operands + results),
        seconds=checked_seconds(cycles / (clock * 1e9), f"{where}: estimated_cycles over clock_ghz_public"),
    )


def _kernel(row: Row, operands: tuple[TensorFacts, ...], results: tuple[TensorFacts, ...]) -> KernelFacts:
    op_class = _CLASSES.get(row["op_class"], "other")
    extents: dict[str, int] = {}
    if op_class == "matmul":
        extents = {key: _extent(row, f"dot_{key}") for key in ("batch", "m", "n", "k")}
    elif op_class == "convolution":
        extents = _convolution(row)
        if extents["batch"] > 1 and extents["batch"] == _extent(row, "conv_cin"):
            op_class = "depthwise"
    moved = _number(row, "relayout_elems")
    if op_class in ("transpose", "copy") and not moved:
        moved = sum(tensor.bytes_accessed * 8 / tensor.bits for tensor in results)
    elementwise, multiplied, compared = _elementwise(row)
    return KernelFacts(
        op_class=op_class,
        dtype=_dtype(row.get("mxu_lhs_dtype") or (results[0].dtype if results else "f32")),
        matrix_flops=_number(row, "mxu_flops"),
        elementwise=elementwise,
        multiplied=multiplied,
        compared=compared,
        transcendental=_number(row, "transcendental_elems"),
        divide=_number(row, "divide_elems"),
        convert=_number(row, "convert_elems"),
        reduced=_number(row, "reduce_in_elems"),
        moved=moved,
        operands=operands,
        results=results,
        **extents,
    )


def _elementwise(row: Row) -> tuple[float, float, float]:
    """``ew_elems``, and those of it that are multiplied and compared, by how often each kind of operation occurs."""
    counts: Mapping[str, int] = json.loads(row.get("op_counts") or "{}")
    multiplied, compared, added = (
        sum(count for name, count in counts.items() if name in kind) for kind in (_MULTIPLIED, _COMPARED, _ADDED)
    )
    elements, total = _number(row, "ew_elems"), max(1, multiplied + compared + added)
    return elements, elements * multiplied / total, elements * compared / total


def _convolution(row: Row) -> dict[str, int]:
    groups = max(_extent(row, "conv_groups"), _extent(row, "conv_batch_groups"))
    height, width = _extent(row, "conv_kh"), _extent(row, "conv_kw")
    dilation = _extent(row, "conv_rhs_dil")
    return {
        "batch": groups,
        "m": _extent(row, "conv_n") * _extent(row, "conv_h_out") * _extent(row, "conv_w_out"),
        "n": max(1, _extent(row, "conv_cout") // groups),
        "k": max(1, _extent(row, "conv_cin") // groups) * height * width,
        "kernel_height": height,
        "kernel_width": width,
        "stride_height": _extent(row, "conv_stride_h"),
        "stride_width": _extent(row, "conv_stride_w"),
        "dilation_height": dilation if height > 1 else 1,
        "dilation_width": dilation if width > 1 else 1,
    }


def _tensor(row: Row, name: str) -> tuple[TensorFacts, bool] | None:
    """A tensor as padded to tiles, and whether it is in fast memory; ``None`` where the column is empty."""
    if not row.get(f"{name}_bytes"):
        return None
    tensor = TensorFacts(
        size_bytes=_number(row, f"{name}_padded"),
        bytes_accessed=_number(row, f"{name}_acc"),
        dtype=_dtype(row[f"{name}_dtype"]),
        shape=_minor_last(row[f"{name}_dims"], row[f"{name}_layout"]),
    )
    return tensor, row[f"{name}_space"] != "0"


def _minor_last(dims: str, layout: str) -> tuple[int, ...]:
    """The shape with the fastest-varying dimension last; a layout lists dimensions from the fastest on."""
    shape = [int(extent) for extent in dims.split("x") if extent]
    order = [int(index) for index in layout.partition(":")[0].split(",") if index.strip().isdigit()]
    if sorted(order) != list(range(len(shape))):
        return tuple(shape)
    return tuple(shape[index] for index in reversed(order))


def _dtype(name: str) -> str:
    return _DTYPES.get(name, name)


def _number(row: Row, name: str) -> float:
    text = row.get(name) or "0"
    return float(text)


def _extent(row: Row, name: str) -> int:
    return max(1, int(_number(row, name)))
