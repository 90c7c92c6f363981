"""Runs every planner on the suite and on the zoo, by several seeds, and writes ``docs/results.md`` and its picture.

The work is split into parts: the production programs of ``../shared/xla_suite`` (``xla``), on request with a free
cross-program prefetch (``xla-crossing``), the zoo for each accelerator with the whole, a quarter and a sixteenth of its
fast memory, TVM's arena bytes (``arena``) and MiniMalloc's problems (``packing``). Each seed of a part is one run of
``memstow bench``; the first proves the bounds for all.

``python benchmarks/results.py`` takes two to three hours on two cores, four at most: searches end at proven optima.
Results are in ``build/bench`` as they come: after Ctrl-C ``--resume`` goes on, ``--page-only`` makes the page of what
there is. Exits with 1 if a planner failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from results_figures import Contest, load
from results_page import PICTURE, Page
from results_parts import (
    ARENA,
    CROSSING,
    PACKING,
    PLANNERS,
    Part,
    arena_command,
    commands,
    packing_command,
    packing_path,
    parts,
)
from results_picture import Panel, draw
from results_rivals import Arena, Packing
from suite_programs import export_zoo
from zoo_machine import commit

from memstow import models, planners
from memstow.bench import code_digest
from memstow.errors import MemstowError
from memstow.schema import write_text

#: From here on an exit code means that nothing more is to be run: bad input, an interruption.
ENDED = 2
INTERRUPTED = 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with names checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=Path("../shared/xla_suite"), metavar="DIR")
    parser.add_argument("--packing", type=Path, default=Path("../shared/minimalloc"), metavar="DIR")
    parser.add_argument("--folder", type=Path, default=Path("build/bench"), metavar="DIR", help="programs and results")
    parser.add_argument("--out", type=Path, default=Path("docs/results.md"), metavar="FILE", help="the page")
    parser.add_argument("--parts", type=_list, metavar="A,B", help=f"all but {CROSSING} unless given")
    parser.add_argument("--planners", type=_list, default=list(PLANNERS), metavar="A,B")
    parser.add_argument("--budget", type=float, default=5.0, metavar="SECONDS", help="for each planner, per program")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="for planners that a seed changes")
    parser.add_argument("--bound-time", type=float, default=10.0, metavar="SECONDS", help="per program")
    parser.add_argument("--models", type=_list, metavar="A,B", help="only these; with a --folder of their own")
    parser.add_argument("--size", default="full", help="size of the zoo's models")
    parser.add_argument("--accelerators", type=_list, default=["tpu_v5e", "ethos_u85"], metavar="A,B")
    parser.add_argument("--resume", action="store_true", help="keep the results that there are")
    parser.add_argument("--page-only", action="store_true", help="measure nothing: write the page from the results")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds: expected 1 or more, found {options.seeds}")
    try:
        options.models = [models.entry(name).name for name in options.models or models.names()]
        for name in options.planners:
            planners.get(name)
        options.known = list(parts(options.suite, options.folder, options.accelerators))
    except MemstowError as error:
        parser.error(str(error))
    names = [*(part.name for part in options.known), ARENA, PACKING]
    unknown = sorted(set(options.parts or ()) - set(names))
    if unknown:
        parser.error(f"--parts: expected some of {', '.join(names)}, found {unknown[0]!r}")
    options.parts = options.parts or [name for name in names if name != CROSSING]
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status = 0 if options.page_only else measure(options)
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status >= ENDED:
        print(f"no page was written; {options.folder} has what was measured, --resume goes on", file=sys.stderr)
        return status
    try:
        write_page(options)
    except MemstowError as error:
        print(error, file=sys.stderr)
        return ENDED
    return status


def measure(options: argparse.Namespace) -> int:
    """Run the parts one after another; their largest exit code. One that is no failure of a planner ends it."""
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = [part for part in options.known if part.name in options.parts]
    zoo = [part.name for part in chosen if part.name in options.accelerators]
    failures = export_zoo(options.folder, options.models, options.size, zoo) if zoo else []
    for failure in failures:
        print(failure, file=sys.stderr)
    status = int(bool(failures))
    for title, words in steps(chosen, options):
        print(f"\n{title}", file=sys.stderr, flush=True)
        ended = run(words)
        status = max(status, ended)
        if not 0 <= ended < ENDED:
            return max(status, ENDED)
    return status


def steps(chosen: Sequence[Part], options: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    """Title and command line of everything that is to run, what is short first."""
    if PACKING in options.parts and not (options.resume and has_packing(options.folder)):
        yield "Packing MiniMalloc's problems", packing_command(options)
    if ARENA in options.parts:
        yield "Arena bytes against TVM's", arena_command(options)
    for part in chosen:
        lines = list(commands(part, options))
        for seed, words in enumerate(lines):
            yield f"{part.title}, seed {seed} of 0 to {len(lines) - 1}", words


def has_packing(folder: Path) -> bool:
    """Whether there are results of packing by this code."""
    path = packing_path(folder)
    return path.is_file() and json.loads(path.read_text(encoding="utf-8")).get("code") == code_digest()


def run(words: Sequence[str]) -> int:
    """Run a command line to its end, Ctrl-C included, which it gets too."""
    with subprocess.Popen(words) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def write_page(options: argparse.Namespace) -> None:
    """Write page and picture from all results in the folder.

    Raises:
        InvalidInputError: files there cannot be read, or do not go together.
    """
    contests = [found for part in options.known if (found := load(part, options.folder)) is not None]
    picture = options.out.parent / PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    arena, packing = Arena.load(options.folder), Packing.load(options.folder)
    head = commit(ignore=options.out)
    if contests:
        draw([panel(contest) for contest in contests], picture)
    write_text(options.out, Page(contests, arena, packing, options.suite, head).text())
    print(f"{options.out}: {len(contests)} of {len(options.known)} parts with planners", file=sys.stderr)


def panel(contest: Contest) -> Panel:
    """A part's profiles as a diagram."""
    return Panel(contest.part.title, contest.excesses(list(contest.cases)))


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    raise SystemExit(main())
