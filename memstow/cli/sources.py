"""Where ``compile`` gets its model from: the zoo by name, or a user's function as ``FILE.py:FUNCTION``."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInputError, UnknownNameError
from .console import notice

if TYPE_CHECKING:
    import torch

    Built = tuple[torch.nn.Module, tuple[torch.Tensor, ...]]

DEEP = "deep"
DEFAULT_SIZE = "tiny"


@dataclass(frozen=True)
class ModelSource:
    """A model to be built. ``name`` has no character that is awkward in a file name.

    ``build(seed, materialise)`` returns the module and its example inputs; without ``materialise`` a zoo model is
    built on the meta device, so that no weight takes memory. ``shapes_only`` marks a model that cannot be materialised.
    """

    name: str
    shapes_only: bool
    build: Callable[[int, bool], Built]


def find_source(model: str, size: str | None) -> ModelSource:
    """The source that the command line names; nothing is built or executed yet.

    Raises:
        UnknownNameError: no such model in the zoo, or not in that size; suggests the nearest.
        InvalidInputError: no such file, or ``size`` given for a user's own function.
    """
    if ":" in model or "/" in model or model.endswith(".py"):
        if size is not None:
            raise InvalidInputError(f"--size {size}: only the zoo's models have sizes; leave it out for {model}")
        return _user_source(model)
    return _zoo_source(model, size or DEFAULT_SIZE)


def _zoo_source(name: str, size: str) -> ModelSource:
    from .. import models

    entry = models.entry(name)
    if size not in entry.sizes:
        raise UnknownNameError(f"size of model {name!r}:", size, entry.sizes)

    def build(seed: int, materialise: bool) -> Built:
        return models.build(name, size, seed=seed, shapes_only=not materialise)

    return ModelSource(f"{name}-{size}", size == DEEP, build)


def _user_source(text: str) -> ModelSource:
    file, _, function = text.rpartition(":")
    path = Path(file)
    if not file or path.suffix != ".py" or not function.isidentifier():
        raise InvalidInputError(
            f"{text}: expected a model of the zoo or FILE.py:FUNCTION, where FUNCTION() returns (module, example "
            "inputs); see `memstow models` for the names"
        )
    if not path.is_file():
        raise InvalidInputError(f"{path}: no such file; check the path before ':{function}'")

    def build(seed: int, materialise: bool) -> Built:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _checked(text, _call(path, function))

    return ModelSource(f"{path.stem}-{function}", False, build)


def _call(path: Path, function: str) -> object:
    module = _guarded(f"{path}: cannot be imported", path, lambda: _load(path))
    if not hasattr(module, function):
        raise _unknown_function(path, function, module)
    build = getattr(module, function)
    if not callable(build):
        raise InvalidInputError(f"{path}:{function}: expected a function, found {type(build).__name__}")
    return _guarded(f"{path}:{function}() failed", path, build)


def _unknown_function(path: Path, function: str, module: ModuleType) -> UnknownNameError:
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    known = [name for name in own if not name.startswith("_")]
    return UnknownNameError(f"function in {path}:", function, known)


def _load(path: Path) -> ModuleType:
    """Import a file under a name of its own; its folder comes first on the path, as in ``python FILE.py``."""
    name = f"memstow_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _guarded(what: str, path: Path, action: Callable[[], Any]) -> Any:
    """Run the user's code; whatever it raises names the line in the user's file."""
    try:
        return action()
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [
            frame.lineno for frame in frames if Path(frame.filename) == path.absolute() or frame.filename == str(path)
        ]
        place = f" (line {lines[-1]})" if lines else ""
        raise InvalidInputError(f"{what}{place}: {type(error).__name__}: {error}") from error


def _checked(where: str, built: object) -> Built:
    """The user's result as a module in evaluation mode and a tuple of tensors."""
    import torch

    expected = f"{where}() must return (module, example inputs), a torch.nn.Module and a tuple of tensors"
    if not isinstance(built, tuple) or len(built) != 2:
        raise InvalidInputError(f"{expected}; found {_describe(built)}")
    module, inputs = built
    if not isinstance(module, torch.nn.Module):
        raise InvalidInputError(f"{expected}; found {_describe(module)} as the module")
    if not isinstance(inputs, tuple | list):
        raise InvalidInputError(f"{expected}; found {_describe(inputs)} as the inputs, write a tuple: (x,)")
    for k, value in enumerate(inputs):
        if not isinstance(value, torch.Tensor):
            raise InvalidInputError(f"{expected}; found {_describe(value)} as input {k}")
    if module.training:
        notice(f"{where}: the module was in training mode; it is compiled in evaluation mode")
    return module.eval().requires_grad_(False), tuple(inputs)


def _describe(value: object) -> str:
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else f"{type(value).__name__}"
