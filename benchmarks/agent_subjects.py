"""The programs that ``agent.py`` measures on, each with what makes its case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent_runs import Facts

from memstow.accelerator import load_accelerator
from memstow.bench import Case
from memstow.bounds import best_bound
from memstow.cost_model.registry import LEARNED, resolve_cost_model
from memstow.formats import load_problem
from memstow.planners import Problem
from memstow.rl_agent.training.programs import is_test_program
from memstow.rl_agent.training.programs.generator import generate_problem
from memstow.summary import uniform_seconds

SUITE, LONG, ZOO = "suite", "long", "zoo"
#: Seeds of generated programs; training draws below 2**40 (``rl_agent/training/programs/problems.py``).
LONG_SEED = 1 << 41
LONG_KINDS = (
    "transformer_train",
    "convolutional_train",
    "unet_train",
    "recurrent_train",
    "branches_train",
    "experts_train",
)
#: What is asked of the generator, whose programs come out up to half as long again.
LONG_LENGTHS = (2_200, 6_000, 13_000)
#: Parts of the accelerator's fast memory that zoo programs are planned with. A part of the Ethos-U85's little is of no
#: use to any planner.
ZOO_SHARES = {"tpu_v5e": (1, 16), "tpu_v4": (16,), "ethos_u85": (1,)}


@dataclass(frozen=True)
class Subject:
    """A program by name; ``make`` reads or generates it."""

    name: str
    group: str
    is_test: bool
    make: Callable[[], Case]


def suite_subjects(folder: Path) -> Iterator[Subject]:
    """The production programs, without cross-program prefetches."""
    for path in sorted(folder.glob("*.json")):
        if path.stem != "prices":
            yield Subject(path.stem, SUITE, is_test_program(path.stem), partial(_suite_case, path))


def _suite_case(path: Path) -> Case:
    loaded = load_problem(path)
    assert loaded.accelerator is not None, f"{path}: no xla_suite file"
    accelerator = loaded.accelerator.model_copy(update={"max_cross_program_prefetches": 0})
    return Case(path.stem, Problem(loaded.program, accelerator), loaded.recorded_price)


def long_subjects(folder: Path) -> Iterator[Subject]:
    """Deep models of the zoo, where their files are there, and generated training steps."""
    for path in sorted(folder.glob("**/*.program.json")):
        name = _name(path)
        yield Subject(f"{name} {path.parent.name}", LONG, is_test_program(name), partial(_file_case, path))
    for length in LONG_LENGTHS:
        for number, kind in enumerate(LONG_KINDS):
            seed = LONG_SEED + number
            yield Subject(f"{kind}/{length}", LONG, True, partial(_generated_case, kind, length, seed))


def _generated_case(kind: str, length: int, seed: int) -> Case:
    return Case(f"{kind}/{length}", generate_problem(kind, length, seed))


def _file_case(path: Path) -> Case:
    program = load_problem(path).program
    accelerator = load_accelerator(program.accelerator or path.parent.name)
    return Case(f"{_name(path)} {path.parent.name}", Problem(program, accelerator))


def zoo_subjects(folder: Path) -> Iterator[Subject]:
    """Test models of the zoo, priced by the learned cost models."""
    for target, shares in ZOO_SHARES.items():
        for path in sorted((folder / target).glob("*.program.json")):
            for share in shares if is_test_program(_name(path)) else ():
                name = f"{_name(path)} {target}/{share}"
                yield Subject(name, ZOO, True, partial(_zoo_case, path, name, share))


def _zoo_case(path: Path, name: str, share: int) -> Case:
    program = load_problem(path).program
    whole = load_accelerator(program.accelerator or path.parent.name)
    accelerator = whole.with_capacity(whole.capacity // share)
    learned = resolve_cost_model(LEARNED, accelerator)
    return Case(name, Problem(program, accelerator, learned.prices(program, accelerator)))


def _name(path: Path) -> str:
    return path.name.removesuffix(".program.json")


def facts_of(subject: Subject, case: Case, bound_time: float | None) -> Facts:
    """Facts of a program; its bound takes up to ``bound_time`` seconds, None leaves it out."""
    problem = case.problem
    bound = best_bound(problem, time_limit_seconds=bound_time) if bound_time is not None else None
    return Facts(
        program=subject.name,
        group=subject.group,
        is_test=subject.is_test,
        fingerprint=case.fingerprint,
        instructions=len(problem.program.instructions),
        all_slow_seconds=uniform_seconds(problem, fast=False),
        recorded_seconds=case.recorded_seconds,
        bound_seconds=bound.seconds if bound else None,
        bound_method=bound.method if bound else "",
    )
