"""What each rival did on the same work, beside memstow's planners, and the commands that repeat it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from agent_statistics import better_and_worse, common, compared, improvement
from agent_text import figure, seconds, table
from results_figures import RECORDED, Contest, one_row
from results_parts import arena_path, packing_path
from zoo_page import is_failure
from zoo_results import OK

from memstow.bench import REFERENCE
from memstow.errors import InvalidInputError

#: What a quoted text about MiniMalloc's own times begins with, in the README beside its problems.
_OWN_TIMES = re.compile(r"MiniMalloc itself[^.]*(?:\.\d[^.]*)*\.")


@dataclass(frozen=True)
class Made:
    """By which machine and when."""

    machine: str
    date: str


@dataclass(frozen=True)
class Arena:
    """Results of ``zoo.py --sizes arena``: bytes of our arenas and of TVM's."""

    path: Path
    made: Made
    rows: tuple[Mapping[str, Any], ...]
    failed: int

    @classmethod
    def load(cls, folder: Path) -> Arena | None:
        """The results that there are; None where nothing was measured."""
        path = arena_path(folder)
        if not path.is_file():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        machine = data["about"]["machine"]
        words = f"{machine['CPU']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}"
        rows = [row for row in data["rows"] if row["table"] == "arena"]
        good = tuple(row for row in rows if row["status"] == OK)
        return cls(path, Made(words, data["date"]), good, sum(map(is_failure, rows))) if good else None


@dataclass(frozen=True)
class Packing:
    """Results of ``minimalloc.py``; ``own_times`` is what the problems' README says of MiniMalloc, or nothing."""

    path: Path
    made: Made
    problems: str
    rows: tuple[Mapping[str, Any], ...]
    own_times: str

    @classmethod
    def load(cls, folder: Path) -> Packing | None:
        """The results that there are."""
        path = packing_path(folder)
        if not path.is_file():
            return None
        data = json.loads(path.read_text(encoding="utf-8"))
        if not data.get("rows"):
            raise InvalidInputError(f"{path}: expected results of benchmarks/minimalloc.py, found none; delete it")
        made = Made(data["machine"], data["date"])
        return cls(path, made, data["folder"], tuple(data["rows"]), quoted_times(Path(data["folder"])))


def quoted_times(folder: Path) -> str:
    """The sentence about MiniMalloc's own times in the README beside the problems; empty without one."""
    readme = folder / "README.md"
    found = _OWN_TIMES.search(" ".join(readme.read_text(encoding="utf-8").split())) if readme.is_file() else None
    return found[0] if found else ""


def rivals(contests: Sequence[Contest], arena: Arena | None, packing: Packing | None, suite: Path) -> Iterator[str]:
    """The section about rivals."""
    yield "## Rivals"
    yield ""
    yield "What others made of the same work. *better*: chance that a run of the planner is faster than the rival's"
    yield "on a program drawn evenly, a tie counting half; *faster / slower*: programs, by means over seeds."
    recorded = [contest for contest in contests if contest.recorded]
    if recorded:
        yield from ("", *_recorded(recorded, suite))
    if contests:
        yield from ("", *_reference(contests))
    if arena is not None:
        yield from ("", *_arena(arena))
    if packing is not None:
        yield from ("", *_packing(packing))


def _recorded(contests: Sequence[Contest], suite: Path) -> Iterator[str]:
    yield "### The production compiler's own solutions"
    yield ""
    yield "Recorded from its dumps, beside each program, and priced by our simulator. They may carry a buffer over from"
    yield "the run before (a cross-program prefetch); where our plans may not, theirs is charged for it, which favours"
    yield "ours. The commands are those of the parts; this sets the recorded solutions beside `xla-msa`, file by file,"
    yield "with the prefetch free on both sides and without:"
    yield ""
    yield from _shell("needs the recorded solutions", f"python benchmarks/xla_fidelity.py {suite}")
    for contest in contests:
        yield from ("", *_against(contest, RECORDED, contest.recorded))


