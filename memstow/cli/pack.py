"""``memstow pack``: offsets for the buffers of a MiniMalloc CSV file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InfeasiblePlanError, InvalidInputError, UnknownNameError
from .console import format_seconds, print_json, print_lines, print_table
from .failures import EXIT_FAILED_CHECK
from .interrupt import Interrupted, InterruptWatch
from .options import JsonOption
from .output import check_file_target

# memstow.packing needs numpy, so it is imported where it is used: `memstow --help` stays quick.
if TYPE_CHECKING:
    from ..packing import PackingFile, PackingResult

DEFAULT_TIME_LIMIT_SECONDS = 60.0
SHOWN_VIOLATIONS = 5


def pack_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Columns id, lower, upper, size.", show_default=False)
    ],
    capacity: Annotated[int, typer.Option(metavar="N", help="Memory to pack into.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(metavar="OUT.csv", help="File to write; FILE.packed.csv here unless given.", show_default=False),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="Time the search may take.")
    ] = DEFAULT_TIME_LIMIT_SECONDS,
    method: Annotated[str, typer.Option(metavar="M", help="complete, best-fit or first-fit.")] = "complete",
    json: JsonOption = False,
) -> None:
    """Find an offset for every buffer; exit code 1 if none is found or there is none."""
    from ..packing import read_csv

    _check_options(capacity, time_limit, method)
    target = out or Path(f"{file.stem}.packed.csv")
    if target.resolve() == file.resolve():
        raise InvalidInputError(f"--out {target}: is the input itself; name another file")
    problem = read_csv(file)
    check_file_target(target)
    result = _pack_and_write(problem, capacity, time_limit, method, target)
    document = _describe(problem, capacity, time_limit, method, result)
    if json:
        files = {"packing": str(target)} if result.offsets is not None else {}
        print_json({**document, "files": files})
    else:
        _print(file, document)
        if result.offsets is not None:
            print_lines("Files", [str(target)])
    if result.offsets is None:
        raise typer.Exit(EXIT_FAILED_CHECK)


def _check_options(capacity: int, time_limit: float, method: str) -> None:
    from ..packing import METHODS

    if capacity <= 0:
        raise InvalidInputError(f"--capacity: expected a number above 0, found {capacity}")
    if math.isnan(time_limit) or time_limit < 0:
        raise InvalidInputError(f"--time-limit: expected a number of seconds, 0 or more, found {time_limit}")
    if method not in METHODS:
        raise UnknownNameError("packing method", method, METHODS)


def _pack_and_write(problem: PackingFile, capacity: int, time_limit: float, method: str, target: Path) -> PackingResult:
    """The result, checked and saved where there are offsets."""
    from ..packing import pack, write_csv

    watch = InterruptWatch()
    try:
        with watch:
            result = pack(problem.buffers, capacity, time_limit_seconds=time_limit, method=method)
            watch.check()
            if result.offsets is not None:
                _require_valid(problem, result.offsets, capacity)
                with watch.held():
                    write_csv(target, problem, result.offsets)
    except BaseException as error:
        if watch.seen or isinstance(error, KeyboardInterrupt):
            raise Interrupted(f"{target} is as before") from error
        raise
    return result


def _require_valid(problem: PackingFile, offsets: tuple[int, ...], capacity: int) -> None:
    from ..packing import check

    violations = check(problem.buffers, offsets, capacity)
    if violations:
        raise InfeasiblePlanError(
            f"the solver gave a packing that is wrong, not written: {'; '.join(violations[:SHOWN_VIOLATIONS])}; "
            "choose another --method and report this"
        )


def _describe(
    problem: PackingFile, capacity: int, time_limit: float, method: str, result: PackingResult
) -> dict[str, Any]:
    from ..packing import peak_load

    offsets = result.offsets
    height = (
        None if offsets is None else max(map(sum, zip(offsets, problem.buffers.size.tolist(), strict=True)), default=0)
    )
    reasons = {
        "solved": "solved",
        "infeasible": "proven infeasible",
        "unknown": f"not solved within {time_limit:g} s"
        if method == "complete"
        else f"{method} found no packing; --method complete may",
    }
    return {
        "outcome": result.outcome,
        "reason": reasons[result.outcome],
        "method": method,
        "buffers": len(problem.buffers),
        "capacity": capacity,
        "peak_load": peak_load(problem.buffers),
        "height": height,
        "seconds": result.seconds,
        "nodes": result.nodes,
    }


def _print(file: Path, document: dict[str, Any]) -> None:
    rows = [
        ("method", document["method"]),
        ("buffers", f"{document['buffers']:,}"),
        ("capacity", f"{document['capacity']:,}"),
        ("peak load, a lower bound", f"{document['peak_load']:,}"),
        ("height of the packing", "-" if document["height"] is None else f"{document['height']:,}"),
        ("time", format_seconds(document["seconds"])),
        ("placements tried", f"{document['nodes']:,}"),
    ]
    print_table(f"{file}: {document['reason']}", ("", ""), rows, right=(1,))
