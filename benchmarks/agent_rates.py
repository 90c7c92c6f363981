"""Decisions a second of CPU time, one core: of the game alone, seen, advised by the network, searched."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
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
#: Decisions of a game that the tree searches are timed on; the others, which are given, take a hundredth of the time.
SEARCHED = 400
_CLOCK = time.process_time


@dataclass(frozen=True)
class _Work:
    """What is repeated: one call by a seed makes some decisions and says how many."""

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

    def play(guide: Guide) -> Callable[[int], int]:
        return lambda seed: len(guide.play(NO_TREE, seed).actions)

    def see(seed: int) -> int:
        return len(priced.play(NO_TREE, seed, given=greedy.actions).actions)

    works = [
        _Work(RANDOM, lambda seed: count * len(game.random_playouts(1, seed))),
        _Work(SEEN, see),
        _Work(PRICED, play(priced)),
    ]
    backups = {RANDOM: _random_backups(case), PRICED: _backups(case, greedy.actions)}
    if digest:
        network = load_agent(agent)
        guide = network.guide_of(observer)
        backups[ADVISED] = _backups(case, guide.play(NO_TREE, 0).actions)
        works += [
            _Work(ADVISED, play(guide)),
            _Work(TREE, _searched(guide, GuidedSearch(), greedy.actions)),
            _Work(TREE_LEARNED, _searched(guide, GuidedSearch(learned_model=True), greedy.actions)),
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


def _searched(guide: Guide, how: GuidedSearch, actions: Actions) -> Callable[[int], int]:
    """Search at up to ``SEARCHED`` decisions, evenly spread over a known game, whose actions are taken anyway."""
    searched = np.zeros(len(actions), dtype=np.bool_)
    searched[np.linspace(0, len(actions) - 1, min(SEARCHED, len(actions))).astype(int)] = True

    def once(seed: int) -> int:
        guide.play(how, seed, given=actions, searched=searched)
        return int(searched.sum())

    return once


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
