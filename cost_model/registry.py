"""Cost models by name: ``roofline``, the trained ones that are shipped, a folder of one's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..accelerator import Accelerator
from ..defaults import ROOFLINE
from ..errors import InvalidInputError, UnknownNameError
from .interface import CostModel, RooflineModel
from .learned import LearnedModel, load_model

LEARNED = "learned"
TRAINED_FOLDER = Path(__file__).parent / "trained"


def trained_names() -> list[str]:
    """Names of the trained models shipped with memstow, sorted."""
    return sorted(path.parent.name for path in TRAINED_FOLDER.glob("*/model.json"))


def resolve_cost_model(name_or_path: str | Path, accelerator: Accelerator) -> CostModel:
    """The cost model of a name: ``roofline``; ``learned``, which the accelerator's description names; a trained one's.

    Anything with a separator is the path of a model's folder.

    Raises:
        UnknownNameError: no such model; suggests the nearest.
        InvalidInputError: ``learned`` for an accelerator that names none, or a folder that is no model of this version.
    """
    text = str(name_or_path)
    if text == ROOFLINE:
        return RooflineModel()
    if text == LEARNED:
        if accelerator.cost_model is None:
            raise InvalidInputError(
                f"accelerator {accelerator.name!r}: expected the name of a trained cost model in its description "
                f"(cost_model = ...), found none; pass one of {', '.join([ROOFLINE, *trained_names()])}"
            )
        return trained_model(accelerator.cost_model)
    return trained_model(name_or_path)


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
        known = [ROOFLINE, LEARNED, *trained_names()]
        raise UnknownNameError("cost model", text, known, "For one of your own pass the path of its folder.")
    return _shipped(text)


@cache
def _shipped(name: str) -> LearnedModel:
    return load_model(TRAINED_FOLDER / name)
