"""Files that appear together: whole or not at all, in a folder known to be writable before the long work begins."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .errors import InvalidInputError


def make_folder(folder: Path) -> list[Path]:
    """Make ``folder`` and return those that did not exist before, innermost first.

    Raises:
        InvalidInputError: it cannot be made.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{folder}: cannot be used as a folder ({error.strerror}); choose another") from None
    return missing


class OutputFolder:
    """A folder whose files are prepared aside and moved into place together, each by one rename.

    Unless :meth:`commit` is reached nothing in the folder changes, and folders made for it are removed again.
    """

    def __init__(self, folder: Path, names: Sequence[str] = ()) -> None:
        """``names`` are the files to come: known here, they are known not to be in the way of a folder."""
        self.folder = folder
        self._names = names
        self.kept: list[str] = []
        self._made: list[Path] = []
        self._staging = folder

    def __enter__(self) -> Self:
        for name in self._names:
            if (self.folder / name).is_dir():
                raise InvalidInputError(
                    f"{self.folder / name}: expected a file to replace, found a folder; move it away"
                )
        self._made = make_folder(self.folder)
        try:
            self._staging = Path(tempfile.mkdtemp(dir=self.folder, prefix=".memstow-"))
        except OSError as error:
            raise InvalidInputError(
                f"{self.folder}: cannot be written to ({error.strerror}); choose another folder"
            ) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)
        for folder in self._made:
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def stage(self, name: str) -> Path:
        """The path at which to prepare the file ``name``."""
        return self._staging / name

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Name the folder if the disk refuses while files are prepared.

        Raises:
            InvalidInputError: the disk is full, say.
        """
        try:
            yield
        except OSError as error:
            raise InvalidInputError(
                f"{self.folder}: cannot be written to ({error.strerror or error}); make room or choose another folder"
            ) from error

    def commit(self) -> list[Path]:
        """Move the prepared files into place, sorted by name; ``kept`` grows with each."""
        for path in sorted(self._staging.iterdir()):
            path.replace(self.folder / path.name)
            self.kept.append(path.name)
        return [self.folder / name for name in self.kept]

    def describe_kept(self) -> str:
        """What an interruption leaves behind, in words."""
        if not self.kept:
            return f"nothing was written to {self.folder}"
        return f"{self.folder} has the new {', '.join(self.kept)}; its other files are as before"
