"""Decisions a second of CPU time, one core: of the game alone, seen, advised by the network, searched."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent_planners import NO_TREE, agent_digest
from agent_runs import Rate

from memstow.bench import Case, code_digest, describe_machine
from memstow.rl_agent.agent import agent_game, load_agent
from memstow.rl_agent.guide import Actions, Guide, GuidedSearch, Trajectories
from memstow.rl_agent.networks import embeddings_of
from memstow.rl_agent.observation import Observer

RANDOM, SEEN, PRICED, ADVISED = "random play", "observed", "observed, prices' advice", "observed, network's advice"
TREE, TREE_LEARNED = "tree search, true game", "tree search, learned dynamics"
MIDDLE, READER = "games from the middle", "reader"
#: What every kind of rate counts, in the order of the page.
KINDS = {
    RANDOM: "legal actions drawn evenly, nothing observed",
    SEEN: "the actions of a known game, features of every state",
    PRICED: "features and the advice of the prices, best action",
    ADVISED: "features and the network, best action",
    TREE: "decisions made, each by a search of {simulations} games of {horizon} decisions",
    TREE_LEARNED: "decisions made, each by a search of {simulations} steps in the network's dynamics",
    MIDDLE: "decisions of the search that follows, those that the advice was asked for or not",
    READER: "decisions read by the transformer, once a program",
}
_CLOCK = time.process_time


@dataclass(frozen=True)
class _Work:
    """What is repeated: one call makes ``decisions`` decisions, or returns how many it made."""

    kind: str
    once: Callable[[int], int]


def rates(case: Case, agent: str, seconds: float) -> Iterator[Rate]:
    """The rates of one program, each measured for about ``seconds``; those of the network where there is one."""
    game = agent_game(case.problem)
    count = len(game.decisions)
    if not count:
        return
    observer = Observer(game)
    priced = Guide(observer)
    greedy = priced.play(NO_TREE, 0)
    digest = agent_digest(agent)

    def play(guide: Guide, how: GuidedSearch, given: bool = False) -> Callable[[int], int]:
        return lambda seed: len(guide.play(how, seed, given=greedy.actions if given else None).actions)

    works = [
        _Work(RANDOM, lambda seed: count * len(game.random_playouts(1, seed))),
        _Work(SEEN, play(priced, NO_TREE, given=True)),
        _Work(PRICED, play(priced, NO_TREE)),
    ]
    backups = {RANDOM: _random_backups(case), PRICED: _backups(case, greedy.actions)}
    if digest:
        network = load_agent(agent)
        guide = network.guide_of(observer)
        backups[ADVISED] = _backups(case, guide.play(NO_TREE, 0).actions)
        works += [
            _Work(ADVISED, play(guide, NO_TREE)),
            _Work(TREE, play(guide, GuidedSearch())),
            _Work(TREE_LEARNED, play(guide, GuidedSearch(learned_model=True))),
            _Work(MIDDLE, _middle(guide)),
            _Work(READER, lambda seed: len(embeddings_of(network.network, observer.program))),
        ]
    for work in works:
        yield Rate(
            kind=work.kind,
            program=case.name,
            agent="" if work.kind in (RANDOM, SEEN, PRICED) else digest,
            decisions=count,
            decisions_per_second=_rate(work.once, seconds),
            share_backups=backups.get(work.kind),
            **stamp(),
        )


def stamp() -> dict[str, str]:
    """Where and when something is measured."""
    today = datetime.date.today().isoformat()
    return {"code": code_digest(), "machine": str(describe_machine()), "date": today}


def _rate(once: Callable[[int], int], seconds: float) -> float:
    made, begin, seed = 0, _CLOCK(), 0
    while True:
        made, seed = made + once(seed), seed + 1
        spent = _CLOCK() - begin
        if spent >= seconds:
            return made / spent


def _middle(guide: Guide) -> Callable[[int], int]:
    search = Trajectories(guide, 0)
    search.play()

    def once(seed: int) -> int:
        before = search.num_decisions
        search.improve(iterations=50, progress=(0.5, 0.5))
        return search.num_decisions - before

    return once


def _backups(case: Case, actions: Actions) -> float:
    """Part of a game's decisions that Drop-backup made."""
    state = agent_game(case.problem).new_state()
    state.apply_all(actions.tolist())
    return state.num_backups / len(actions)


def _random_backups(case: Case) -> float:
    """The same in one game of random play."""
    state = agent_game(case.problem).new_state()
    state.play_randomly(0)
    return state.num_backups / state.num_decided
