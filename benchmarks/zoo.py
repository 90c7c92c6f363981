"""Measures every model of the zoo and writes the page ``docs/zoo.md``; the page says what is measured.

``python benchmarks/zoo.py --json build/zoo.json --out docs/zoo.md`` takes half an hour on two cores. Every row is
kept in the JSON file as it comes; ``--resume`` goes on where an interrupted run of the same commit has stopped. Exits
with 1 if a row has failed, a numerics check included.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from zoo_machine import commit, describe_machine, versions
from zoo_page import is_failure, page
from zoo_results import TABLES, Results, tasks
from zoo_runner import run_all

from memstow import models, planners
from memstow.accelerator import load_accelerator
from memstow.errors import MemstowError

EXIT_INTERRUPTED = 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with names checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("build/zoo.json"), metavar="FILE", help="results")
    parser.add_argument("--out", type=Path, default=Path("docs/zoo.md"), metavar="FILE", help="the page")
    parser.add_argument("--models", type=_list, metavar="A,B", help="only these models")
    parser.add_argument(
        "--sizes",
        type=_list,
        default=["tiny", "full", "deep"],
        metavar="A,B",
        help="tiny, full (with arena), deep, arena",
    )
    parser.add_argument("--accelerators", type=_list, default=["tpu_v5e", "ethos_u85"], metavar="A,B")
    parser.add_argument("--planner", default="greedy")
    parser.add_argument("--budget", type=float, default=10.0, metavar="SECONDS", help="for the planner, per plan")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=1800.0, metavar="SECONDS", help="for one model in one table")
    parser.add_argument("--resume", action="store_true", help="keep the rows of FILE: of this commit, not failed")
    parser.add_argument("--page-only", action="store_true", help="measure nothing: write the page from the results")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.sizes) - set(TABLES))
    if unknown:
        parser.error(f"--sizes: expected some of {', '.join(TABLES)}, found {unknown[0]!r}")
    try:
        planners.get(options.planner)
        options.models = [models.entry(name).name for name in options.models or models.names()]
        options.accelerators = [load_accelerator(name).name for name in options.accelerators]
    except MemstowError as error:
        parser.error(str(error))
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    if options.page_only:
        return _write_page(options.json, options.out)
    settings = {"planner": options.planner, "budget": options.budget, "seed": options.seed}
    about = {"options": settings, "machine": describe_machine(), "versions": versions()}
    zoo = {name: list(models.sizes(name)) for name in models.names()}
    results = Results(options.json, about, zoo, options.accelerators)
    if options.resume:
        results.resume()
    results.data["date"] = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    tables = {*options.sizes, *(["arena"] if "full" in options.sizes else [])}
    chosen = {name: zoo[name] for name in options.models}
    head = commit(ignore=options.out)
    try:
        run_all(
            list(tasks(chosen, list(tables), options.accelerators)),
            results,
            settings,
            commit=head,
            timeout=options.timeout,
        )
    except KeyboardInterrupt:
        rows = len(results.data["rows"])
        kept = f"{options.json} has {rows} rows; --resume goes on" if rows else "nothing was measured, no file changed"
        print(f"interrupted: {kept}", file=sys.stderr)
        if rows:
            _write_page(options.json, options.out)
        return EXIT_INTERRUPTED
    return _write_page(options.json, options.out)


def _write_page(source: Path, out: Path) -> int:
    if not source.is_file():
        print(f"{source}: no results; nothing was to be measured, or run without --page-only", file=sys.stderr)
        return 1
    data = json.loads(source.read_text(encoding="utf-8"))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(data), encoding="utf-8")
    failures = sum(is_failure(row) for row in data["rows"])
    print(f"{out}: {len(data['rows'])} rows, {failures} failed", file=sys.stderr)
    return int(failures > 0)


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    raise SystemExit(main())
