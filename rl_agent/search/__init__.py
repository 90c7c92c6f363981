"""Gumbel MuZero's tree search over the true game, evaluated by random rollouts: works without a network.

>>> from memstow.rl_agent.game import Game
>>> from memstow.rl_agent.search import SearchSettings, play, search
>>> state = Game(problem).new_state()                                   # doctest: +SKIP
>>> search(state, SearchSettings(simulations=64), seed=0).action        # doctest: +SKIP
<Action.COPY: 2>
>>> play(state.game, SearchSettings(), seed=0).seconds                  # doctest: +SKIP

The algorithm stands at the head of the core's ``gumbel_search.h``, what it searches in ``tree_model.h``.
"""

from .play import PlayedGame, play, play_games, unit_seconds
from .search import Node, SearchResult, search, search_tree
from .settings import DISCOUNT, SearchSettings
from .tree_text import write_tree

__all__ = [
    "DISCOUNT",
    "Node",
    "PlayedGame",
    "SearchResult",
    "SearchSettings",
    "play",
    "play_games",
    "search",
    "search_tree",
    "unit_seconds",
    "write_tree",
]
