"""Writes the zoo's programs that the agent may be trained on: ``FOLDER/ACCELERATOR/MODEL-SIZE.program.json``.

``python benchmarks/training_programs.py build/training --size tiny --size full`` takes minutes; models of families
that are kept for judgement are left out. A folder ``FOLDER/ACCELERATOR`` is one of ``ProblemSettings.folders``. Exits
with 1 if a model could not be extracted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from suite_programs import export_zoo

from memstow import models
from memstow.rl_agent.training.programs import is_test_program

ACCELERATORS = ("tpu_v5e", "ethos_u85", "hexagon_v73")


def main(arguments: list[str] | None = None) -> int:
    """Extract what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", action="append", help="tiny (where nothing is said), full or deep; several times")
    parser.add_argument("--accelerator", action="append", help=f"where nothing is said: {', '.join(ACCELERATORS)}")
    parser.add_argument("--model", action="append", help="only these")
    options = parser.parse_args(arguments)
    failures = []
    for size in options.size or ["tiny"]:
        names = [name for name in options.model or models.names() if size in models.sizes(name)]
        names = [name for name in names if not is_test_program(name)]
        failures += export_zoo(options.folder, names, size, options.accelerator or ACCELERATORS)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
