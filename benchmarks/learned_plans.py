"""Plans made with the learned cost model against plans made with the roofline, all timed by Vela's own prices.

``python benchmarks/learned_plans.py --model DIR`` plans every test model of the cost model in DIR, on systems of
Ethos-U55 and U65 with too little fast memory, and writes ``build/learned_plans.json``. The cost model must never have
seen the programs. A third plan is made with Vela's prices: what a model without errors would give. Operators that Vela
does not price on a part are left to the host: see :mod:`memstow.cost_model.sources.vela_programs`.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from learned_plans_results import CaseResult, Results, Total, cells
from rich.console import Console
from rich.table import Table
from zoo_machine import commit, describe_machine

from memstow import models
from memstow.core import BatchedCost
from memstow.cost_model.learned import LearnedModel
from memstow.cost_model.registry import trained_model
from memstow.cost_model.sources.vela_prices import PriceTables, VelaPrices, price_operators
from memstow.cost_model.sources.vela_programs import OperatorProgram, Trace, to_program, trace_model
from memstow.cost_model.sources.vela_shapes import sizes_of
from memstow.cost_model.sources.vela_systems import System, systems
from memstow.errors import InfeasiblePlanError, InvalidInputError, MemstowError
from memstow.planners import Effort, Planner, Problem, get
from memstow.planners.portfolio import Portfolio
from memstow.program import Program
from memstow.simulator import simulate
from memstow.timing import InstructionCost, Roofline
from memstow.validator import validate

#: Three parts, with slow memories of 0.5, 3.75 and 12 GB/s.
SYSTEMS = ("ethos-u55-128-high_end_embedded", "ethos-u65-256-high_end", "ethos-u65-512-client_server")
#: Fast memory as parts of what the program would need to hold all that it works on.
SHARES = (1 / 2, 1 / 4, 1 / 16)


@dataclass(frozen=True)
class Subject:
    """One program on one system with the prices of three cost models."""

    program: OperatorProgram
    system: System
    left_out: int
    fallbacks: int
    roofline: InstructionCost
    learned: InstructionCost
    vela: VelaPrices
    roofline_error: float
    learned_error: float


def subject(trace: Trace, system: System, vela_table: PriceTables, model: LearnedModel) -> Subject:
    """The program of a trace. Capacity changes no price, so prices are those of the system as it was sampled."""
    accelerator = system.accelerator()
    found = to_program(trace, accelerator, vela_table[system.name])
    learned, roofline = model.prices(found.program, accelerator), Roofline(found.program, accelerator)
    vela = VelaPrices(found, vela_table[system.name])
    left_out = len(trace.steps) - len(found.operators)
    errors = [median_error(found.program, cost, vela) for cost in (roofline, learned)]
    return Subject(found, system, left_out, len(learned.fallbacks), roofline, learned, vela, *errors)


def median_error(program: Program, cost: InstructionCost, vela: VelaPrices) -> float:
    """Median relative error of a cost model's prices over all placements of all instructions."""
    queries = [
        (t, fast[:-1], fast[-1:])
        for t, step in enumerate(program.instructions)
        for fast in itertools.product((False, True), repeat=len(step.operands) + 1)
    ]
    # In one batch, for one by one a learned model takes a while.
    found = cost.seconds_of(queries) if isinstance(cost, BatchedCost) else [cost.seconds(*query) for query in queries]
    return float(np.median(np.abs(np.array(found) / np.array(vela.seconds_of(queries)) - 1.0)))


def working_bytes(program: Program) -> int:
    """Fast memory in which everything that the program works on would fit at any time.

    That is what lives between instructions, and the parameters and inputs of the one that runs.
    """
    levels = np.zeros(len(program.instructions), dtype=np.int64)
    for storage in program.storages:
        if storage.born_slow:
            levels[sorted({t for t, _, _ in storage.reads})] += storage.size_bytes
        else:
            levels[storage.definition_time : storage.last_time + 1] += storage.size_bytes
    return int(levels.max())


