"""Decisions a second of MallocGame under random legal play, one core: a suite of problem files, and long programs.

    python benchmarks/game.py [DIRECTORY] [--seconds 1] [--json OUT]

The long programs are the layers of ``simulator.py``, whose tensors live shortly, and training steps, in which the
backward half reads what the forward half wrote, in opposite order, on 8 MiB and on all of the fast memory.

Time is the process's CPU time: other processes on the machine do not count, though they slow a shared core down.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from simulator import layers

from memstow.accelerator import load_accelerator
from memstow.formats import load_problem
from memstow.planners import Problem
from memstow.program import Buffer, BufferKind, Instruction, Operand, Program
from memstow.rl_agent.game import Game

#: Instructions of the long programs.
LENGTHS = (200, 2_000, 20_000)


def training(count: int, random: Random) -> Program:
    """``count`` / 2 forward steps and as many backward: activation k, its gradient and its weight in each."""
    half = count // 2
    sizes = [random.choice([1, 2, 4]) << 18 for _ in range(3 * half)]

    def entry(buffer: int) -> Operand:
        return Operand(buffer=buffer, bytes_accessed=sizes[buffer])

    def step(t: int) -> Instruction:
        k = t if t < half else 2 * half - 1 - t
        before = [k - 1] if t < half else [k, half + k + 1]
        reads = [b for b in before if b >= 0 and b != 2 * half]
        seconds = random.choice([1e-6, 3e-6, 2e-5])
        operands = tuple(entry(b) for b in (*reads, 2 * half + k))
        return Instruction(
            name=f"i{t}", compute_seconds=seconds, operands=operands, results=(entry(k if t < half else half + k),)
        )

    steps = tuple(step(t) for t in range(2 * half))
    uses: dict[int, list[int]] = {b: [] for b in range(3 * half)}
    defined = dict.fromkeys(range(3 * half), -1)
    for t, instruction in enumerate(steps):
        for operand in instruction.operands:
            uses[operand.buffer].append(t)
        defined[instruction.results[0].buffer] = t

    def kind(buffer: int) -> BufferKind:
        return "parameter" if buffer >= 2 * half else "output" if buffer == half else "intermediate"

    buffers = tuple(
        Buffer(id=b, name=f"b{b}", size_bytes=size, kind=kind(b), definition_time=defined[b], use_times=tuple(uses[b]))
        for b, size in enumerate(sizes)
    )
    return Program(name=f"training{count}", instructions=steps, buffers=buffers)


def long_problems() -> Iterator[tuple[str, Problem]]:
    """The generated programs on a small and on a large fast memory, with their names."""
    part = load_accelerator("tpu_v5e")
    for count in LENGTHS:
        for make in (layers, training):
            for capacity in (8 << 20, part.capacity):
                memory = part.fast_memory.model_copy(update={"capacity_bytes": capacity})
                name = f"{make.__name__}{count}_{capacity >> 20}MiB"
                yield name, Problem(make(count, Random(count)), part.model_copy(update={"fast_memory": memory}))


def file_problems(directory: Path) -> Iterator[tuple[str, Problem]]:
    """The problem files of a directory, with their names."""
    for path in sorted(directory.glob("*.json")):
        if path.stem != "prices":
            loaded = load_problem(path)
            yield path.stem, Problem(loaded.program, loaded.accelerator)


def measure(name: str, problem: Problem, seconds: float) -> dict[str, float | str | int]:
    """Play random games of one problem for about ``seconds``; what they came to."""
    game = Game(problem)
    games, spent, best = 1, 0.0, game.slow_seconds
    played = 0
    while spent < seconds:
        began = time.process_time()
        totals = game.random_playouts(games, seed=played)
        spent += time.process_time() - began
        played, games, best = played + games, 2 * games, min(best, float(totals.min()))
    return {
        "program": name,
        "instructions": len(problem.program.instructions),
        "decisions": game.num_decisions,
        "decisions_per_second": played * game.num_decisions / spent,
        "best_to_all_slow": best / game.slow_seconds,
    }


def main() -> None:
    """Measure every problem and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "directory", type=Path, nargs="?", help="folder of problem files (left out: long programs only)"
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds of play for each file")
    parser.add_argument("--json", type=Path, help="file for the results")
    options = parser.parse_args()
    files = file_problems(options.directory) if options.directory else iter(())
    everything = []
    for problems in (files, long_problems()):
        rows = []
        for name, problem in problems:
            rows.append(measure(name, problem, options.seconds))
            print("{program:24} {decisions:6} decisions {decisions_per_second:12,.0f} per second".format(**rows[-1]))
        rates = [float(row["decisions_per_second"]) for row in rows]
        if rates:
            mean = math.exp(sum(map(math.log, rates)) / len(rates))
            print(f"{len(rates)} programs: geometric mean {mean:,.0f}, lowest {min(rates):,.0f} decisions per second")
        everything += rows
    if options.json:
        options.json.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
