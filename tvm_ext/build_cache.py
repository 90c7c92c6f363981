"""Machine code kept between compilations, by the content of the planned module."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Self

import tvm
from tvm.runtime import Executable
from tvm.target import Target

from ..errors import InvalidInputError
from ..places import cache_folder

#: Beyond this many bytes the libraries used longest ago are removed.
MAX_BYTES = 4 << 30


@dataclass(frozen=True)
class BuildCache:
    """A folder of shared libraries. Files appear whole, so concurrent compilations may share it."""

    folder: Path

    @classmethod
    def default(cls) -> Self:
        """The user's: :func:`~memstow.places.cache_folder`."""
        return cls(cache_folder())

    def find(self, module: tvm.IRModule, target: Target) -> Path | None:
        """The library of a planned module, if it is there."""
        path = self._path(module, target)
        if not path.is_file():
            return None
        path.touch()
        return path

    def store(self, module: tvm.IRModule, target: Target, executable: Executable) -> Path:
        """Link and keep what ``module`` was built into.

        Raises:
            InvalidInputError: the cache folder cannot be written to.
        """
        path = self._path(module, target)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                temporary = Path(folder) / "library.so"
                executable.export_library(str(temporary))
                temporary.replace(path)
        except OSError as error:
            raise InvalidInputError(
                f"{self.folder}: expected a cache folder that can be written to ({error.strerror}); "
                "set MEMSTOW_CACHE to another"
            ) from None
        self._prune(keep=path)
        return path

    def _path(self, module: tvm.IRModule, target: Target) -> Path:
        versions = [metadata.version(package) for package in ("memstow", "apache-tvm", "apache-tvm-ffi")]
        text = "\n".join([tvm.ir.save_json(module), str(target), *versions])
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()}.so"

    def _prune(self, *, keep: Path) -> None:
        files = sorted(self.folder.glob("*.so"), key=lambda file: file.stat().st_mtime, reverse=True)
        total = 0
        for file in files:
            total += file.stat().st_size
            if total > MAX_BYTES and file != keep:
                file.unlink(missing_ok=True)
