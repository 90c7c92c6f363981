"""The tables of figures that ``compile`` and ``plan`` print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..defaults import OPTIMALITY_GAP
from ..summary import Fallbacks, Summary
from .console import format_bytes, format_count, format_percent, format_seconds, print_lines, print_table

if TYPE_CHECKING:
    from ..explain import SlowTensor

SHOWN_SLOW_TENSORS = 5


def print_summary(summary: Summary, *, extra: Sequence[tuple[str, str, str]] = ()) -> None:
    """The figures of one plan."""
    title = f"{summary.program} on {summary.accelerator}, planner {summary.planner}, seed {summary.seed}"
    print_table(title, ("", "", ""), [*summary_rows(summary), *extra], right=(1,))
    print_fallbacks(summary.cost_model, summary.fallbacks)


def print_fallbacks(cost_model: str, fallbacks: Fallbacks | None) -> None:
    """One line on what a cost model left to the roofline; nothing if it priced all."""
    if fallbacks is not None:
        print_lines("", [f"cost model {cost_model}: {fallbacks}"])


def summary_rows(summary: Summary) -> list[tuple[str, str, str]]:
    """Rows of name, figure and comment."""
    total = summary.planned_seconds
    shares = summary.time_shares
    speedup, gap = summary.speedup_over_all_slow_ratio, summary.gap_ratio
    parts = (
        ("compute", shares.compute_seconds),
        ("slow and fast memory", shares.memory_seconds),
        ("stalls", shares.stall_seconds),
        ("launch overhead", shares.overhead_seconds),
    )
    capacity = summary.fast_memory_capacity_bytes
    moved = summary.prefetch_bytes + summary.evict_bytes
    rows = [
        ("kernels", str(summary.kernels), _flops(summary.flops)),
        ("cost model", summary.cost_model, ""),
        ("weights", format_bytes(summary.weight_bytes), ""),
        ("activations", format_bytes(summary.activation_bytes), f"and {format_bytes(summary.input_bytes)} of inputs"),
        ("time, all in slow memory", format_seconds(summary.all_slow_seconds), ""),
        ("time of the plan", format_seconds(total), f"{speedup:.2f} x as fast as all slow" if speedup else ""),
        ("time, everything fast", format_seconds(summary.all_fast_seconds), "if all fitted at no cost"),
        (
            "lower bound",
            format_seconds(summary.lower_bound_seconds),
            f"no plan takes less: {summary.lower_bound_method}",
        ),
        ("critical path", format_seconds(summary.critical_path_seconds), "longest chain of dependent kernels"),
        ("gap to the bound", "-" if gap is None else format_percent(gap), _verdict(gap)),
        *((f"  of it {name}", format_seconds(part), _share(part, total)) for name, part in parts),
        ("fast memory, peak", format_bytes(summary.fast_memory_arena_bytes), f"of {format_bytes(capacity)}"),
        ("copies", str(summary.prefetches + summary.evictions), _copies(summary, moved)),
    ]
    if summary.numerics is not None:
        rows.append(_numerics_row(summary))
    return rows


def _verdict(gap: float | None) -> str:
    return "proven optimal" if gap is not None and gap <= OPTIMALITY_GAP else ""


def _flops(flops: float) -> str:
    return f"{format_count(flops)}{'FLOP' if flops >= 1000 else ' FLOP'}" if flops else ""


def _share(part: float, total: float) -> str:
    return format_percent(part / total) if total > 0 else ""


def _copies(summary: Summary, moved: int) -> str:
    return f"{summary.prefetches} in, {summary.evictions} out, {format_bytes(moved)}"


def _numerics_row(summary: Summary) -> tuple[str, str, str]:
    numerics = summary.numerics
    assert numerics is not None
    error = numerics.max_scaled_error
    figure = "-" if error is None else f"{error:.2g}"
    verdict = "equal to PyTorch" if numerics.passed else "DIFFERS from PyTorch"
    checked = ", checked run" if summary.checked_run else ""
    note = f"; {numerics.note}" if numerics.note else ""
    return "numerics, max error", figure, f"{verdict} (tolerance {numerics.tolerance:g}{checked}){note}"


def describe_slow_tensors(slow_tensors: Sequence[SlowTensor]) -> list[dict[str, Any]]:
    """All of them as JSON values."""
    return [asdict(tensor) for tensor in slow_tensors]


def _tensors(count: int) -> str:
    return "1 tensor" if count == 1 else f"{count} tensors"


def print_slow_tensors(slow_tensors: Sequence[SlowTensor]) -> None:
    """How many tensors are in slow memory, and those whose place there costs most, with the reason for each."""
    costly = [tensor for tensor in slow_tensors if tensor.cost_seconds > 0]
    ranked = sorted(costly, key=lambda tensor: -tensor.cost_seconds)
    rows = [
        (
            tensor.name,
            tensor.kind,
            format_bytes(tensor.size_bytes),
            format_seconds(tensor.cost_seconds),
            tensor.sentence,
        )
        for tensor in ranked[:SHOWN_SLOW_TENSORS]
    ]
    title = f"Left in slow memory: {_tensors(len(slow_tensors))}, {len(ranked)} of them at a cost"
    if rows:
        print_table(f"{title}, the highest first", ("tensor", "kind", "size", "costs", "why"), rows, right=(2, 3))
    else:
        print_lines("", [title])
