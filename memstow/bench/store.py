"""The results file: whole after every case, and taken up again by a later run of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import InvalidInputError
from ..schema import Document
from .case import Case
from .results import BenchResults, CaseResult
from .totals import grouped_totals

_ADVICE = "leave out --resume to begin anew, or name another file"


class Store:
    """A file of results that grows by one case at a time. Nothing is written before the first."""

    def __init__(self, path: Path, empty: BenchResults) -> None:
        """``empty`` are the results before any case."""
        self.path = path
        self.results = empty

    def resume(self, cases: Sequence[Case]) -> None:
        """Take over the cases that the file has, if there is one.

        Raises:
            InvalidInputError: it is no results file, or was made by other code or with other settings, on another
                machine, or from cases that are not among these.
        """
        if not self.path.exists():
            return
        old = BenchResults.load(self.path)
        changed = [f"{name} {was!r} (now {now!r})" for name, was, now in _differences(old, self.results)]
        if changed:
            found = ", ".join(changed)
            raise InvalidInputError(f"{self.path}: its results were made under other conditions: {found}; {_ADVICE}")
        known = {(case.label, case.fingerprint) for case in cases}
        for result in old.cases:
            if (result.label, result.fingerprint) not in known:
                raise InvalidInputError(
                    f"{self.path}: has results of {result.label}, which is not among the programs here or has changed; "
                    f"{_ADVICE}"
                )
        self.results = self.results.model_copy(update={"cases": old.cases, "totals": grouped_totals(old.cases)})

    def has(self, case: Case) -> bool:
        """Whether the case is done."""
        return any((done.label, done.fingerprint) == (case.label, case.fingerprint) for done in self.results.cases)

    def add(self, result: CaseResult) -> None:
        """Take in one case and write the file."""
        cases = (*self.results.cases, result)
        self.results = self.results.model_copy(update={"cases": cases, "totals": grouped_totals(cases)})
        self.results.save(self.path)


def _differences(old: BenchResults, new: BenchResults) -> Iterator[tuple[str, object, object]]:
    """What must be equal for two runs to share a file, and is not: name, old and new value."""
    parts: tuple[tuple[Document, Document], ...] = ((old.settings, new.settings), (old.machine, new.machine))
    for was, now in parts:
        for name in type(now).model_fields:
            if getattr(was, name) != getattr(now, name):
                yield name, getattr(was, name), getattr(now, name)
    for name in ("memstow_version", "code"):
        if getattr(old, name) != getattr(new, name):
            yield name, getattr(old, name), getattr(new, name)
