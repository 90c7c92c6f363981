"""The program ``memstow``: its commands and its exit codes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ..errors import InfeasiblePlanError, MemstowError
from .commands import LazyGroup
from .console import notice
from .failures import EXIT_BAD_INPUT, EXIT_FAILED_CHECK, EXIT_INTERRUPTED


class CommandGroup(LazyGroup):
    """Turns the package's errors and Ctrl-C into one line on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except InfeasiblePlanError as error:
            notice(f"error: {error}")
            raise typer.Exit(EXIT_FAILED_CHECK) from error
        except MemstowError as error:
            notice(f"error: {error}")
            raise typer.Exit(EXIT_BAD_INPUT) from error
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "memstow":
                raise
            notice(f"error: {error}; `memstow doctor` says what is missing and how to install it")
            raise typer.Exit(EXIT_BAD_INPUT) from error
        except KeyboardInterrupt as error:
            notice(f"interrupted: {error}" if str(error) else "interrupted: no file was changed")
            raise typer.Exit(EXIT_INTERRUPTED) from error


app = typer.Typer(
    name="memstow",
    cls=CommandGroup,
    help="Decides where every tensor of a compiled PyTorch model lives in a two-level accelerator memory.",
    epilog="Exit codes: 0 fine; 1 invalid plan, wrong numerics, no packing, failed planner; 2 bad input; 130 Ctrl-C.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        typer.echo(f"memstow {metadata.version('memstow')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options that stand before the command."""


def main() -> None:
    """Entry point of the console script."""
    app()
