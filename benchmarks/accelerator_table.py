"""Markdown tables of the built-in accelerators, generated from their files, for ``docs/accelerators.md``.

``python benchmarks/accelerator_table.py docs/accelerators.md`` rewrites what stands between the markers;
with ``--check`` it exits with 1 where that is out of date.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from memstow.accelerator import Accelerator, builtin_names, load_accelerator

BEGIN = "<!-- begin: benchmarks/accelerator_table.py -->"
END = "<!-- end: benchmarks/accelerator_table.py -->"

COLUMNS = (
    "name",
    "matrix GFLOP/s",
    "vector GFLOP/s",
    "fast memory",
    "fast GB/s",
    "slow GB/s",
    "copy GB/s",
    "copy latency µs",
    "launch µs",
    "open prefetches / evictions",
    "alignment",
)


def generate() -> str:
    """The summary table, then one table of sources per built-in."""
    parts = [load_accelerator(name) for name in builtin_names()]
    lines = [_row(COLUMNS), _row(["---"] * len(COLUMNS)), *(_summary(part) for part in parts)]
    for part in parts:
        lines += ["", f"### {part.name}", "", part.description, "", "| key | value | source |", "| --- | ---: | --- |"]
        values = leaves(part)
        lines += [_row([f"`{path}`", f"{values[path]:,.12g}", source]) for path, source in part.sources.items()]
    return "\n".join(lines)


def leaves(part: Accelerator) -> dict[str, float]:
    """Every number of a description by its key path; a limit that is absent is left out."""
    return dict(_leaves(part.model_dump(exclude={"sources"}, exclude_none=True), ""))


def replace_between_markers(text: str, generated: str, begin: str = BEGIN, end: str = END) -> str:
    """The text with everything between the markers replaced."""
    head, _, rest = text.partition(begin)
    _, found, tail = rest.partition(end)
    if not found:
        raise SystemExit(f"expected the markers {begin!r} and {end!r}; add them where the tables belong")
    return f"{head}{begin}\n{generated}\n{end}{tail}"


def _leaves(table: Mapping[str, object], prefix: str) -> list[tuple[str, float]]:
    found: list[tuple[str, float]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, int | float):
            found.append((f"{prefix}{key}", value))
    return found


def _summary(part: Accelerator) -> str:
    limits = (part.dma.max_outstanding_prefetches, part.dma.max_outstanding_evictions)
    return _row(
        [
            f"[`{part.name}`](#{part.name})",
            _rates(part.flops_per_second),
            _rates(part.vector_flops_per_second),
            f"{part.capacity / 1024:,g} KiB {part.fast_memory.name}",
            f"{part.fast_memory.bandwidth / 1e9:,g}",
            f"{part.slow_memory.bandwidth / 1e9:,g}",
            f"{part.copy_bandwidth / 1e9:,g}",
            f"{part.dma.latency_seconds * 1e6:g}",
            f"{part.launch_overhead_seconds * 1e6:g}",
            " / ".join("any" if limit is None else str(limit) for limit in limits),
            str(part.alignment),
        ]
    )


def _rates(table: Mapping[str, float]) -> str:
    return ", ".join(f"{dtype} {rate / 1e9:,g}" for dtype, rate in table.items())


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 where out of date")
    options = parser.parse_args()
    old = options.page.read_text(encoding="utf-8")
    new = replace_between_markers(old, generate())
    if options.check:
        return int(new != old)
    options.page.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
