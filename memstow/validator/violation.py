"""The finding of the validator and the words in which findings name things."""

from __future__ import annotations

from dataclasses import dataclass

from ..program import Program, Storage


@dataclass(frozen=True)
class Violation:
    """One broken rule of plan validity.

    Attributes:
        rule: 1..7 as numbered in ``docs/semantics.md``; 0 for a reference that the program does not know.
        message: the buffer by name and id, the times and offsets, what was expected and what was found.
        instruction: the instruction time concerned, where there is one.
        buffer: the id of the buffer concerned, where there is one.
    """

    rule: int
    message: str
    instruction: int | None = None
    buffer: int | None = None

    def to_dict(self) -> dict[str, int | str | None]:
        """The violation as JSON-ready values."""
        return {"rule": self.rule, "message": self.message, "instruction": self.instruction, "buffer": self.buffer}

    def __str__(self) -> str:
        return f"rule {self.rule}: {self.message}"


def name_buffer(program: Program, buffer: int) -> str:
    """A buffer's name and id for a message."""
    return f"buffer {program.buffer_by_id[buffer].name!r} (id {buffer})"


def name_storage(storage: Storage) -> str:
    """A storage's representative for a message, with the number of other alias-group members."""
    member = storage.representative
    others = len(storage.members) - 1
    group = f", alias group of {others + 1}" if others else ""
    return f"buffer {member.name!r} (id {member.id}{group})"


def name_instruction(program: Program, time: int) -> str:
    """An instruction's time and name for a message."""
    return f"instruction {time} ({program.instructions[time].name!r})"
