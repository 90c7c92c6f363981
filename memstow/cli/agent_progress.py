"""Progress of ``memstow agent``."""

from __future__ import annotations

import time
from types import FrameType
from typing import TYPE_CHECKING

from .console import notice
from .interrupt import InterruptWatch
from .progress import LiveBar

if TYPE_CHECKING:
    from ..rl_agent.training.trainer import Progress as Training

#: Figures that are shown, with their names in words.
_SHOWN = {"score_demonstrate": "demonstrated", "score_play": "played", "loss": "loss", "value_error": "value error"}


class StopRequest(InterruptWatch):
    """The first Ctrl-C asks to stop when that loses nothing, the second interrupts at once."""

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.seen:
            raise KeyboardInterrupt
        self.seen = True
        notice("stopping after the current game or step; Ctrl-C again stops at once")


class TrainingBar(LiveBar):
    """Rounds on a bar with the round's figures; where there is no terminal, a line for each round."""

    def __init__(self, rounds: int) -> None:
        super().__init__(rounds)
        self._round = 0

    def on_progress(self, progress: Training) -> None:
        """See :func:`memstow.rl_agent.training.trainer.train`."""
        figures = [f"{name} {progress.figures[key]:.3f}" for key, name in _SHOWN.items() if key in progress.figures]
        what = "warm start" if progress.is_warm_start else f"round {progress.round}"
        text = ", ".join([f"step {progress.steps}, {progress.games} games", *figures])
        waiting = f", {progress.waiting} games and {progress.steps_left} steps to go" if progress.waiting else ""
        self.show(f"{what}: {text}{waiting}", progress.round)
        if progress.round > self._round and not self.is_live:
            notice(f"{progress.seconds:6.0f} s  round {progress.round - 1} of {progress.rounds - 1}: {text}")
        self._round = progress.round


class EvaluationBar(LiveBar):
    """Runs of planners on a bar; where there is no terminal, a line for each program."""

    def __init__(self, runs: int) -> None:
        super().__init__(runs)
        self._done, self._case, self._began = -1, "", time.perf_counter()

    def on_run(self, case: str, planner: str, seed: int) -> None:
        """See :func:`memstow.rl_agent.evaluation.evaluate`."""
        self._done += 1
        self.show(f"{case}: {planner}, seed {seed}", self._done)
        if case != self._case and not self.is_live:
            notice(f"{time.perf_counter() - self._began:6.0f} s  {case}")
        self._case = case