def _reference(contests: Sequence[Contest]) -> Iterator[str]:
    yield f"### The production heuristic, written anew: `{REFERENCE}`"
    yield ""
    yield "It runs in every part, by the commands there. [How faithful it is](xla_msa.md). One program's plan by it:"
    yield f"`memstow plan PROGRAM --planner {REFERENCE}`."
    for contest in contests:
        yield from ("", *_against(contest, REFERENCE, contest.reference))


def _against(contest: Contest, rival: str, seconds_of: Mapping[str, float]) -> Iterator[str]:
    other = one_row(seconds_of, list(seconds_of))
    rows = []
    for planner in contest.planners:
        own = contest.sample(planner)
        if planner == rival or own is None or other is None or not common(own, other):
            continue
        faster, slower = better_and_worse(own, other)
        count = len(common(own, other))
        ratio, chance = figure(compared(own, other)), figure(improvement(own, other), 3)
        rows.append([planner, ratio, chance, f"{faster} / {slower} of {count}"])
    yield f"{contest.part.title}, {contest.first.settings.budget_seconds:g} s:"
    yield ""
    yield from table(("planner", f"time over {rival}'s", "better", "faster / slower"), rows)


def _arena(arena: Arena) -> Iterator[str]:
    ratios = [row["arena_bytes"] / row["tvm_bytes"] for row in arena.rows]
    models = len({row["model"] for row in arena.rows})
    larger = sum(ratio > 1.0 for ratio in ratios)
    perfect = sum(row["arena_bytes"] == row["alive_bytes"] for row in arena.rows)
    own, theirs = (sum(row[key] for row in arena.rows) for key in ("arena_bytes", "tvm_bytes"))
    yield "### TVM: `StaticPlanBlockMemory`"
    yield ""
    yield "It shares storages among tensors and knows no fast memory, so what is compared is arena bytes: the same"
    yield f"lowered modules of {models} zoo models at full size, unlimited memory, `first-touch`, each for every"
    yield "accelerator of the zoo's parts. [The zoo's page](zoo.md) has every model."
    yield ""
    yield from table(
        (
            "rows",
            "memstow's bytes over TVM's",
            "largest",
            "larger than TVM's",
            "least possible",
            "memstow",
            "TVM",
        ),
        [
            [
                str(len(ratios)),
                f"{geometric_mean(ratios):.4f}",
                f"{max(ratios):.4f}",
                str(larger),
                str(perfect),
                f"{own:,} B",
                f"{theirs:,} B",
            ]
        ],
    )
    yield ""
    yield "*least possible*: rows with no byte more than are alive at one time." + (
        f" {arena.failed} rows failed." if arena.failed else ""
    )
    yield ""
    where = f"--json {arena.path} --out {arena.path.with_suffix('.md')}"
    yield from _shell("compiles all of the zoo", f"python benchmarks/zoo.py --sizes arena {where}")


def _packing(packing: Packing) -> Iterator[str]:
    solved = sum(row["outcome"] == "solved" for row in packing.rows)
    times = [row["seconds"] for row in packing.rows]
    yield "### MiniMalloc: packing"
    yield ""
    yield f"Its hard problems at their capacity, by our complete solver on one core, every packing checked: {solved} of"
    yield f"{len(times)} solved, {seconds(sum(times))} in all, the longest {seconds(max(times))}."
    if packing.own_times:
        yield ""
        yield "MiniMalloc was not run for this page. The README beside the problems says:"
        yield ""
        yield f"> {packing.own_times}"
    yield ""
    yield from table(
        ("problem", "buffers", "capacity", "outcome", "seconds", "placements tried"),
        (
            [
                row["name"],
                f"{row['buffers']:,}",
                f"{row['capacity']:,}",
                row["outcome"],
                f"{row['seconds']:.3f}",
                f"{row['placements']:,}",
            ]
            for row in packing.rows
        ),
    )
    yield ""
    yield from _shell("needs the problems", f"python benchmarks/minimalloc.py {packing.problems} --json {packing.path}")


def _shell(reason: str, line: str) -> Iterator[str]:
    yield from (f"<!-- not run: {reason} -->", "```sh", line, "```")
