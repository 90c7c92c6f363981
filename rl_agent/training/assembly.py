"""The parts of a training run, from its config."""

from __future__ import annotations

from .actor import Player
from .config import TrainingConfig
from .programs import ProblemSettings, TrainingProblems


def make_problems(config: TrainingConfig) -> TrainingProblems:
    """What is played on.

    Raises:
        InvalidInputError: the table ``problems`` has unknown keys, or names folders without programs to train on.
    """
    return TrainingProblems(ProblemSettings.parse(config.problems, where="problems"))


def make_player(config: TrainingConfig) -> Player:
    """Who plays; also called in the processes of actors.

    Raises:
        InvalidInputError: the table ``search`` has unknown keys.
    """
    raise NotImplementedError
