"""What ``results.py`` measures: parts with one run of ``memstow bench`` for each seed, and the work of two rivals."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from memstow.accelerator import load_accelerator

#: Planners that no seed changes: only the first seed's run has them.
UNSEEDED = frozenset({"agent-greedy", "all-slow", "first-touch", "furthest-next-use", "greedy", "xla-msa"})
#: Planners that are compared unless others are named. Nothing but the yardstick `all-slow`, which each table has
#: anyway, and `agent-finetune`, which trains for minutes before it is worth anything, is left out.
PLANNERS = (
    "xla-msa",
    "first-touch",
    "furthest-next-use",
    "greedy",
    "agent-greedy",
    "random-keys",
    "local-search",
    "lns",
    "agent",
    "portfolio",
)
#: Parts of an accelerator's fast memory that the zoo's programs are planned with beside the whole.
SHARES = (4, 16)
XLA, CROSSING, ARENA, PACKING = "xla", "xla-crossing", "arena", "packing"
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Part:
    """Planners on a folder of programs; ``options`` are those of ``memstow bench``."""

    name: str
    title: str
    programs: Path
    options: tuple[str, ...] = ()

    def results_path(self, folder: Path, seed: int) -> Path:
        """Where the results by a seed lie."""
        return folder / f"{self.name}{f'.seed-{seed}' if seed else ''}.bench.json"

    def results_paths(self, folder: Path) -> list[Path]:
        """The files of results that there are, the first seed's first; none without that."""
        first = self.results_path(folder, 0)
        found = sorted(folder.glob(f"{self.name}.seed-*.bench.json"), key=lambda path: (len(path.name), path.name))
        return [first, *found] if first.is_file() else []


def parts(suite: Path, folder: Path, accelerators: Sequence[str]) -> Iterator[Part]:
    """The parts that planners run in."""
    yield Part(XLA, "Production programs", suite)
    free = ("--max-cross-program-prefetches", "1")
    yield Part(CROSSING, "Production programs, one cross-program prefetch free on both sides", suite, free)
    for name in accelerators:
        capacity = load_accelerator(name).capacity
        sizes = ",".join(str(capacity // share) for share in SHARES)
        yield Part(name, f"The zoo on {name}", folder / name, ("--capacity", sizes))


def commands(part: Part, options: argparse.Namespace) -> Iterator[list[str]]:
    """The command lines of a part, the first seed's first: it proves the bounds that the others take over."""
    searching = [name for name in options.planners if name not in UNSEEDED]
    for seed in range(options.seeds if searching else 1):
        names = searching if seed else options.planners
        words = [sys.executable, "-m", "memstow.cli", "bench", str(part.programs), *part.options]
        words += ["--planners", ",".join(names), "--budget", f"{options.budget:g}", "--seed", str(seed)]
        if seed:
            words += ["--bound-time", "0", "--known-bounds", str(part.results_path(options.folder, 0))]
        else:
            words += ["--bound-time", f"{options.bound_time:g}"]
        words += ["--resume"] if options.resume else []
        yield [*words, "--json", str(part.results_path(options.folder, seed))]


def arena_path(folder: Path) -> Path:
    """Where the arena bytes lie, TVM's and ours."""
    return folder / "arena.json"


def arena_command(options: argparse.Namespace) -> list[str]:
    """The command line that compiles the zoo's models for arena bytes."""
    words = [sys.executable, str(HERE / "zoo.py"), "--sizes", "arena", "--models", ",".join(options.models)]
    words += ["--accelerators", ",".join(options.accelerators), *(["--resume"] if options.resume else [])]
    return [*words, "--json", str(arena_path(options.folder)), "--out", str(options.folder / "arena.md")]


def packing_path(folder: Path) -> Path:
    """Where the results on MiniMalloc's problems lie."""
    return folder / "packing.json"


def packing_command(options: argparse.Namespace) -> list[str]:
    """The command line that packs MiniMalloc's problems."""
    script = str(HERE / "minimalloc.py")
    return [sys.executable, script, str(options.packing), "--json", str(packing_path(options.folder))]
