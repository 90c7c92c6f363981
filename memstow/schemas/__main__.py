"""Rewrite the schema files beside this module: ``python -m memstow.schemas``."""

from __future__ import annotations

from pathlib import Path

from ..schema import write_text
from . import DOCUMENTS, file_name, schema_text


def main() -> None:
    """Write every schema and print its path."""
    folder = Path(__file__).parent
    for name in DOCUMENTS:
        path = folder / file_name(name)
        write_text(path, schema_text(name))
        print(path)


if __name__ == "__main__":
    main()
