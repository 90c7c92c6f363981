"""The commands by name, each imported when it is run: the help of the program needs no more than their summaries."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True)
class LazyCommand:
    """A command function or a group of commands: ``attribute`` of ``module`` here; ``summary`` begins its help."""

    name: str
    module: str
    attribute: str
    summary: str

    def load(self) -> Any:
        """The command with its options."""
        found = getattr(import_module(f".{self.module}", __package__), self.attribute)
        if isinstance(found, typer.Typer):
            group = get_group(found)
            group.name = self.name
            return group
        holder = typer.Typer(add_completion=False)
        holder.command(self.name)(found)
        return get_command(holder)

    def listed(self) -> TyperCommand:
        """What stands for it in the list of commands."""
        return TyperCommand(name=self.name, help=self.summary)


_ALL = (
    LazyCommand(
        "compile",
        "compile",
        "compile_command",
        "Compile a PyTorch model, plan its memory, run it and compare with PyTorch.",
    ),
    LazyCommand("plan", "plan", "plan_command", "Plan the memory of a program from a file."),
    LazyCommand(
        "check",
        "check",
        "check_command",
        "Check a plan against the rules of plan validity; exit code 1 and the violations if it breaks one.",
    ),
    LazyCommand(
        "report",
        "report",
        "report_command",
        "Show plans of one program side by side: an HTML page, or pictures of them.",
    ),
    LazyCommand(
        "pack",
        "pack",
        "pack_command",
        "Find an offset for every buffer; exit code 1 if none is found or there is none.",
    ),
    LazyCommand("bound", "bound", "bound_command", "Prove how fast a plan for a program can be at best."),
    LazyCommand(
        "bench",
        "bench",
        "bench_command",
        "Compare planners on many programs; exit code 1 if one fails or gives an invalid plan.",
    ),
    LazyCommand(
        "explore",
        "explore",
        "explore_command",
        "Plan models on a grid of accelerators: times, gaps, and the variants that no other beats.",
    ),
    LazyCommand(
        "models",
        "models",
        "models_command",
        "List the models of the zoo with parameters, FLOPs and kernels in every size.",
    ),
    LazyCommand(
        "accelerators",
        "accelerators",
        "accelerators_command",
        "List the accelerator descriptions, or explain one: every number with its unit and source.",
    ),
    LazyCommand("cost-model", "cost_model", "app", "Learned cost models: collect samples, train, evaluate, predict."),
    LazyCommand("agent", "agent", "app", "The agent that plays MallocGame: train, evaluate."),
    LazyCommand(
        "doctor",
        "doctor",
        "doctor_command",
        "Say what memstow finds here: packages, machine, trained models; exit code 1 if one that is needed is broken.",
    ),
)
#: Every command by its name, in the order of the list.
COMMANDS = {command.name: command for command in _ALL}


class LazyGroup(TyperGroup):
    """The program's commands, loaded when they are called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands.update({name: command.listed() for name, command in COMMANDS.items()})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that ``args`` call, itself in the place of what stands for it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, COMMANDS[name].load() if name in COMMANDS else command, rest
