"""Problems to train on: generated ones and files, each with a key from which it can be made again."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field, field_validator, model_validator

from ....accelerator import Accelerator, load_accelerator
from ....cost_model.registry import resolve_cost_model
from ....cost_model.splits import GENERATED_PREFIX
from ....errors import InvalidInputError, UnknownNameError
from ....formats import load_problem
from ....planners import Problem
from ....program import Program
from ....schema import Document, read_json
from .accelerators import draw_variation
from .families import family_of, is_test_program
from .generator import KINDS, generate_problem

Share = Annotated[float, Field(ge=0.0, le=1.0)]
#: Seeds are below this; 0 stands for a file's own accelerator.
_SEEDS = 1 << 40


class ProblemSettings(Document):
    """What is drawn.

    ``folders`` hold problem files of either format (``*.program.json`` name a built-in accelerator). ``generated`` is
    the share of generated programs, 1 where there is no folder; ``kinds`` are theirs. ``unchanged`` is the share of
    files that keep their accelerator, where others get another amount of fast memory, half of them other rates too. A
    program has ``shortest`` to ``longest`` instructions, about; longer files are left out. ``learned_prices`` is the
    share of changed files whose prices are those of their accelerator's learned cost model, where it has one.
    """

    folders: tuple[Path, ...] = ()
    generated: Share = 0.5
    kinds: Annotated[tuple[str, ...], Field(min_length=1)] = KINDS
    unchanged: Share = 0.25
    learned_prices: Share = 0.25
    shortest: Annotated[int, Field(ge=1)] = 20
    longest: Annotated[int, Field(ge=1)] = 5000

    @field_validator("kinds")
    @classmethod
    def _check_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(str(UnknownNameError("kind of program", unknown[0], KINDS)))
        return kinds

    @model_validator(mode="after")
    def _check_lengths(self) -> ProblemSettings:
        if self.shortest > self.longest:
            raise ValueError(f"expected shortest <= longest, found {self.shortest} and {self.longest}")
        return self


@dataclass(frozen=True)
class NamedProblem:
    """A problem and the key that :meth:`TrainingProblems.by_key` makes it from."""

    key: str
    problem: Problem


class TrainingProblems:
    """Problems by chance and by key. Test families are never among them.

    Keys are ``generated_KIND/INSTRUCTIONS#SEED`` and ``FOLDER/NAME#SEED``, with seed 0 for the file as it is.
    """

    def __init__(self, settings: ProblemSettings) -> None:
        """Look through the folders.

        Raises:
            InvalidInputError: a folder has no program to train on, or two files have one key.
        """
        self.settings = settings
        self.files: Mapping[str, Path] = _find_files(settings)
        families: dict[str, list[str]] = defaultdict(list)
        for name in self.files:
            families[_family(name)].append(name)
        self.families: Mapping[str, list[str]] = dict(families)
        self._loaded: dict[str, tuple[Program, Accelerator]] = {}

    def describe(self) -> str:
        """What may be drawn, for the record: a line each."""
        kinds = [f"generated: {kind}" for kind in self.settings.kinds]
        return "\n".join([*kinds, *(f"file: {name}" for name in sorted(self.files))]) + "\n"

    def draw(self, rng: np.random.Generator) -> NamedProblem:
        """A problem by chance: of files, every family is as likely as the others."""
        return self.by_key(self.draw_key(rng))

    def draw_key(self, rng: np.random.Generator) -> str:
        """The key of a problem by chance."""
        settings = self.settings
        if not self.files or rng.random() < settings.generated:
            kind = settings.kinds[int(rng.integers(len(settings.kinds)))]
            length = settings.shortest * (settings.longest / settings.shortest) ** rng.random()
            return f"{GENERATED_PREFIX}{kind}/{math.floor(length)}#{rng.integers(_SEEDS)}"
        family = sorted(self.families)[int(rng.integers(len(self.families)))]
        name = self.families[family][int(rng.integers(len(self.families[family])))]
        seed = 0 if rng.random() < settings.unchanged else int(rng.integers(1, _SEEDS))
        return f"{name}#{seed}"

    def by_key(self, key: str) -> NamedProblem:
        """The problem of a key; the same every time.

        Raises:
            InvalidInputError: the key is none, or asks for a program of a test family.
            UnknownNameError: no such file or kind.
        """
        name, _, seed = key.rpartition("#")
        if not name or not seed.isdecimal():
            raise InvalidInputError(f"problem key {key!r}: expected NAME#SEED; take keys from draw()")
        if name.startswith(GENERATED_PREFIX):
            kind, _, length = name.removeprefix(GENERATED_PREFIX).partition("/")
            if not length.isdecimal():
                raise InvalidInputError(f"problem key {key!r}: expected {GENERATED_PREFIX}KIND/INSTRUCTIONS#SEED")
            return NamedProblem(key, generate_problem(kind, int(length), int(seed)))
        return NamedProblem(key, self._from_file(name, int(seed)))

    def _from_file(self, name: str, seed: int) -> Problem:
        if is_test_program(_stem(name)):
            raise InvalidInputError(
                f"{name}: programs of the family {_family(name)!r} are for judging only; train on another family"
            )
        if name not in self.files:
            raise UnknownNameError("problem", name, self.files, "Are the folders those that the key was drawn from?")
        if name not in self._loaded:
            self._loaded[name] = _load(self.files[name])
        problem = Problem(*self._loaded[name])
        if seed == 0:
            return problem
        varied = draw_variation(f"{name}#{seed}", problem)
        named = varied.accelerator.cost_model
        if named is None or Random(f"prices of {name}#{seed}").random() >= self.settings.learned_prices:
            return varied
        prices = resolve_cost_model(named, varied.accelerator).prices(varied.program, varied.accelerator)
        return Problem(varied.program, varied.accelerator, prices)


def _find_files(settings: ProblemSettings) -> dict[str, Path]:
    """Files to train on by name, sorted; other JSON files are passed over."""
    found: dict[str, Path] = {}
    for folder in settings.folders:
        names = {f"{folder.resolve().name}/{_stem(path.name)}": path for path in sorted(folder.glob("*.json"))}
        names = {name: path for name, path in names.items() if _may_train_on(path, settings.longest)}
        if not names:
            raise InvalidInputError(
                f"{folder}: expected programs (*.program.json) or xla_suite files of at most {settings.longest} "
                "instructions to train on, found none; name the folder that holds them"
            )
        twice = sorted(found.keys() & names.keys())
        if twice:
            raise InvalidInputError(
                f"{names[twice[0]]}: {found[twice[0]]} has the key {twice[0]!r} too; name the folders differently"
            )
        found |= names
    return found


def _may_train_on(path: Path, longest: int) -> bool:
    if is_test_program(_stem(path.name)):
        return False
    data = read_json(path)
    return isinstance(data, dict) and 0 < len(data.get("instructions", ())) <= longest


def _load(path: Path) -> tuple[Program, Accelerator]:
    loaded = load_problem(path)
    if loaded.accelerator is not None:
        return loaded.program, loaded.accelerator
    if loaded.program.accelerator is None:
        raise InvalidInputError(f"{path}: expected the program's 'accelerator', found none; extract it for a target")
    return loaded.program, load_accelerator(loaded.program.accelerator)


def _stem(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".json").removesuffix(".program")


def _family(name: str) -> str:
    return family_of(_stem(name))