def measure(
    case: Subject, size: str, model: str, share: float, planner: Planner, options: argparse.Namespace
) -> CaseResult:
    """Plan with each cost model; every plan is validated, then timed by Vela's prices."""
    program = case.program.program
    capacity = int(working_bytes(program) * share)
    accelerator = case.system.accelerator().with_capacity(capacity)
    seconds = []
    for cost in (case.roofline, case.learned, case.vela):
        problem = Problem(program, accelerator, cost)
        plan = planner.plan(problem, Effort(iterations=options.iterations), seed=options.seed)
        violations = validate(program, accelerator, plan)
        if violations:
            raise InfeasiblePlanError(f"planner {planner.name!r} on {program.name!r}: {violations[0]}; report this")
        seconds.append(simulate(program, accelerator, plan, case.vela).total_seconds)
    slow = sum(case.vela.seconds(t, [False] * len(s.operands), [False]) for t, s in enumerate(program.instructions))
    return CaseResult(
        model=model,
        size=size,
        system=case.system.name,
        capacity_bytes=capacity,
        share=share,
        planner=planner.name,
        instructions=len(program.instructions),
        left_out=case.left_out,
        fallbacks=case.fallbacks,
        all_slow_seconds=slow,
        roofline_seconds=seconds[0],
        learned_seconds=seconds[1],
        vela_seconds=seconds[2],
        roofline_error=case.roofline_error,
        learned_error=case.learned_error,
    )


def measure_all(model: LearnedModel, options: argparse.Namespace) -> Iterator[CaseResult]:
    """All cases, program by program."""
    chosen = [system for system in systems() if system.name in options.systems]
    # One thread each, so that the same seed gives the same plan on any machine.
    planners = [Portfolio(threads=1) if name == "portfolio" else get(name) for name in options.planners]
    for name in options.models or test_models(model):
        for size in [size for size in sizes_of(name) if not options.sizes or size in options.sizes]:
            trace = trace_model(name, size)
            prices = price_operators(trace.operators, chosen)
            for system in chosen:
                case = subject(trace, system, prices, model)
                for share, planner in itertools.product(SHARES, planners):
                    yield measure(case, size, name, share, planner, options)


def test_models(model: LearnedModel) -> list[str]:
    """The models of the zoo that the cost model keeps for its judgement.

    Raises:
        InvalidInputError: it was trained on one of them.
    """
    found = [name for name in model.card.test_programs if name in models.names()]
    seen = sorted(set(found) & set(model.card.programs))
    if seen or not found:
        raise InvalidInputError(
            f"cost model {model.name!r}: expected one that never saw its test programs, found one trained on "
            f"{', '.join(seen) or 'all models'}; pass the folder of its twin as --model"
        )
    return found


def show(results: Results, console: Console) -> None:
    """The cases by program, and the total."""
    shown = Table(title="Time of plans by Vela's prices: learned cost model over roofline", box=None)
    for column in ("program", "cases", "ratio", "best", "worst", "faster", "slower", "perfect"):
        shown.add_column(column, justify="left" if column == "program" else "right", no_wrap=True)
    groups: dict[str, list[CaseResult]] = {}
    for case in results.cases:
        groups.setdefault(f"{case.model}-{case.size}", []).append(case)
    for name, members in (*groups.items(), ("all", list(results.cases))):
        shown.add_row(name, *cells(Total(members)))
    console.print(shown)
    console.print(f"worst: {results.total.worst.ratio:.4f}, {results.total.worst.name}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, with names checked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("build/twins/ethos_u"), metavar="DIR", help="cost model")
    parser.add_argument(
        "--models", type=_list, metavar="A,B", help="of the zoo; left out: the cost model's test models"
    )
    parser.add_argument("--sizes", type=_list, metavar="A,B", help="left out: all")
    parser.add_argument("--systems", type=_list, default=list(SYSTEMS), metavar="A,B", help="of Ethos-U55 or U65")
    parser.add_argument("--planners", type=_list, default=["greedy", "portfolio"], metavar="A,B")
    parser.add_argument("--iterations", type=int, default=4000, help="of each search")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, default=Path("build/learned_plans.json"), metavar="FILE")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.systems) - {system.name for system in systems()})
    if unknown:
        parser.error(f"--systems: expected systems such as {', '.join(SYSTEMS)}, found {unknown[0]!r}")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    try:
        options = parse(sys.argv[1:] if arguments is None else arguments)
        model = trained_model(options.model)
        results = Results(
            machine=describe_machine(),
            date=datetime.date.today().isoformat(),
            commit=commit(ignore=options.json),
            cost_model=model.name,
            trained_on=model.card.programs,
            iterations=options.iterations,
            seed=options.seed,
            shares=SHARES,
        )
        options.json.parent.mkdir(parents=True, exist_ok=True)
        for case in measure_all(model, options):
            print(
                f"{case.name}: {case.ratio:.4f} (Vela's prices {case.perfect_ratio:.4f})", file=sys.stderr, flush=True
            )
            results = results.model_copy(update={"cases": (*results.cases, case)})
            results.save(options.json)
    except MemstowError as error:
        print(error, file=sys.stderr)
        return 2
    show(results, Console())
    return 0


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    raise SystemExit(main())
