"""The planned run against PyTorch's eager run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..summary import Numerics

if TYPE_CHECKING:
    import torch

TOLERANCE = 1e-3
#: Below this magnitude an output is mostly rounding, and agreeing on it proves little.
NEGLIGIBLE_MAGNITUDE = 1e-12


def eager_outputs(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What PyTorch gives, flattened to tensors. The inputs stay as they are even if the module writes to them."""
    import torch

    with torch.no_grad():
        result = module(*(value.clone() for value in inputs))
    leaves = torch.utils._pytree.tree_leaves(result)
    return tuple(leaf for leaf in leaves if isinstance(leaf, torch.Tensor))


def compare(
    outputs: Sequence[torch.Tensor], expected: Sequence[torch.Tensor], *, tolerance: float = TOLERANCE
) -> Numerics:
    """Largest errors over all outputs. Integer and bool outputs must be equal, and so must places of NaN and infinity.

    ``tolerance`` is relative to the largest magnitude in the output concerned.
    """
    if len(outputs) != len(expected):
        note = f"expected {len(expected)} outputs, found {len(outputs)}"
        return _numerics(len(expected), None, None, tolerance, [note], passed=False)
    notes: list[str] = []
    absolute = scaled = 0.0
    passed = True
    for k, (output, reference) in enumerate(zip(outputs, expected, strict=True)):
        failure = _mismatch(output, reference)
        if failure:
            notes.append(f"output {k}: {failure}")
            passed = False
            continue
        error, magnitude = _error(output, reference)
        absolute = max(absolute, error)
        if not _is_inexact(reference):
            continue
        if 0 < magnitude < NEGLIGIBLE_MAGNITUDE:
            notes.append(f"output {k}: nearly zero (at most {magnitude:.1e}), so the check says little")
        relative = error / magnitude if magnitude > 0 else 0.0
        scaled = max(scaled, relative)
        passed = passed and relative <= tolerance and (magnitude > 0 or error == 0.0)
    return _numerics(len(expected), absolute, scaled, tolerance, notes, passed=passed)


def _numerics(
    outputs: int, absolute: float | None, scaled: float | None, tolerance: float, notes: list[str], *, passed: bool
) -> Numerics:
    return Numerics(
        outputs=outputs,
        max_absolute_error=absolute,
        max_scaled_error=scaled,
        tolerance=tolerance,
        passed=passed,
        note="; ".join(notes[:3]),
    )


def _is_inexact(value: torch.Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


def _mismatch(output: torch.Tensor, reference: torch.Tensor) -> str:
    """Why two tensors cannot agree whatever the tolerance; empty if they may."""
    import torch

    if output.shape != reference.shape:
        return f"expected shape {tuple(reference.shape)}, found {tuple(output.shape)}"
    if output.dtype != reference.dtype:
        return f"expected {reference.dtype}, found {output.dtype}"
    if not _is_inexact(reference):
        differing = int((output != reference).sum())
        return f"{differing} of {reference.numel()} values differ" if differing else ""
    finite = torch.isfinite(reference)
    # Each NaN must be a NaN and each infinity the same infinity.
    same = torch.isclose(output, reference, rtol=0.0, atol=0.0, equal_nan=True)
    stray = int(((~finite & ~same) | (finite & ~torch.isfinite(output))).sum())
    return f"{stray} of {reference.numel()} values are NaN or infinite on one side only" if stray else ""


def _error(output: torch.Tensor, reference: torch.Tensor) -> tuple[float, float]:
    """Largest difference and largest magnitude, over the finite values."""
    import torch

    wide = torch.complex128 if reference.is_complex() else torch.float64
    finite = torch.isfinite(reference)
    ours, theirs = output[finite].to(wide), reference[finite].to(wide)
    if not theirs.numel():
        return 0.0, 0.0
    return float((ours - theirs).abs().max()), float(theirs.abs().max())
