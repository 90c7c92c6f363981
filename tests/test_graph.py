from __future__ import annotations

import networkx
import pytest
from hypothesis import given
from strategies import programs

from memstow.graph import critical_path_seconds, dependency_graph
from memstow.program import Buffer, Instruction, Operand, Program


def instruction(name: str, operands: list[int], results: list[int]) -> Instruction:
    return Instruction(
        name=name,
        compute_seconds=1.0,
        operands=tuple(Operand(buffer=b, bytes_accessed=4) for b in operands),
        results=tuple(Operand(buffer=b, bytes_accessed=4) for b in results),
    )


def buffer(number: int, kind: str, defined: int, uses: list[int], group: int | None = None) -> Buffer:
    return Buffer(
        id=number,
        name=f"b{number}",
        size_bytes=4,
        kind=kind,
        definition_time=defined,
        use_times=uses,
        alias_group=group,
    )


# x -> 0 -> a;  a -> 1 -> b;  a -> 2 -> c;  b, c -> 3 -> out: a diamond.
DIAMOND = Program(
    name="diamond",
    instructions=(
        instruction("top", [0], [1]),
        instruction("left", [1], [2]),
        instruction("right", [1], [3]),
        instruction("bottom", [2, 3], [4]),
    ),
    buffers=(
        buffer(0, "input", -1, [0]),
        buffer(1, "intermediate", 0, [1, 2]),
        buffer(2, "intermediate", 1, [3]),
        buffer(3, "intermediate", 2, [3]),
        buffer(4, "output", 3, []),
    ),
)

# 0 writes a, 1 reads it, 2 overwrites it in place (buffer 2 of the same group), 3 reads the new content.
OVERWRITE = Program(
    name="overwrite",
    instructions=(
        instruction("write", [], [0]),
        instruction("read", [0], [1]),
        instruction("overwrite", [0], [2]),
        instruction("read again", [2], [3]),
    ),
    buffers=(
        buffer(0, "intermediate", 0, [1, 2], 7),
        buffer(1, "output", 1, []),
        buffer(2, "intermediate", 2, [3], 7),
        buffer(3, "output", 3, []),
    ),
)


@pytest.mark.parametrize(
    ("program", "edges"),
    [
        (DIAMOND, {(0, 1): 4, (0, 2): 4, (1, 3): 4, (2, 3): 4}),
        # 2 reads 4 bytes and writes 4; it must come after 1, which reads what it overwrites.
        (OVERWRITE, {(0, 1): 4, (0, 2): 8, (1, 2): 8, (2, 3): 4}),
    ],
)
def test_edges(program, edges):
    graph = dependency_graph(program)
    assert {(u, v): count for u, v, count in graph.edges(data="bytes")} == edges
    assert [graph.nodes[t]["name"] for t in sorted(graph)] == [step.name for step in program.instructions]


@pytest.mark.parametrize(
    ("program", "seconds", "expected"),
    [
        (DIAMOND, [1.0, 5.0, 2.0, 1.0], 1 + 5 + 1),
        (DIAMOND, [1.0, 0.0, 2.0, 1.0], 1 + 2 + 1),
        (OVERWRITE, [1.0, 1.0, 1.0, 1.0], 4),
    ],
)
def test_the_critical_path(program, seconds, expected):
    assert critical_path_seconds(program, seconds) == expected


def test_an_empty_program_has_no_path():
    assert critical_path_seconds(Program(name="empty", instructions=(), buffers=()), []) == 0.0


@given(programs())
def test_edges_lead_forward_and_the_path_lies_between_one_instruction_and_all(program):
    graph = dependency_graph(program)
    assert all(u < v for u, v in graph.edges)
    assert networkx.is_directed_acyclic_graph(graph)
    seconds = [step.compute_seconds + 1.0 for step in program.instructions]
    path = critical_path_seconds(program, seconds)
    assert max(seconds, default=0.0) <= path <= sum(seconds) * (1 + 1e-12)
