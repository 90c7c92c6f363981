"""A command's one file: known to be writable before the long work begins."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..errors import InvalidInputError
from ..output_folder import make_folder


def check_file_target(path: Path) -> None:
    """Make sure that a file can be put at ``path``.

    Raises:
        InvalidInputError: ``path`` is a folder, or its own folder cannot be made or written to.
    """
    if path.is_dir():
        raise InvalidInputError(f"{path}: expected a file to write, found a folder; name a file in it")
    make_folder(path.parent)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".memstow-"):
            pass
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from None
