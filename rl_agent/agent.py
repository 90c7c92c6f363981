"""A trained agent: a network from a folder, ready to guide games."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..errors import UnknownNameError
from ..planners import Problem
from .game import Game
from .guide import CoreNetwork, Guide
from .networks import FeatureNames, MemstowNetwork, core_arrays, embeddings_of, load_network
from .observation import OBSERVATION_VERSION, Observer, program_features, state_features

#: The agent that planners use where none is named.
DEFAULT_AGENT = "memstow"
_TRAINED = Path(__file__).parent / "trained"
#: Blocks that may be moved for one decision; of long programs fewer, so that a game takes seconds: times instructions.
_FEWEST_MOVES, _MOST_MOVES, _MOVES_TIMES_INSTRUCTIONS = 8, 30, 90_000


def feature_names() -> FeatureNames:
    """What networks of this version see."""
    return FeatureNames(version=OBSERVATION_VERSION, program=program_features(), state=state_features())


def agent_game(problem: Problem) -> Game:
    """The game as the agent plays it: decisions look for room less hard, as there are so many of them."""
    moves = _MOVES_TIMES_INSTRUCTIONS // max(1, len(problem.program.instructions))
    return Game(problem, node_limit=0, block_limit=64, move_limit=min(max(_FEWEST_MOVES, moves), _MOST_MOVES))


class Agent:
    """A network and its layers in the core. Never changes and may be shared between threads."""

    def __init__(self, network: MemstowNetwork) -> None:
        self.network = network.eval()
        self._core = CoreNetwork(core_arrays(network))

    def guide(self, game: Game) -> Guide:
        """Advice for a game; reads its program."""
        return self.guide_of(Observer(game))

    def guide_of(self, observer: Observer) -> Guide:
        """The same, with what is seen of the game at hand."""
        return Guide(observer, self._core, embeddings_of(self.network, observer.program))


def agent_names() -> list[str]:
    """The agents that come with memstow."""
    return sorted(path.parent.name for path in _TRAINED.glob("*/network.json"))


@cache
def load_agent(name: str = DEFAULT_AGENT) -> Agent:
    """An agent by the name of one that comes with memstow, or by its folder.

    Raises:
        UnknownNameError: no such agent; suggests the nearest.
        InvalidInputError: the folder's files are damaged or of another version.
    """
    folder = Path(name) if "/" in name else _TRAINED / name
    if not (folder / "network.json").is_file():
        raise UnknownNameError("agent", name, agent_names(), "Or give a folder, with a slash in its name.")
    network, _ = load_network(folder, feature_names())
    return Agent(network)
