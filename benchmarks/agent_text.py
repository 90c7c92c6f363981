"""Figures as the cells of ``docs/agent.md``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent_statistics import Estimate

NOTHING = "-"


def figure(estimate: Estimate | None, digits: int = 4) -> str:
    """A figure and its interval."""
    if estimate is None:
        return NOTHING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.{digits}f}"
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def change(ratio: float) -> str:
    """A ratio of times as a difference, in words."""
    return f"{100 * abs(1.0 - ratio):.2f} % {'less' if ratio <= 1.0 else 'more'}"


def changes(estimate: Estimate | None) -> str:
    """A ratio of times as a difference with its interval."""
    if estimate is None:
        return "not measured"
    if estimate.low is None or estimate.high is None:
        return change(estimate.value)
    return f"{change(estimate.value)} [{change(estimate.high)}, {change(estimate.low)}]"


def seconds(value: float) -> str:
    """A budget or a wall-clock time."""
    return f"{value:.3g} s"


def table(header: Iterable[str], rows: Iterable[Iterable[str]], words: int = 1) -> Iterator[str]:
    """Lines of a Markdown table; the first ``words`` columns are text. Nothing where there is no row."""
    names, shown = list(header), [list(row) for row in rows]
    if not shown:
        yield "Not measured."
        return
    yield f"| {' | '.join(names)} |"
    yield f"| {' | '.join(['---'] * words + ['---:'] * (len(names) - words))} |"
    for row in shown:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
