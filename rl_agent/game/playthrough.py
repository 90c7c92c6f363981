"""Recorded games, one line for each decision: what was to decide, what was legal, what was done, what it gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...errors import InvalidInputError
from .action import Action
from .game import Game
from .state import State

#: Significant digits of seconds: what the core's exactness allows for whatever the compiler's instruction order.
_DIGITS = 9


def write_playthrough(game: Game, choose: Callable[[State], Action]) -> str:
    """The lines of a game in which ``choose`` decides."""
    state = game.new_state()
    lines = [_head(game)]
    while not state.is_terminal:
        lines.append(_step(state, choose(state)))
    return "\n".join([*lines, *_end(state)]) + "\n"


def replay(game: Game, text: str) -> State:
    """Play a recorded game again and return its end.

    Raises:
        InvalidInputError: a line is not what the game says now; the error names the line.
    """
    state = game.new_state()
    lines = text.splitlines()
    _expect(lines, 0, _head(game))
    for number in range(1, 1 + game.num_decisions):
        action = _action_of(lines, number)
        _expect(lines, number, _step(state, action))
    for number, line in enumerate(_end(state), start=1 + game.num_decisions):
        _expect(lines, number, line)
    return state


def _head(game: Game) -> str:
    problem = game.problem
    return (
        f"{problem.program.name} {problem.program.fingerprint} on {problem.accelerator.name}: "
        f"{game.num_decisions} decisions, {game.slow_seconds:.{_DIGITS}g} s in slow memory"
    )


def _step(state: State, action: Action) -> str:
    """Apply an action and describe the decision."""
    storage, _, time, writes = state.current
    name = state.game.problem.program.storages[storage].representative.name
    legal = "/".join(_word(option) for option in state.legal_actions)
    backups = state.num_backups
    reward = state.apply(action)
    mark = " by drop-backup" if state.num_backups > backups else ""
    what = f"t={time} {'write' if writes else 'read'} {name}"
    return f"{what}: {_word(action)} of {legal}{mark}, saves {_rounded(reward)} s"


def _end(state: State) -> Iterable[str]:
    for stay in state.residencies:
        name = state.game.problem.program.storages[stay.storage].representative.name
        copies = [f", prefetch [{stay.prefetch.start}, {stay.prefetch.done})"] if stay.prefetch else []
        copies += [f", eviction [{stay.eviction.start}, {stay.eviction.done})"] if stay.eviction else []
        yield f"{name} at {stay.offset} during [{stay.start}, {stay.end}]{''.join(copies)}"
    yield f"{state.seconds:.{_DIGITS}g} s"


def _word(action: Action) -> str:
    return action.name.lower().replace("_", "-")


def _rounded(reward: float) -> str:
    return f"{reward:.6g}" if abs(reward) > 1e-12 else "0"


def _action_of(lines: list[str], number: int) -> Action:
    words = lines[number].partition(": ")[2].split() if number < len(lines) else []
    for action in Action:
        if words and words[0] == _word(action):
            return action
    found = lines[number] if number < len(lines) else "the end of the recording"
    raise InvalidInputError(f"playthrough line {number + 1}: expected a decision, found {found!r}; record it again")


def _expect(lines: list[str], number: int, line: str) -> None:
    found = lines[number] if number < len(lines) else "the end of the recording"
    if found != line:
        raise InvalidInputError(
            f"playthrough line {number + 1}: the game says {line!r}, the recording {found!r}; "
            "if the rules changed on purpose, record it again"
        )
