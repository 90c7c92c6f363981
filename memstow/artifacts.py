"""The files that describe a plan, written side by side and read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InvalidInputError
from .output_folder import OutputFolder
from .plan import MemoryPlan
from .planners.base import Problem
from .program import Program
from .report import render_report
from .report.picture import plan_svg
from .schema import write_text
from .simulator import simulate
from .summary import Numerics, Summary, summarise
from .trace import trace_json

if TYPE_CHECKING:
    from .bounds import Bound
    from .explain import SlowTensor

PROGRAM, PLAN, SUMMARY = "program.json", "plan.json", "summary.json"
TRACE, REPORT, PICTURE = "trace.json", "report.html", "picture.svg"
DOCUMENTS = (PROGRAM, PLAN, SUMMARY, TRACE, REPORT, PICTURE)
LIBRARY = "model.so"


@dataclass(frozen=True)
class PlanDocuments:
    """A plan with all that is shown of it. What is text alone (:meth:`text`) is made when it is first asked for."""

    program: Program
    plan: MemoryPlan
    summary: Summary
    _renderers: Mapping[str, Callable[[], str]] = field(repr=False)
    _texts: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        problem: Problem,
        plan: MemoryPlan,
        *,
        bound: Bound | None = None,
        budget_seconds: float | None = None,
        phase_seconds: Mapping[str, float] | None = None,
        numerics: Numerics | None = None,
        checked_run: bool = False,
        slow_tensors: Sequence[SlowTensor] | None = None,
    ) -> PlanDocuments:
        """Simulate a valid plan and describe it.

        ``slow_tensors`` are this plan's, if they are at hand; the rest is for :func:`memstow.summary.summarise`.
        """
        simulation = simulate(problem.program, problem.accelerator, plan, problem.cost)
        summary = summarise(
            problem,
            plan,
            simulation,
            bound=bound,
            budget_seconds=budget_seconds,
            phase_seconds=phase_seconds,
            numerics=numerics,
            checked_run=checked_run,
        )

        def report() -> str:
            # Imported here: it loads numpy, which the other documents have no use for.
            from .explain import slow_tensor_reasons

            slow = slow_tensor_reasons(problem, plan) if slow_tensors is None else slow_tensors
            return render_report(problem, plan, simulation, summary, slow)

        renderers = {
            TRACE: lambda: trace_json(problem, plan, simulation),
            REPORT: report,
            PICTURE: lambda: plan_svg(problem, plan, simulation),
        }
        return cls(problem.program, plan, summary, renderers)

    @classmethod
    def load(cls, folder: Path) -> PlanDocuments:
        """Read what :meth:`stage` wrote; the texts are shown as they were written.

        Raises:
            InvalidInputError: a file is absent or damaged, or the plan is for another program.
        """
        program, plan = Program.load(folder / PROGRAM), MemoryPlan.load(folder / PLAN)
        if plan.program_fingerprint != program.fingerprint:
            raise InvalidInputError(
                f"{folder / PLAN}: expected a plan for the program beside it, {program.fingerprint[:12]}, found one "
                f"for {plan.program_fingerprint[:12]}; the files are of different models"
            )
        renderers = {name: _reader(folder / name) for name in (TRACE, REPORT, PICTURE)}
        return cls(program, plan, Summary.load(folder / SUMMARY), renderers)

    def text(self, name: str) -> str:
        """The content of :data:`TRACE`, :data:`REPORT` or :data:`PICTURE`."""
        if name not in self._texts:
            self._texts[name] = self._renderers[name]()
        return self._texts[name]

    def stage(self, folder: OutputFolder) -> None:
        """Prepare all of :data:`DOCUMENTS` in the folder's staging area."""
        self.program.save(folder.stage(PROGRAM))
        self.plan.save(folder.stage(PLAN))
        self.summary.save(folder.stage(SUMMARY))
        for name in self._renderers:
            write_text(folder.stage(name), self.text(name))


def _reader(path: Path) -> Callable[[], str]:
    def read() -> str:
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); save the model again") from None

    return read


def describe_files(paths: Sequence[Path]) -> dict[str, str]:
    """Paths by what they hold: the file's name without its ending."""
    return {path.stem: str(path) for path in paths}
