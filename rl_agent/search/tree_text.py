"""Search trees as text, one line for each node, to be recorded and compared."""

from __future__ import annotations

from ..game import Action, State
from ..game.action import NUM_ACTIONS
from .search import Node, SearchResult, search_tree
from .settings import SearchSettings

#: Significant digits: what holds whatever the compiler's instruction order.
_DIGITS = 6


def write_tree(state: State, settings: SearchSettings, seed: int) -> str:
    """Search a state and write the tree, what was found out at its root last."""
    found, nodes = search_tree(state, settings, seed)
    lines = [f"{state.game.problem.program.name} after {state.num_decided} decisions, seed {seed}"]
    lines += [f"{number}: {_node(node)}" for number, node in enumerate(nodes)]
    return "\n".join([*lines, _result(found)]) + "\n"


def _node(node: Node) -> str:
    legal = "/".join(_word(Action(a)) for a in range(NUM_ACTIONS) if node.legal >> a & 1) or "nothing"
    origin = "root" if node.parent < 0 else f"{_word(node.action)} at {node.parent}, reward {_number(node.reward)}"
    evaluation, value = _number(node.evaluation), _number(node.value)
    return f"{origin}; {legal}; evaluated {evaluation}; value {value} by {node.visits}"


def _result(found: SearchResult) -> str:
    visits, q, policy = (" ".join(map(_number, array.tolist())) for array in (found.visits, found.q, found.policy))
    return f"{_word(found.action)}; visits {visits}; q {q}; policy {policy}; value {_number(found.value)}"


def _word(action: Action) -> str:
    return action.name.lower().replace("_", "-")


def _number(number: float) -> str:
    return f"{number:.{_DIGITS}g}" if abs(number) > 1e-12 else "0"
