"""How faithful ``xla-msa`` is: its plans against the recorded solutions of the production compiler, file by file.

    python benchmarks/xla_fidelity.py ../shared/xla_suite --page docs/xla_msa.md

Needs the ``xla_suite`` folder with its ``prices.json``. Every plan is validated; nothing is timed, so that the page is
the same on every machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean

from xla_fidelity_text import INTRODUCTION, NOT_MODELLED

from memstow.formats import load_problem
from memstow.plan import MemoryPlan
from memstow.planners import Effort, Problem
from memstow.planners.xla_msa import XlaMsa
from memstow.program import Program
from memstow.schema import read_json, write_text
from memstow.simulator import simulate
from memstow.validator import validate

#: Relative distance from the recorded solution that needs a reason.
FAR = 0.15
#: A recorded solution that XLA reached with as many instructions turned into copies is not reachable without.
MANY_REPLACED = 5
MICRO = 1e6


@dataclass(frozen=True)
class Row:
    """One file. Times in microseconds; XLA's are of ``prices.json``, stalls of the recorded plan as memstow reads it.

    ``charged`` compares without cross-program prefetches: our plan has none, XLA's pays for its own. ``agreement`` is
    the part of the accessed bytes that both plans access in the same memory.
    """

    name: str
    ours: float
    xla: float
    charged_ours: float
    charged_xla: float
    agreement: float
    stall_ours: float
    stall_xla: float
    replaced: int
    same_crossing: bool

    @property
    def ratio(self) -> float:
        """Our time over XLA's, one free cross-program prefetch on both sides."""
        return self.ours / self.xla

    @property
    def is_far(self) -> bool:
        """Whether the ratio needs a reason."""
        return not 1.0 / (1.0 + FAR) < self.ratio < 1.0 + FAR

    @property
    def reason(self) -> str:
        """What the measurements say about the difference, the weightiest first."""
        if self.replaced >= MANY_REPLACED:
            return (
                f"XLA turned {self.replaced} copy instructions of the program into background copies; a memstow plan "
                "keeps every instruction, so their time stays"
            )
        if not self.same_crossing:
            return (
                "another buffer crosses from run to run: XLA leaves out parameters that look like activations inside "
                "fusions, which the file does not show; here the largest parameter is taken"
            )
        stall = f"waiting for copies {self.stall_ours:.0f} us here, {self.stall_xla:.0f} us in XLA's plan"
        if self.agreement > 0.99:
            return f"the same placements, other copy times ({stall}); most likely XLA's loop optimizer, see below"
        return f"{self.agreement:.0%} of the bytes are placed alike; {stall}"


def measure(path: Path, prices: Mapping[str, float]) -> Row:
    """Plan one file with and without a cross-program prefetch and compare."""
    loaded = load_problem(path)
    assert loaded.accelerator is not None, f"{path}: not an xla_suite file"
    assert loaded.recorded_plan is not None, f"{path}: no recorded solution"
    program, recorded = loaded.program, loaded.recorded_plan
    part = loaded.accelerator.model_copy(update={"max_cross_program_prefetches": 1})
    plan = _plan(Problem(program, part))
    alone = _plan(Problem(program, loaded.accelerator))
    ours, theirs = simulate(program, part, plan), simulate(program, part, recorded)
    copies = read_json(path)["xla_solution"]["prefetches"]
    return Row(
        name=path.stem,
        ours=ours.total_seconds * MICRO,
        xla=prices["xla_cross_program_prefetch_free_us"],
        charged_ours=simulate(program, loaded.accelerator, alone).total_seconds * MICRO,
        charged_xla=prices["xla_us"],
        agreement=_agreement(program, plan, recorded),
        stall_ours=ours.stall_seconds * MICRO,
        stall_xla=theirs.stall_seconds * MICRO,
        replaced=sum(copy.get("replaces_instruction") is not None for copy in copies),
        same_crossing=_crossing(program, plan) == _crossing(program, recorded),
    )


def page(rows: Sequence[Row]) -> str:
    """The documentation page."""
    return "\n".join([INTRODUCTION, *_verdict(rows), "", *_far(rows), "", NOT_MODELLED, *_table(rows), ""])


def _plan(task: Problem) -> MemoryPlan:
    plan = XlaMsa().plan(task, Effort(float("inf")), seed=0)
    violations = validate(task.program, task.accelerator, plan)
    assert not violations, f"{task.program.name}: {violations[0]}"
    return plan


def _agreement(program: Program, plan: MemoryPlan, other: MemoryPlan) -> float:
    pairs = [(plan.operand_memory(), other.operand_memory()), (plan.result_memory(), other.result_memory())]
    same = total = 0
    for t, step in enumerate(program.instructions):
        for entries, (ours, theirs) in zip((step.operands, step.results), pairs, strict=True):
            for k, entry in enumerate(entries):
                total += entry.bytes_accessed
                if ours.get((t, k), "slow") == theirs.get((t, k), "slow"):
                    same += entry.bytes_accessed
    return same / total


def _crossing(program: Program, plan: MemoryPlan) -> set[int]:
    """Storages that are brought in before the program begins."""
    return {program.storage_of[copy.buffer] for copy in plan.copies if copy.start_time == -1}


def _verdict(rows: Sequence[Row]) -> Iterator[str]:
    free = geometric_mean(row.ratio for row in rows)
    charged = geometric_mean(row.charged_ours / row.charged_xla for row in rows)
    far = sum(row.is_far for row in rows)
    close = sum(abs(row.ratio - 1.0) < 0.01 for row in rows)
    agreement = sum(row.agreement for row in rows) / len(rows)
    yield f"Over {len(rows)} files, simulated time of `xla-msa` over that of the recorded solution:"
    yield ""
    yield "| what | geometric mean |"
    yield "| --- | --- |"
    yield f"| one free cross-program prefetch on both sides (fidelity; the target is within 5 %) | {free:.3f} |"
    yield f"| none here, XLA's own charged | {charged:.3f} |"
    yield ""
    yield (
        f"{close} files are within 1 %, {far} are off by more than 15 %. On average {agreement:.1%} of the accessed "
        "bytes are in the same memory in both plans."
    )


def _far(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Off by more than 15 %"
    yield ""
    yield "| file | ratio | reason |"
    yield "| --- | --- | --- |"
    for row in sorted(rows, key=lambda row: row.ratio):
        if row.is_far:
            yield f"| {row.name} | {row.ratio:.3f} | {row.reason} |"


def _table(rows: Sequence[Row]) -> Iterator[str]:
    yield "## Every file"
    yield ""
    yield "Microseconds, one free cross-program prefetch on both sides. *Alike*: accessed bytes placed alike;"
    yield "*crossing*: the same buffer crosses from run to run."
    yield ""
    yield "| file | xla-msa | recorded | ratio | alike | waits for copies | recorded waits | crossing |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for row in rows:
        yield (
            f"| {row.name} | {row.ours:.1f} | {row.xla:.1f} | {row.ratio:.3f} | {row.agreement:.1%} | "
            f"{row.stall_ours:.1f} | {row.stall_xla:.1f} | {'yes' if row.same_crossing else 'no'} |"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure a folder, print the verdict, write the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path, help="folder of xla_suite files with prices.json")
    parser.add_argument("--page", type=Path, help="Markdown file to write")
    given = parser.parse_args(arguments)
    prices = read_json(given.suite / "prices.json")
    rows = [measure(given.suite / f"{name}.json", prices[name]) for name in sorted(prices)]
    print("\n".join([*_verdict(rows), "", *_far(rows)]))
    if given.page:
        write_text(given.page, page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
