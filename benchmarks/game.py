"""Decisions a second of MallocGame under random legal play, one core, the whole suite of problem files.

    python benchmarks/game.py DIRECTORY [--seconds 1] [--json OUT]

Time is the process's CPU time: other processes on the machine do not count, though they slow a shared core down.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

from memstow.formats import load_problem
from memstow.planners import Problem
from memstow.rl_agent.game import Game


def measure(path: Path, seconds: float) -> dict[str, float | str | int]:
    """Play random games of one problem file for about ``seconds``; what they came to."""
    loaded = load_problem(path)
    game = Game(Problem(loaded.program, loaded.accelerator))
    games, spent, best = 4, 0.0, game.slow_seconds
    played = 0
    while spent < seconds:
        began = time.process_time()
        totals = game.random_playouts(games, seed=played)
        spent += time.process_time() - began
        played, games, best = played + games, 2 * games, min(best, float(totals.min()))
    return {
        "program": path.stem,
        "instructions": len(loaded.program.instructions),
        "decisions": game.num_decisions,
        "decisions_per_second": played * game.num_decisions / spent,
        "best_to_all_slow": best / game.slow_seconds,
    }


def main() -> None:
    """Measure every file of a directory and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of play for each file")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    rows = [measure(p, options.seconds) for p in sorted(options.directory.glob("*.json")) if p.stem != "prices"]
    for row in rows:
        print("{program:24} {decisions:6} decisions {decisions_per_second:12,.0f} per second".format(**row))
    rates = [float(row["decisions_per_second"]) for row in rows]
    if rates:
        mean = math.exp(sum(map(math.log, rates)) / len(rates))
        print(f"{len(rates)} programs: geometric mean {mean:,.0f}, lowest {min(rates):,.0f} decisions per second")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
