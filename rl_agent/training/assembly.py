"""The parts of a training run, from its config."""

from __future__ import annotations

from ..agent import feature_names
from .actor import Player
from .config import TrainingConfig
from .player import CorePlayer, PlayerSettings
from .programs import ProblemSettings, TrainingProblems
from .trainer import network_config


def make_problems(config: TrainingConfig) -> TrainingProblems:
    """What is played on.

    Raises:
        InvalidInputError: the table ``problems`` has unknown keys, or names folders without programs to train on.
    """
    return TrainingProblems(ProblemSettings.parse(config.problems, where="problems"))


def make_player(config: TrainingConfig) -> Player:
    """Who plays; also called in the processes of actors.

    Raises:
        InvalidInputError: the table ``search`` or ``problems`` has unknown keys.
    """
    settings = PlayerSettings.parse(config.search, where="search")
    return CorePlayer(make_problems(config), network_config(config, feature_names()), settings)
