"""A program as a graph: which instruction needs the data of which."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from .program import Program

if TYPE_CHECKING:
    import networkx

#: A node before the first instruction, so that every instruction has a predecessor.
SOURCE = -1


def dependency_graph(program: Program) -> networkx.DiGraph[int]:
    """Instruction times as nodes, dependencies as edges: ``(u, v)`` where v must come after u.

    That is where v reads or overwrites what u wrote, or overwrites what u read. Dependencies are those of storages, so
    members of an alias group depend on each other. Nodes carry ``name`` and ``opcode``, edges ``bytes``: what v
    accesses of the storages that link the two. The schedule ``0, 1, ..., N - 1`` is one topological order; any other is
    a schedule that computes the same.
    """
    import networkx

    graph: networkx.DiGraph[int] = networkx.DiGraph(name=program.name)
    for t, step in enumerate(program.instructions):
        graph.add_node(t, name=step.name, opcode=step.opcode)
    for storage in program.storages:
        accessed: dict[int, int] = defaultdict(int)
        for t, _, count in (*storage.reads, *storage.writes):
            accessed[t] += count
        reads = {t for t, _, count in storage.reads if count}
        writes = {t for t, _, count in storage.writes if count}
        producer: list[int] = []
        consumers: list[int] = []
        for t in sorted(reads | writes):
            for u in producer + (consumers if t in writes else []):
                _link(graph, u, t, accessed[t])
            if t in writes:
                producer, consumers = [t], []
            else:
                consumers.append(t)
    return graph


def critical_path_seconds(program: Program, seconds: list[float]) -> float:
    """Length of the longest chain of dependent instructions, each of which takes ``seconds[t]``.

    What is left of the program's time if everything that may run side by side did: the ratio of the two says how serial
    a program is.
    """
    import networkx

    if not program.instructions:
        return 0.0
    graph = dependency_graph(program)
    graph.add_edges_from((SOURCE, t) for t in range(len(program.instructions)))
    weighted = ((u, v, seconds[v]) for u, v in graph.edges)
    graph.add_weighted_edges_from(weighted, weight="seconds")
    return float(networkx.dag_longest_path_length(graph, weight="seconds"))


def _link(graph: networkx.DiGraph[int], u: int, v: int, count: int) -> None:
    known = graph.edges[u, v]["bytes"] if graph.has_edge(u, v) else 0
    graph.add_edge(u, v, bytes=known + count)
