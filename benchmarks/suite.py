"""Runs ``memstow bench`` on the whole suite and writes ``docs/suite.md``.

The suite is the production programs of ``../shared/xla_suite``, with and without a free cross-program prefetch, and
the zoo's programs for two accelerators, each with the whole, a quarter and a sixteenth of the fast memory.
``python benchmarks/suite.py --budget 10`` takes hours; each part's results are in ``build/suite/PART.bench.json`` as
they come, ``--resume`` goes on, ``--page-only`` makes the page again. Exits with 1 if a planner failed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from suite_programs import export_zoo
from zoo_machine import commit

from memstow import models
from memstow.accelerator import load_accelerator
from memstow.bench import BenchResults, Section, page
from memstow.errors import MemstowError
from memstow.schema import write_text

#: The budget of the part that asks what a few seconds give.
BRIEF_SECONDS = 5.0
#: Parts of an accelerator's fast memory that the zoo's programs are planned with beside the whole.
SHARES = (4, 16)
INTRODUCTION = """\
Written by `make bench-suite`; do not edit. Every part below is one run of `memstow bench`; its results file, from which
the tables are made, has more (both prices of the recorded solutions, peaks, times)."""


@dataclass(frozen=True)
class Part:
    """One run of ``memstow bench``: a title, a folder of programs, options, a budget if not the one asked for."""

    name: str
    title: str
    programs: Path
    options: tuple[str, ...] = ()
    budget_seconds: float | None = None


def parts(suite: Path, folder: Path, accelerators: Sequence[str]) -> Iterator[Part]:
    """The parts of the suite."""
    yield Part("xla", "Production programs, cross-program prefetches charged", suite)
    free = ("--max-cross-program-prefetches", "1")
    yield Part("xla-crossing", "Production programs, one cross-program prefetch free on both sides", suite, free)
    yield Part("xla-brief", "Production programs, a short budget", suite, budget_seconds=BRIEF_SECONDS)
    for name in accelerators:
        capacity = load_accelerator(name).capacity
        sizes = ",".join(str(capacity // share) for share in SHARES)
        yield Part(name, f"The zoo on {name}", folder / name, ("--capacity", sizes))


def command(part: Part, results: Path, options: argparse.Namespace) -> list[str]:
    """The command line of a part."""
    words = [sys.executable, "-m", "memstow.cli", "bench", str(part.programs), *part.options]
    budget = part.budget_seconds or options.budget
    words += ["--budget", f"{budget:g}", "--bound-time", f"{options.bound_time:g}", "--seed", str(options.seed)]
    words += ["--planners", options.planners] if options.planners else []
    words += ["--resume"] if options.resume else []
    return [*words, "--json", str(results)]


def results_path(folder: Path, part: Part) -> Path:
    """Where a part's results lie."""
    return folder / f"{part.name}.bench.json"


def suite_page(found: Sequence[tuple[Part, BenchResults]], head: str) -> str:
    """The page of the parts that have results."""
    sections = [Section(part.title, results) for part, results in found]
    return page("The suite, measured", f"{INTRODUCTION} Page made at commit `{head}`.", sections)


def write_page(chosen: Sequence[Part], options: argparse.Namespace) -> None:
    """Write the page from the results that there are."""
    paths = [(part, results_path(options.folder, part)) for part in chosen]
    found = [(part, BenchResults.load(path)) for part, path in paths if path.is_file()]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_text(options.out, suite_page(found, commit(ignore=options.out)))
    print(f"{options.out}: {len(found)} of {len(chosen)} parts", file=sys.stderr)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with names checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=Path("../shared/xla_suite"), metavar="DIR")
    parser.add_argument("--folder", type=Path, default=Path("build/suite"), metavar="DIR", help="programs and results")
    parser.add_argument("--out", type=Path, default=Path("docs/suite.md"), metavar="FILE", help="the page")
    parser.add_argument("--parts", type=_list, metavar="A,B", help="some of xla, xla-crossing, xla-brief, accelerators")
    parser.add_argument("--models", type=_list, metavar="A,B", help="only these; with a --folder of their own")
    parser.add_argument("--size", default="full", help="size of the zoo's models")
    parser.add_argument("--accelerators", type=_list, default=["tpu_v5e", "ethos_u85"], metavar="A,B")
    parser.add_argument("--planners", metavar="A,B", help="as for memstow bench")
    parser.add_argument("--budget", type=float, default=10.0, metavar="SECONDS", help="for each planner, per program")
    parser.add_argument("--bound-time", type=float, default=60.0, metavar="SECONDS", help="per program")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="keep the results that there are")
    parser.add_argument("--page-only", action="store_true", help="measure nothing: write the page from the results")
    options = parser.parse_args(arguments)
    try:
        options.models = [models.entry(name).name for name in options.models or models.names()]
        known = list(parts(options.suite, options.folder, options.accelerators))
    except MemstowError as error:
        parser.error(str(error))
    names = [part.name for part in known]
    unknown = sorted(set(options.parts or ()) - set(names))
    if unknown:
        parser.error(f"--parts: expected some of {', '.join(names)}, found {unknown[0]!r}")
    options.parts = [part for part in known if part.name in (options.parts or names)]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    status = 0
    if not options.page_only:
        options.folder.mkdir(parents=True, exist_ok=True)
        zoo = [part.name for part in options.parts if part.name in options.accelerators]
        failures = export_zoo(options.folder, options.models, options.size, zoo) if zoo else []
        for failure in failures:
            print(failure, file=sys.stderr)
            status = 1
        for part in options.parts:
            print(part.title, file=sys.stderr, flush=True)
            ended = run(command(part, results_path(options.folder, part), options))
            status = max(status, ended)
            if ended > 1:
                break
    write_page(options.parts, options)
    return status


def run(words: Sequence[str]) -> int:
    """Run a command line to its end, Ctrl-C included, which it gets too."""
    with subprocess.Popen(words) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    raise SystemExit(main())
