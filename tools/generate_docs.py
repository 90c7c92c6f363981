"""Writes the parts of ``docs/`` that follow from the code; ``make docs-tables`` runs it.

A page marks such a part with ``<!-- begin: NAME -->`` and ``<!-- end: NAME -->``, NAME being one of :data:`PARTS`.
With ``--check`` nothing is written, and the exit code is 1 where a page is out of date.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path

from command_line_docs import command_line

from memstow import planners
from memstow.cli.accelerators import unit_of
from memstow.schemas.keys import Key, document_keys

DOCS = Path(__file__).parents[1] / "docs"
_PART = re.compile(r"(<!-- begin: (?P<name>[a-z_]+) -->\n).*?(<!-- end: (?P=name) -->)", re.DOTALL)


def accelerator_keys() -> str:
    """Every key of an accelerator file."""
    header = ("key", "unit", "default", "meaning")
    keys = document_keys("accelerator")
    rows = [(f"`{key.path}`", unit_of(key.path), _default(key), _code(key.description)) for key in keys]
    return table(header, rows)


def program_keys() -> str:
    """Every key of a program file."""
    return _document_table("program")


def plan_keys() -> str:
    """Every key of a plan file."""
    return _document_table("plan")


def planner_table() -> str:
    """Every planner that comes with memstow, with the options that its class has."""
    found = [planners.get(name) for name in planners.names()]
    own = [planner for planner in found if type(planner).__module__.startswith("memstow.")]
    rows = [(f"`{planner.name}`", planner.description, ", ".join(_options(planner)) or "none") for planner in own]
    return table(("planner", "what it does", "options and defaults"), rows)


PARTS: dict[str, Callable[[], str]] = {
    part.__name__: part for part in (accelerator_keys, program_keys, plan_keys, planner_table, command_line)
}


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(header)]
    lines += [["---"] * len(lines[0]), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def generated(text: str) -> str:
    """A page with its marked parts as they are to be. Parts that this tool does not know stay."""
    return _PART.sub(lambda m: f"{m[1]}{PARTS[m['name']]()}\n{m[3]}" if m["name"] in PARTS else m[0], text)


def outdated() -> dict[Path, str]:
    """Pages whose parts are not as they are to be, each with the text that is."""
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
    return {page: new for page, old in texts.items() if (new := generated(old)) != old}


def _document_table(name: str) -> str:
    rows = [(f"`{key.path}`", key.type, _default(key), _code(key.description)) for key in document_keys(name)]
    return table(("key", "type", "default", "meaning"), rows)


def _default(key: Key) -> str:
    if key.is_required:
        return "required"
    return "" if key.default in (None, "", [], {}) else f"`{key.default}`"


def _code(text: str) -> str:
    return text.replace("``", "`")


def _options(planner: planners.Planner) -> list[str]:
    if not is_dataclass(planner):
        return []
    known = [field.name for field in fields(planner) if field.name not in ("name", "description")]
    return [f"`{name}={_value(getattr(planner, name))}`" for name in known]


def _value(option: object) -> str:
    return f"{type(option).__name__}(...)" if is_dataclass(option) else repr(option)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is out of date")
    options = parser.parse_args()
    pages = outdated()
    for page, text in pages.items():
        print(f"{page}: {'out of date; run make docs-tables' if options.check else 'written'}")
        if not options.check:
            page.write_text(text, encoding="utf-8")
    return int(options.check and bool(pages))


if __name__ == "__main__":
    raise SystemExit(main())
