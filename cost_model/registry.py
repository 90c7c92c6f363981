"""Cost models by name: ``roofline``, the trained ones that are shipped, those of other packages, a folder of one's own.

Another package makes a cost model known by an entry point in the group ``memstow.cost_models``: a class or a function
without arguments that returns a :class:`~memstow.cost_model.interface.CostModel`. A built-in name cannot be taken over.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import cast

from ..accelerator import Accelerator
from ..defaults import ROOFLINE
from ..errors import InvalidInputError, UnknownNameError
from ..plugins import PluginGroup
from .interface import CostModel, RooflineModel
from .learned import LearnedModel, load_model

LEARNED = "learned"
PLUGINS = PluginGroup("memstow.cost_models", kind="cost model", method="prices")
TRAINED_FOLDER = Path(__file__).parent / "trained"


def trained_names() -> list[str]:
    """Names of the trained models shipped with memstow, sorted."""
    return sorted(path.parent.name for path in TRAINED_FOLDER.glob("*/model.json"))


def names() -> list[str]:
    """Every name that :func:`resolve_cost_model` knows: the roofline, the trained ones, then other packages'."""
    own = [ROOFLINE, LEARNED, *trained_names()]
    return own + sorted(PLUGINS.installed().keys() - set(own))


def resolve_cost_model(given: str | Path | CostModel | type[CostModel], accelerator: Accelerator) -> CostModel:
    """The cost model of a name, or the one that is handed over: an object, or its class.

    The names are ``roofline``; ``learned``, for the one that the accelerator's description names; a trained one's; one
    that another package has made known. Anything with a separator is the path of a model's folder.

    Raises:
        UnknownNameError: no such model; suggests the nearest.
        InvalidInputError: ``learned`` for an accelerator that names none, a folder that is no model of this version, or
            what is handed over, or the entry point of that name, is no cost model.
    """
    if not isinstance(given, str | Path):
        return cast(CostModel, PLUGINS.made(given))
    text = str(given)
    if text == ROOFLINE:
        return RooflineModel()
    if text == LEARNED:
        if accelerator.cost_model is None:
            raise InvalidInputError(
                f"accelerator {accelerator.name!r}: expected the name of a trained cost model in its description "
                f"(cost_model = ...), found none; pass one of {', '.join(name for name in names() if name != LEARNED)}"
            )
        return trained_model(accelerator.cost_model)
    if text in PLUGINS.installed() and text not in trained_names():
        return cast(CostModel, PLUGINS.load(text))
    return trained_model(given)


def trained_model(name_or_path: str | Path) -> LearnedModel:
    """A trained model by name or folder.

    Raises:
        UnknownNameError: no such model; suggests the nearest.
        InvalidInputError: the folder holds no model of this version.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in text:
        return load_model(Path(name_or_path))
    if text not in trained_names():
        raise UnknownNameError("cost model", text, names(), "For one of your own pass the path of its folder.")
    return _shipped(text)


@cache
def _shipped(name: str) -> LearnedModel:
    return load_model(TRAINED_FOLDER / name)
