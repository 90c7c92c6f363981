"""What a training run is asked to do; ``memstow agent train --config FILE`` reads it as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...errors import InvalidInputError
from ...schema import Document

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class ReplaySettings(Document):
    """Which positions of which games are learned from.

    Attributes:
        capacity_bytes: of the games that are kept.
        alpha: a position is drawn in proportion to its value error to this power (0: evenly).
        beta: how far weights of the losses make up for that (1: in full).
        size_exponent: a game of D decisions is drawn in proportion to D to this power (1: all positions are alike,
            0: all games are). Weights do not make up for it.
        best_boost: the best game of a problem is drawn this many times as often.
    """

    capacity_bytes: Positive = 1 << 30
    alpha: Share = 0.6
    beta: Share = 0.4
    size_exponent: Share = 0.5
    best_boost: Annotated[float, Field(gt=0)] = 1.0


class BatchSettings(Document):
    """Positions of a batch, the games that they come from, and the decisions that the model looks ahead.

    Few games make a batch cheap: their programs are read anew for each.
    """

    size: Positive = 256
    games: Positive = 8
    unroll: Positive = 5


class WarmStartSettings(Document):
    """Games of other planners that come first, and the learner's steps on them; 0 games: none.

    ``is_fixed``: their targets stay the other planners'; else they are found anew in their turn, as are all others.
    """

    games: Count = 256
    steps: Count = 2000
    is_fixed: bool = True


class SelfPlaySettings(Document):
    """Rounds: in each, games are played and old ones get new targets while the learner takes its steps.

    What the games are played by is the network at the beginning of the round. ``rounds`` may differ when a run is
    resumed; so its end can be put off.
    """

    rounds: Count = 1000
    games: Positive = 16
    reanalysed: Count = 16
    steps: Count = 100


class TrainingConfig(Document):
    """A training run. Nothing but these, the code and the number of the learner's threads makes a difference to it.

    Attributes:
        seed: of everything that is drawn.
        program_cache_bytes: of programs' features that the learner keeps.
        checkpoint_seconds: from the end of one checkpoint to the beginning of the next.
        tensorboard: also write curves for TensorBoard.
        network: the network's own settings (:class:`~memstow.rl_agent.networks.NetworkConfig`), less its inputs.
        learner: the learner's.
        search: those of the search by which games are played and targets found.
        problems: what is played on; these four tables are checked by the parts that they are for.
    """

    seed: int = 0
    replay: ReplaySettings = ReplaySettings()
    batch: BatchSettings = BatchSettings()
    warm_start: WarmStartSettings = WarmStartSettings()
    self_play: SelfPlaySettings = SelfPlaySettings()
    program_cache_bytes: Count = 256 << 20
    checkpoint_seconds: Annotated[float, Field(ge=0, le=60)] = 60.0
    tensorboard: bool = True
    network: Mapping[str, object] = {}
    learner: Mapping[str, object] = {}
    search: Mapping[str, object] = {}
    problems: Mapping[str, object] = {}


def load_config(path: Path) -> TrainingConfig:
    """Read a TOML file.

    Raises:
        InvalidInputError: it is absent, no TOML, or has unknown keys or values that cannot be, named by their path.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInputError(f"{path}: expected TOML, found an error: {error}") from None
    return TrainingConfig.parse(data, where=str(path))


#: What may differ when a run is resumed, as it does not change what was done so far.
_FREE = ("self_play.rounds", "program_cache_bytes", "checkpoint_seconds", "tensorboard")


def check_resumable(old: TrainingConfig, new: TrainingConfig, folder: Path) -> None:
    """Make sure that a run can go on with a config.

    Raises:
        InvalidInputError: something else than when the run ends and what it keeps is different.
    """
    was, now = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    changed = [key for key in sorted(was.keys() | now.keys()) if key not in _FREE and was.get(key) != now.get(key)]
    if changed:
        found = ", ".join(f"{key} was {was.get(key)!r}, is {now.get(key)!r}" for key in changed)
        raise InvalidInputError(
            f"{folder}: its run has another config: {found}; resume it with its own, or name another folder"
        )


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        found |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found
