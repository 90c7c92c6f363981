"""A compiled PyTorch model as its user sees it: something to call, with its plan and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, overload

import torch

from ..accelerator import Accelerator
from ..artifacts import PICTURE, REPORT, PlanDocuments
from ..errors import InvalidInputError
from ..figures import format_bytes, format_percent, format_seconds
from ..plan import MemoryPlan
from ..program import Program
from ..schema import write_text
from ..summary import Summary
from .call_structure import CallStructure
from .planned_executable import PlannedExecutable


class CompiledModel:
    """What :func:`memstow.compile` and :func:`memstow.load` return.

    Called like the module, with tensors of the example inputs' shapes and types, it returns what the module returns,
    computed by the planned program on this machine's CPU. It is for inference: no gradient flows through it. It reads
    the module's own weights, so that a change to them in place is seen at the next call.

    In a notebook it shows the plan's picture and its main figures.
    """

    def __init__(
        self,
        documents: PlanDocuments,
        accelerator: Accelerator,
        executable: PlannedExecutable,
        structure: CallStructure,
        weights: Mapping[str, torch.Tensor],
    ) -> None:
        self._documents = documents
        self._accelerator = accelerator
        self._executable = executable
        self._structure = structure
        self._weights = weights

    @property
    def program(self) -> Program:
        """What was planned: the model's kernels as instructions, with their buffers, bytes and FLOPs."""
        return self._documents.program

    @property
    def plan(self) -> MemoryPlan:
        """Where every tensor lives in fast memory, from when to when, and when it is copied."""
        return self._documents.plan

    @property
    def accelerator(self) -> Accelerator:
        """What the plan is for."""
        return self._accelerator

    @property
    def summary(self) -> Summary:
        """The plan's figures: planned time against all-slow, everything-fast and lower bound, traffic, copies."""
        return self._documents.summary

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the planned program.

        Raises:
            InvalidInputError: the arguments are nested in another way than the example inputs, or one has another shape
                or type, is not on the CPU, or requires a gradient.
        """
        inputs = self._structure.flatten(args, kwargs, name=self.program.name)
        if torch.is_grad_enabled() and any(isinstance(t, torch.Tensor) and t.requires_grad for t in inputs):
            raise InvalidInputError(
                f"{self.program.name}: expected inputs without gradients, found one that requires a gradient; a "
                "compiled model is for inference, so call it under torch.no_grad()"
            )
        return self._structure.unflatten(self._executable.run(inputs, self._weights))

    @overload
    def report(self) -> str: ...
    @overload
    def report(self, path: str | Path) -> Path: ...
    def report(self, path: str | Path | None = None) -> str | Path:
        """The report, one HTML page that needs nothing from outside.

        Returns:
            The page's text, or, once it has been written there, ``path``.

        Raises:
            InvalidInputError: ``path`` cannot be written.
        """
        page = self._documents.text(REPORT)
        if path is None:
            return page
        write_text(path, page)
        return Path(path)

    def save(self, folder: str | Path) -> Path:
        """Write all that :func:`memstow.load` needs, and the documents that ``memstow compile`` writes.

        The folder holds ``model.so`` (machine code for this machine's processor), ``weights.safetensors``,
        ``model.json`` (accelerator, inputs and how they nest), ``program.json``, ``plan.json``, ``summary.json``,
        ``trace.json``, ``report.html`` and ``picture.svg``. Files that it has under these names are replaced, all or
        none of them.

        Returns:
            The folder.

        Raises:
            InvalidInputError: it cannot be written to; or something other than tuples, lists and dictionaries nests the
                model's inputs or result.
        """
        from .saved_model import save

        save(Path(folder), self._documents, self._accelerator, self._executable, self._structure, self._weights)
        return Path(folder)

    def __repr__(self) -> str:
        return f"<CompiledModel {self._headline()}: {self._figures()}>"

    def _repr_html_(self) -> str:
        """The plan's picture over a line of figures; notebooks show it."""
        text = f"<b>{escape(self._headline())}</b>: {escape(self._figures())}"
        return f'<div>{self._documents.text(PICTURE)}<p style="font-size: 0.9em">{text}</p></div>'

    def _headline(self) -> str:
        return (
            f"{self.program.name} on {self._accelerator.name}, planned by {self.plan.planner or 'an unnamed planner'}"
        )

    def _figures(self) -> str:
        figures = self.summary
        parts = [
            f"{figures.kernels} kernels in {format_seconds(figures.planned_seconds)}",
            f"{format_seconds(figures.all_slow_seconds)} all in slow memory",
            f"lower bound {format_seconds(figures.lower_bound_seconds)}",
            f"{format_bytes(figures.fast_memory_arena_bytes)} of {format_bytes(figures.fast_memory_capacity_bytes)} "
            "fast memory",
            f"{figures.prefetches + figures.evictions} copies",
            f"stalls {format_percent(figures.time_shares.stall_seconds / (figures.planned_seconds or 1.0))}",
        ]
        return ", ".join(parts)
