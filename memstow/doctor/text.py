"""The examination as people read it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from ..extras import PURPOSES
from .examine import Report, examine
from .packages import MISSING, OK, Package

EXIT_FINE, EXIT_BROKEN = 0, 1


def run_doctor(*, as_json: bool) -> int:
    """Examine and print; the exit code, 1 if something needed is broken."""
    print("looking at every package, some seconds ...", file=sys.stderr, flush=True)
    report = examine()
    if as_json:
        print(json.dumps(report.document(), indent=1))
    else:
        print("\n".join(lines(report)))
    return EXIT_BROKEN if report.problems else EXIT_FINE


def lines(report: Report) -> Iterator[str]:
    """The report, a line each."""
    yield f"memstow {report.memstow or '(not installed)'}  {report.place}"
    yield f"  Python     {report.python}, {report.executable}"
    yield f"  machine    {report.cpu}, {report.cores} cores, {report.memory_bytes / 2**30:.1f} GiB, {report.system}"
    yield f"  GPU        {report.gpu}"
    kept = f"{report.cache.files} files, {report.cache.bytes / 2**20:.0f} MiB"
    yield f"  cache      {report.cache.path}: {report.cache.problem or kept}"
    for part in report.parts:
        yield f"  {_mark(part.is_fine)} {part.name}: {part.found}"
    yield ""
    yield "needed"
    yield from _table([package for package in report.packages if package.is_needed])
    for extra, purpose in PURPOSES.items():
        packages = [package for package in report.packages if package.extra == extra]
        if packages:
            yield f"[{extra}] {purpose}{_hint(packages)}"
            yield from _table(packages)
    yield ""
    yield from _verdict(report)


def _table(packages: list[Package]) -> Iterator[str]:
    for package in packages:
        found = package.version or package.state
        state = "" if package.state in (OK, MISSING) else f"  {package.state}: {package.note}"
        yield f"  {_mark(package.state == OK)} {package.name:<16} {found:<16}{state}".rstrip()


def _hint(packages: list[Package]) -> str:
    """The commands that put an extra right, if it is not."""
    commands = dict.fromkeys(package.install for package in packages if package.install)
    return f": {'; '.join(commands)}" if commands else ""


def _verdict(report: Report) -> Iterator[str]:
    if not report.problems:
        yield "all that is needed is there"
        return
    yield "broken:"
    yield from (f"  {problem}" for problem in report.problems)
    if report.commands:
        yield "to mend it:"
        yield from (f"  {command}" for command in report.commands)


def _mark(is_fine: bool) -> str:
    return "+" if is_fine else "-"
