"""How local search grows with the program, and one very long program planned from end to end.

    python benchmarks/search.py [--budget 60] [--seconds 5]

A sweep is one iteration of ``local-search`` for each touch (storage and instruction) of the program; programs are the
layers of ``simulator.py``. Times of a sweep are CPU seconds of one thread, those of planning wall-clock.
"""

from __future__ import annotations

import argparse
import time
from random import Random

from simulator import layers

from memstow.accelerator import load_accelerator
from memstow.planners import Effort, Problem, get
from memstow.planners.base import Limits
from memstow.planners.core_search import CoreSearch, core_problem
from memstow.summary import uniform_seconds
from memstow.validator import validate

#: Instructions: each 10 times the one before, and the longest that must be planned.
LENGTHS = (300, 3_000, 30_000)
LONGEST = 20_000
CAPACITY = 8 << 20


def problem(count: int) -> Problem:
    """A generated program on a small fast memory."""
    return Problem(layers(count, Random(count)), load_accelerator("tpu_v5e").with_capacity(CAPACITY))


def sweep_seconds(count: int, seconds: float) -> tuple[int, float]:
    """Touches, and CPU seconds of one sweep after the first schedule was built, measured for about ``seconds``."""
    core = core_problem(problem(count))
    search = CoreSearch(core, seed=0, hot=0.1, cold=0.0005)
    search.construct(Limits(iterations=0))
    touches, iterations = len(core.touches.time), 0
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        iterations += sum(search.anneal(Limits(iterations=2_000)))
    return touches, (time.process_time() - begin) / iterations * touches


def main() -> None:
    """Print the figures as Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for planning the longest program")
    parser.add_argument("--seconds", type=float, default=5.0, help="CPU seconds of each measured search")
    options = parser.parse_args()
    print("| instructions | touches | seconds a sweep | times the one before |\n| ---: | ---: | ---: | ---: |")
    before = None
    for count in LENGTHS:
        touches, seconds = sweep_seconds(count, options.seconds)
        print(f"| {count} | {touches} | {seconds:.4f} | {'' if before is None else f'{seconds / before:.1f}'} |")
        before = seconds
    print("\n| planner | instructions | wall seconds | all slow / plan | violations |")
    print("| --- | ---: | ---: | ---: | ---: |")
    given = problem(LONGEST)
    all_slow = uniform_seconds(given, fast=False)
    for name in ("local-search", "lns", "portfolio"):
        begin = time.perf_counter()
        plan = get(name).plan(given, Effort(options.budget), seed=0)
        wall = time.perf_counter() - begin
        broken = len(validate(given.program, given.accelerator, plan))
        print(f"| {name} | {LONGEST} | {wall:.1f} | {all_slow / (plan.simulated_seconds or all_slow):.3f} | {broken} |")


if __name__ == "__main__":
    main()
