"""Packages that only some commands need: memstow's optional dependencies, imported when they are used."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from .errors import MissingPackageError

#: What each extra is for; the packages are in the metadata of memstow.
PURPOSES = {
    "zoo": "the zoo's models from transformers",
    "learned": "learned cost models",
    "train": "training the agent and tuning cost models",
    "vela": "samples and prices of Arm's compiler Vela",
    "report": "pictures with matplotlib",
    "ray": "work in many processes and on clusters",
    "evaluate": "statistics of the agent's page",
}


def require(module: str, purpose: str, extra: str) -> Any:
    """Import a module of an extra.

    Raises:
        MissingPackageError: its package is not installed.
    """
    with needed_for(purpose, module.partition(".")[0], extra):
        return importlib.import_module(module)


@contextlib.contextmanager
def needed_for(purpose: str, package: str, extra: str) -> Iterator[None]:
    """The same for code that imports ``package`` somewhere; a package that is there and broken keeps its own error.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise MissingPackageError(purpose, package, extra) from None
