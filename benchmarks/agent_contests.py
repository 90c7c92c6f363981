"""Who runs on what in ``agent.py``: contestants with their limits, and the parts of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from agent_planners import NO_TREE, ByRoofline, PricedAgent, PricedGreedy, portfolio
from agent_subjects import LONG, SUITE, ZOO, Subject

from memstow.planners import Planner, get
from memstow.rl_agent.finetune import AgentFinetune
from memstow.rl_agent.guide import GuidedSearch
from memstow.rl_agent.planning import AgentGreedy, AgentPlanner

HEURISTICS = ("first-touch", "furthest-next-use", "greedy", "xla-msa")
SEARCHES = ("local-search", "lns", "random-keys")
AGENT, GREEDY, FINETUNE = "agent", "agent-greedy", "agent-finetune"
ONE_THREAD = "agent, 1 thread"
WITHOUT, WITH = "portfolio without agent", "portfolio with agent"
#: Budgets in seconds.
BRIEF, TEN, MINUTE, TUNING = 5.0, 10.0, 60.0, 600.0
#: Schedules that each may price where limits are equal evaluations.
EVALUATIONS = 5000
EVALUATED = "agent, games from the middle only, 1 thread"
#: Test files of ``xla_suite`` with the largest gaps that the portfolio without agent leaves after 60 s.
HARD = ("lstm_v4c8", "gpt2_128_v4c8", "densenet_v4c8", "gpt2_128_v4", "gpt2_128_v5e")

PRICED_GREEDY, PRICED = "no network (prices' advice), greedy", "no network (prices' advice)"
LEARNED_DYNAMICS, NO_FIRST_TREE = "first game by the learned dynamics", "no tree search"
TREE_ONLY, TREE_LEARNED, TREE_PRICED = (
    "tree search alone, true game",
    "tree search alone, learned dynamics",
    "tree search alone, prices' advice",
)
ROOFLINE_GREEDY, ROOFLINE_AGENT = "agent-greedy, planned by roofline", "agent, planned by roofline"
VARIANT = "{planner}, network {variant}"


@dataclass(frozen=True)
class Contestant:
    """A planner under limits.

    ``agent`` names the agent that it asks, if any; ``is_seeded`` says whether another seed could make a difference.
    """

    label: str
    make: Callable[[], Planner | None]
    budget_seconds: float
    iterations: int | None = None
    is_seeded: bool = True
    agent: str | None = None

    def scaled(self, scale: float) -> Contestant:
        """With a part of the budget and of the iterations."""
        iterations = round(scale * self.iterations) if self.iterations else self.iterations
        return replace(self, budget_seconds=scale * self.budget_seconds, iterations=iterations)


@dataclass(frozen=True)
class Part:
    """Contestants on a group of programs; ``has_bounds``: planners are told proven bounds and may end there."""

    name: str
    group: str
    contestants: tuple[Contestant, ...]
    has_bounds: bool = False
    programs: tuple[str, ...] | None = None

    def takes(self, subject: Subject, *, all_files: bool) -> bool:
        """Whether a program is run: test programs unless all are wanted, long ones always."""
        if subject.group != self.group or (self.programs is not None and subject.name not in self.programs):
            return False
        return subject.is_test or all_files or self.group == LONG


def parts(agent: str, variants: Mapping[str, str], hard: tuple[str, ...] = HARD) -> list[Part]:
    """All parts that run planners; ``variants`` are other networks' folders by what is different in them."""
    searches = [Contestant(name, _named(name), TEN) for name in SEARCHES]
    tuned = [replace(one, budget_seconds=TUNING) for one in searches]
    return [
        Part("greedy", SUITE, (*_heuristics(), _greedy(agent)), has_bounds=True),
        Part("brief", SUITE, tuple(_portfolios(agent, BRIEF)), has_bounds=True),
        Part("ten", SUITE, (_agent(agent), _single(agent), *searches, _without(TEN)), has_bounds=True),
        Part("minute", SUITE, tuple(_portfolios(agent, MINUTE)), has_bounds=True),
        Part("long", LONG, (_greedy(agent), _agent(agent), *_portfolios(agent, TEN))),
        Part("evaluations", SUITE, tuple(_evaluations(agent))),
        Part("ablations", SUITE, tuple(_ablations(agent, variants)), has_bounds=True),
        Part("cost", ZOO, tuple(_cost(agent))),
        Part(
            "finetune",
            SUITE,
            (_finetune(agent), _agent(agent, TUNING), *tuned, *_portfolios(agent, TUNING)),
            has_bounds=True,
            programs=hard,
        ),
    ]


