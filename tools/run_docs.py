"""Runs every command of README and ``docs/`` as it is written; ``make test-docs`` calls it.

Each page has an empty folder of its own, in which its blocks run in order, with ``.venv/bin`` first on PATH:

    ```sh                     each line is a command; a backslash at its end goes on with the next
    ```console                lines that begin with "$ " are commands, others their output; "..." stands for anything
    ```python                 a script
    ```toml title="my.toml"   a block of any language with a title is a file, written where the page has it

A block that must not run says why in a comment on the line before: ``<!-- not run: REASON -->``. What is left out so
is listed at the end, with commands in ``text`` blocks, which are for looking at.

The first command of a page that fails, or prints something else than the page says, ends the page: the exit code is 1
and page, line, command and output are shown.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 300
_FENCE = re.compile(r"^ {0,3}```+ *(?P<language>[\w-]*)(?P<rest>.*)$")
_TITLE = re.compile(r'title="([^"]+)"')
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->")
#: How a line of a block that is not run begins when it is a command after all.
_COMMANDS = ("$ ", "memstow ", "make ", "pip ", "python ")


@dataclass(frozen=True)
class Block:
    """A fenced block: ``line`` is that of its first line of text, ``left_out`` why it is not to run."""

    page: Path
    line: int
    language: str
    title: str
    left_out: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is between the fences."""
        return "\n".join(self.lines) + "\n"


@dataclass(frozen=True)
class Step:
    """One command of a page and, in a console block, what it prints."""

    block: Block
    line: int
    command: str
    output: str | None = None


class DocsError(Exception):
    """A command failed or printed something else; the message has page, line, command and output."""


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start, reason = 0, ""
    while start < len(lines):
        opening = _FENCE.match(lines[start])
        if opening is None:
            found = _NOT_RUN.search(lines[start])
            reason = found[1] if found else reason if not lines[start].strip() else ""
            start += 1
            continue
        end = next(k for k in range(start + 1, len(lines) + 1) if k == len(lines) or lines[k].strip() == "```")
        title = _TITLE.search(opening["rest"])
        inside = tuple(lines[start + 1 : end])
        yield Block(page, start + 2, opening["language"], title[1] if title else "", reason, inside)
        start, reason = end + 1, ""


def steps_of(block: Block) -> Iterator[Step]:
    """The commands of a block that runs."""
    if block.language == "python":
        name = f"line_{block.line}.py"
        yield Step(block, block.line, f"python {name}")
    elif block.language == "sh":
        yield from _shell_steps(block)
    elif block.language == "console":
        yield from _console_steps(block)


def run_page(page: Path) -> tuple[int, float]:
    """The number of commands of a page that ran, and their seconds.

    Raises:
        DocsError: one failed.
    """
    begin, count = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="memstow-docs-") as name:
        folder = Path(name)
        for block in blocks_of(page):
            if block.left_out:
                continue
            if block.title:
                (folder / block.title).write_text(block.text, encoding="utf-8")
                continue
            if block.language == "python":
                (folder / f"line_{block.line}.py").write_text(block.text, encoding="utf-8")
            for step in steps_of(block):
                _run(step, folder)
                count += 1
    return count, time.monotonic() - begin


def left_out(page: Path) -> Iterator[str]:
    """What does not run and why, a line for each block that has a command."""
    for block in blocks_of(page):
        why = block.left_out or ("shown as text" if block.language in ("", "text") and _has_command(block) else "")
        if why:
            yield f"{_place(page, block.line)}: {why}: {_first_command(block)}"


def pages() -> list[Path]:
    """README and every page of the documentation."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _shell_steps(block: Block) -> Iterator[Step]:
    parts: list[str] = []
    for number, line in enumerate(block.lines, start=block.line):
        parts.append(line)
        if line.endswith("\\"):
            continue
        command = "\n".join(parts)
        if command.strip() and not command.lstrip().startswith("#"):
            yield Step(block, number - len(parts) + 1, command)
        parts = []


def _console_steps(block: Block) -> Iterator[Step]:
    commands = [k for k, line in enumerate(block.lines) if line.startswith("$ ")]
    for k, end in zip(commands, [*commands[1:], len(block.lines)], strict=True):
        yield Step(block, block.line + k, block.lines[k][2:], "\n".join(block.lines[k + 1 : end]))


def _run(step: Step, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "120"}
    where = f"{_place(step.block.page, step.line)}: {step.command}"
    try:
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DocsError(
            f"{where}\nnot done after {TIMEOUT_SECONDS} s; mark the block as not run\n{error.output}"
        ) from None
    if done.returncode:
        raise DocsError(f"{where}\nexit code {done.returncode}\n{done.stdout}")
    if step.output is not None and not _agrees(step.output, done.stdout):
        raise DocsError(f"{where}\nthe page says\n{step.output}\nthe command says\n{done.stdout}")


def _agrees(expected: str, found: str) -> bool:
    """Whether words and numbers are the same, ``...`` standing for any of them; spaces do not count."""
    parts = [r"\s+".join(map(re.escape, part.split())) for part in expected.split("...")]
    return re.fullmatch(r"\s*" + r".*?".join(part and rf"\s*{part}\s*" for part in parts), found, re.DOTALL) is not None


def _has_command(block: Block) -> bool:
    return any(line.startswith(_COMMANDS) for line in block.lines)


def _first_command(block: Block) -> str:
    commands = [line for line in block.lines if line.startswith(_COMMANDS)]
    return (commands or list(block.lines) or [""])[0].removeprefix("$ ")


def _place(page: Path, line: int) -> str:
    name = page.relative_to(ROOT) if page.is_relative_to(ROOT) else page
    return f"{name}:{line}"


def _outcome(page: Path) -> tuple[str, bool]:
    """A line on a page, empty where it has no command, and whether all went well."""
    try:
        count, seconds = run_page(page)
    except DocsError as error:
        return f"FAILED {error}", False
    return (f"{_place(page, 1)}: {count} commands, {seconds:.0f} s" if count else ""), True


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help="left out: README and all of docs/")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="pages that run side by side")
    options = parser.parse_args()
    chosen = [page.resolve() for page in options.pages] or pages()
    with ThreadPoolExecutor(options.workers) as pool:
        is_fine = True
        for text, went_well in pool.map(_outcome, chosen):
            is_fine &= went_well
            if text:
                print(text, flush=True)
    for page in chosen:
        for line in left_out(page):
            print(f"left out {line}")
    return 0 if is_fine else 1


if __name__ == "__main__":
    raise SystemExit(main())
