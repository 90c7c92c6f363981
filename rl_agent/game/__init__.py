"""MallocGame (arXiv 2305.07440): a memory plan as one decision after another; every end of it is a valid plan.

>>> from memstow.rl_agent.game import Action, Game
>>> state = Game(problem).new_state()               # doctest: +SKIP
>>> while not state.is_terminal:                    # doctest: +SKIP
...     reward = state.apply(state.legal_actions[0])
>>> state.to_plan(planner="first-legal", seed=0)    # doctest: +SKIP

The rules stand at the head of the core's ``game.h``.
"""

from .action import Action
from .game import Game
from .playthrough import replay, write_playthrough
from .state import Decision, State

__all__ = ["Action", "Decision", "Game", "State", "replay", "write_playthrough"]