def _named(name: str) -> Callable[[], Planner]:
    return lambda: get(name)


def _heuristics() -> Iterator[Contestant]:
    for name in HEURISTICS:
        yield Contestant(name, _named(name), TEN, is_seeded=False)


def _greedy(agent: str, label: str = GREEDY) -> Contestant:
    return Contestant(label, lambda: AgentGreedy(agent=agent), TEN, is_seeded=False, agent=agent)


def _agent(agent: str, budget: float = TEN, label: str = AGENT) -> Contestant:
    return Contestant(label, lambda: AgentPlanner(agent=agent), budget, agent=agent)


def _single(agent: str) -> Contestant:
    return Contestant(ONE_THREAD, lambda: AgentPlanner(agent=agent, threads=1), TEN, agent=agent)


def _without(budget: float) -> Contestant:
    return Contestant(WITHOUT, lambda: portfolio(None), budget)


def _portfolios(agent: str, budget: float) -> Iterator[Contestant]:
    yield _without(budget)
    yield Contestant(WITH, lambda: portfolio(agent), budget, agent=agent)


def _finetune(agent: str) -> Contestant:
    return Contestant(FINETUNE, lambda: AgentFinetune(agent=agent), TUNING, agent=agent)


def _evaluations(agent: str) -> Iterator[Contestant]:
    """A game from the middle, a change and an order of placement each come to one schedule that is priced."""
    yield Contestant(
        EVALUATED, lambda: AgentPlanner(agent=agent, threads=1, search=NO_TREE), 0.0, EVALUATIONS, agent=agent
    )
    for name in ("local-search", "random-keys"):
        yield Contestant(name, _named(name), 0.0, EVALUATIONS)


def _ablations(agent: str, variants: Mapping[str, str]) -> Iterator[Contestant]:
    learned = GuidedSearch(learned_model=True)
    yield _greedy(agent)
    yield _agent(agent)
    yield Contestant(PRICED_GREEDY, PricedGreedy, TEN, is_seeded=False)
    yield Contestant(PRICED, PricedAgent, TEN)
    yield Contestant(LEARNED_DYNAMICS, lambda: AgentPlanner(agent=agent, search=learned), TEN, agent=agent)
    yield Contestant(NO_FIRST_TREE, lambda: AgentPlanner(agent=agent, search=NO_TREE), TEN, agent=agent)
    trees: tuple[tuple[str, Planner, str | None], ...] = (
        (TREE_ONLY, AgentPlanner(agent=agent, rounds=0, threads=1), agent),
        (TREE_LEARNED, AgentPlanner(agent=agent, rounds=0, threads=1, search=learned), agent),
        (TREE_PRICED, PricedAgent(settings=AgentPlanner(rounds=0, threads=1)), None),
    )
    for label, planner, asked in trees:
        # With iterations the first game is always searched to its end, however long it is.
        yield Contestant(label, lambda planner=planner: planner, 0.0, 0, is_seeded=False, agent=asked)  # type: ignore[misc]
    for variant, folder in variants.items():
        yield _greedy(folder, VARIANT.format(planner=GREEDY, variant=variant))
        yield _agent(folder, TEN, VARIANT.format(planner=AGENT, variant=variant))


def _cost(agent: str) -> Iterator[Contestant]:
    yield _greedy(agent)
    yield Contestant(ROOFLINE_GREEDY, lambda: ByRoofline(AgentGreedy(agent=agent)), TEN, is_seeded=False, agent=agent)
    yield _agent(agent)
    yield Contestant(ROOFLINE_AGENT, lambda: ByRoofline(AgentPlanner(agent=agent)), TEN, agent=agent)
