"""The console script: the command line, or where that cannot be loaded its doctor alone."""

from __future__ import annotations

import sys

#: As for other bad input.
EXIT_CANNOT_START = 2


def main() -> None:
    """Run the command line.

    ``memstow doctor`` works where the packages of the command line itself are missing or broken.
    """
    try:
        from .cli import main as run
    except ImportError as error:
        sys.exit(_without_command_line(error))
    run()


def _without_command_line(error: ImportError) -> int:
    if sys.argv[1:2] == ["doctor"]:
        from .doctor import run_doctor

        return run_doctor(as_json="--json" in sys.argv)
    found = "`memstow doctor` says what is missing and how to install it"
    print(f"error: the command line cannot be loaded ({error}); {found}", file=sys.stderr)
    return EXIT_CANNOT_START
