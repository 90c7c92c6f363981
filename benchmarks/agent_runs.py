"""What ``agent.py`` measured, one JSON object a line: a file that any number of runs add to and that none has to redo.

Three kinds of record: facts of a program, one run of a planner by one seed, one rate of decisions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from memstow.bench import Settings
from memstow.errors import InvalidInputError
from memstow.schema import Document

#: What tells runs apart: label, seconds, iterations, agent, program, its fingerprint, seed.
RunKey = tuple[str, float, int | None, str, str, str, int]


class Facts(Document):
    """What is known of a program before any planner has run.

    Attributes:
        group: ``suite``, ``long`` or ``zoo``.
        is_test: no program of its family was trained on.
        fingerprint: of program, target and prices; runs of another one do not count.
        recorded_seconds: of the recorded solution, its cross-program prefetches charged.
        bound_seconds: proven; absent where none was asked for.
    """

    program: str
    group: str
    is_test: bool
    fingerprint: str
    instructions: int
    all_slow_seconds: float
    recorded_seconds: float | None = None
    bound_seconds: float | None = None
    bound_method: str = ""


class Run(Document):
    """One planner on one program by one seed.

    Attributes:
        planner: the contestant's label.
        budget_seconds, iterations: its limits; with iterations the budget says nothing.
        agent: digest of the network's weights, empty where none was asked.
        is_seeded: whether another seed could give another plan.
        seconds: of the plan by the simulator; absent where there is no valid one, and ``failure`` says why.
        code: digest of the package.
    """

    planner: str
    budget_seconds: float
    iterations: int | None = None
    agent: str = ""
    program: str
    fingerprint: str
    seed: int
    is_seeded: bool
    seconds: float | None = None
    wall_seconds: float
    failure: str = ""
    code: str
    machine: str
    date: str

    @property
    def overran(self) -> bool:
        """Whether it took longer than its budget by more than the suite runner allows."""
        settings = Settings(budget_seconds=self.budget_seconds, iterations=self.iterations)
        return self.is_seeded and settings.overruns(self.wall_seconds)

    @property
    def key(self) -> RunKey:
        """What tells it apart."""
        limits = self.budget_seconds, self.iterations
        return (self.planner, *limits, self.agent, self.program, self.fingerprint, self.seed)


class Rate(Document):
    """Decisions a second of CPU time on one program.

    ``kind`` says what came with them; ``share_backups`` is the part of them that Drop-backup made.
    """

    kind: str
    program: str
    agent: str = ""
    decisions: int
    decisions_per_second: float
    share_backups: float | None = None
    code: str
    machine: str
    date: str


_KINDS: dict[str, type[Document]] = {"facts": Facts, "run": Run, "rate": Rate}


class Store:
    """The file, read once; the last of several records of one key counts."""

    def __init__(self, path: Path) -> None:
        """Read what there is.

        Raises:
            InvalidInputError: a line is JSON and no record.
        """
        self.path = path
        self.facts: dict[str, Facts] = {}
        self.runs: dict[RunKey, Run] = {}
        self.rates: dict[tuple[str, str, str], Rate] = {}
        for record in _read(path):
            self._take(record)

    def add(self, record: Facts | Run | Rate) -> None:
        """Take a record in and write it at the end of the file."""
        kind = next(name for name, cls in _KINDS.items() if isinstance(record, cls))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = f'{{"{kind}": {record.model_dump_json(exclude_none=True)}}}\n'
        # A line that was cut short ends here, so that it spoils no other.
        begin = "\n" if _is_cut_short(self.path) else ""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(begin + line)
        self._take(record)

    def _take(self, record: Document) -> None:
        if isinstance(record, Facts):
            self.facts[record.program] = record
        elif isinstance(record, Run):
            self.runs[record.key] = record
        elif isinstance(record, Rate):
            self.rates[record.kind, record.program, record.agent] = record

    def current_runs(self) -> Iterator[Run]:
        """Runs on the programs as they are now."""
        for run in self.runs.values():
            facts = self.facts.get(run.program)
            if facts is not None and facts.fingerprint == run.fingerprint:
                yield run


def _read(path: Path) -> Iterator[Document]:
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        where = f"{path}, line {number}"
        try:
            data: object = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut short by a kill; what it told of is measured again
        if not isinstance(data, dict) or len(data) != 1 or next(iter(data)) not in _KINDS:
            raise InvalidInputError(f"{where}: expected one of {', '.join(_KINDS)}; name another file with --results")
        ((kind, record),) = data.items()
        yield _KINDS[kind].parse(record, where=where)


def _is_cut_short(path: Path) -> bool:
    if not path.exists() or not path.stat().st_size:
        return False
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) != b"\n"
