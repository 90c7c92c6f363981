"""Vela's own prices of a program, for every placement of the operands and results of every instruction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...errors import InvalidInputError
from ..prices import PriceQuery
from .vela_operators import QuantisedOperator
from .vela_programs import OperatorProgram
from .vela_systems import System, package_path
from .vela_worker import Job, run_jobs

#: Seconds by placement: a digit for each operand, then the result, 1 for fast memory.
Placed = Mapping[str, float]
#: By the system's name, the prices of operators.
PriceTables = Mapping[str, Mapping[QuantisedOperator, Placed]]
#: Weights beyond this many bytes are not compiled: Vela's reader copies them several times in 64 bits.
MAX_WEIGHT_BYTES = 12 << 20


class VelaPrices:
    """An :class:`~memstow.timing.InstructionCost` whose every answer is Vela's estimate."""

    def __init__(self, program: OperatorProgram, table: Mapping[QuantisedOperator, Placed]) -> None:
        missing = next((op for op in program.operators if op not in table), None)
        if missing is not None:
            raise InvalidInputError(
                f"program {program.program.name!r}: expected a price of Vela for every operator, found none for "
                f"{missing.code} of {missing.output}; leave it out of the program"
            )
        self._placed = [table[op] for op in program.operators]

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        """See :class:`~memstow.timing.InstructionCost`."""
        return self._placed[instruction]["".join("01"[bool(fast)] for fast in (*operands_fast, *results_fast))]

    def seconds_of(self, queries: Sequence[PriceQuery]) -> list[float]:
        """Seconds of each query."""
        return [self.seconds(*query) for query in queries]


def price_operators(
    operators: Iterable[QuantisedOperator], systems: Sequence[System]
) -> dict[str, dict[QuantisedOperator, dict[str, float]]]:
    """By the system's name, the prices of all operators that Vela prices on that system in every placement.

    Args:
        operators: of any programs.
        systems: with parts that let Vela price any placement: Ethos-U55 and U65.

    Raises:
        InvalidInputError: Vela is not installed, or prices only placements of its own choice on a part.
    """
    package_path()
    wanted = tuple(op for op in dict.fromkeys(operators) if op.weight_bytes <= MAX_WEIGHT_BYTES)
    chosen = next((system for system in systems if system.part.startswith("ethos-u85")), None)
    if chosen is not None:
        raise InvalidInputError(
            f"system {chosen.name!r}: expected a part that Vela prices in every placement, found an Ethos-U85; "
            "choose a system of Ethos-U55 or U65"
        )
    clocks = {system.name: system.clock for system in systems}
    tables: dict[str, dict[QuantisedOperator, dict[str, float]]] = {name: {} for name in clocks}
    jobs = list(_jobs(wanted, systems))
    for job, prices in zip(jobs, run_jobs(jobs), strict=True):
        for position, name, bits, cycles in prices:
            tables[name].setdefault(job.operators[position], {})[bits] = cycles / clocks[name]
    return {
        name: {op: placed for op, placed in table.items() if _is_whole(op, placed)} for name, table in tables.items()
    }


def _jobs(operators: tuple[QuantisedOperator, ...], systems: Sequence[System]) -> Iterable[Job]:
    for part in dict.fromkeys(system.part for system in systems):
        mine = tuple(system for system in systems if system.part == part)
        yield Job("", part, operators, (mine,) * len(operators))


def _is_whole(op: QuantisedOperator, placed: Placed) -> bool:
    """Whether every placement has a price, and none is free (Vela makes nothing of an operator that moves nothing)."""
    return len(placed) == 1 << (len(op.inputs) + bool(op.weights) + 1) and min(placed.values()) > 0.0
