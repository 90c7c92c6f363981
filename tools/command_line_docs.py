"""The command line in Markdown, read off the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

from memstow.cli import app


def command_line() -> str:
    """Every command with its arguments and options."""
    return "\n\n".join(_sections(typer.main.get_command(app), None, "memstow"))


def _sections(command: Any, parent: typer.Context | None, name: str) -> Iterator[str]:
    context = typer.Context(command, parent=parent, info_name=name)
    if isinstance(command, TyperGroup):
        for inner in command.list_commands(context):
            yield from _sections(command.resolve_command(context, [inner])[1], context, inner)
        return
    yield f"## {context.command_path}"
    usage = " ".join(piece.strip("{}") for piece in command.collect_usage_pieces(context))
    yield f"`{context.command_path} {usage}`"
    yield inspect.cleandoc(command.help)
    rows = [_row(parameter) for parameter in command.params if not parameter.hidden]
    yield "\n".join(["| argument or option | default | |", "| --- | --- | --- |", *rows])


def _row(parameter: Any) -> str:
    cells = (f"<code>{_name(parameter)}</code>", _default(parameter), " ".join((parameter.help or "").split()))
    return "| " + " | ".join(cell.replace("|", "&#124;") for cell in cells) + " |"  # also code may have no bare bar


def _name(parameter: Any) -> str:
    value = parameter.metavar or parameter.name.upper()
    if not isinstance(parameter, TyperOption):
        return str(value)
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {value}"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or getattr(parameter, "is_flag", False):
        return ""
    return f"`{parameter.default}`"
