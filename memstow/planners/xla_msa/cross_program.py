"""Buffers that stay in fast memory from one run of the program to the next (``AllocateCrossProgramPrefetchBuffer``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...program import Instruction, Program
from .values import Tenant
from .workspace import Stay, Workspace

#: Opcodes whose operand XLA takes for an activation (``LooksLikeAnActivation``): what only moves or converts data.
_MOVES_DATA = frozenset({"copy", "slice", "reshape", "pad", "convert", "concatenate"})


def candidates(program: Program, tenants: Mapping[int, Tenant]) -> list[Tenant]:
    """Parameters that are read, never written and no output: the largest first, then those done and used first.

    XLA also leaves out what looks like an activation from the operations inside fusions. A program here does not show
    them; left out instead are inputs, parameters that an instruction copies, slices or converts, and weights that are
    updated: read by an instruction that makes an output of the same size. Among equal sizes XLA prefers uses that write
    more elements, which a program does not count.
    """
    found = []
    for tenant in tenants.values():
        kinds = {member.kind for member in program.storages[tenant.storage].members}
        uses = tenant.values[0].uses
        if kinds != {"parameter"} or len(tenant.values) > 1 or not uses:
            continue
        if not any(_looks_like_activation(program, program.instructions[use.time], tenant.size) for use in uses):
            found.append(tenant)
    return sorted(found, key=lambda tenant: _rank(program, tenant))


def place_cross_program(workspace: Workspace, ranked: Iterable[Tenant], limit: int, pressure: int) -> list[Stay]:
    """Commit stays for the first ``limit`` candidates that fit during the whole program.

    ``pressure`` is the sum of all buffers' bytes: only where it exceeds the capacity is a block freed after its last
    use, and then XLA brings the data in again before the program ends.
    """
    stays: list[Stay] = []
    for tenant in ranked:
        if len(stays) >= limit:
            break
        offset = workspace.heap.best_fit(tenant.size, [(0, workspace.costs.length)])
        if offset is None:
            continue
        stay = _stay(workspace, tenant, offset, frees=pressure > workspace.heap.capacity)
        workspace.open_stay(stay)
        first = tenant.values[0].uses[0].time
        workspace.add_prefetch(-1, first, 0.0, 0)
        if stay.refill is not None and workspace.options.refill_cross_program:
            workspace.add_prefetch(stay.refill - 1, workspace.costs.length, 0.0, stay.refill)
        workspace.commit()
        stays.append(stay)
    return stays


def memory_pressure(tenants: Iterable[Tenant]) -> int:
    """Bytes of all values that may be placed."""
    return sum(tenant.size * len(tenant.values) for tenant in tenants)


def _looks_like_activation(program: Program, step: Instruction, size: int) -> bool:
    made = (program.buffer_by_id[entry.buffer] for entry in step.results)
    return step.opcode in _MOVES_DATA or any(b.kind == "output" and b.size_bytes == size for b in made)


def _rank(program: Program, tenant: Tenant) -> tuple[int, int, int, int]:
    first = tenant.use_times[0]
    position = min(k for t, k, _ in program.storages[tenant.storage].reads if t == first)
    return -tenant.size, tenant.use_times[-1], first, position


def _stay(workspace: Workspace, tenant: Tenant, offset: int, *, frees: bool) -> Stay:
    """The stay, freed after its last use where that leaves the block free for a good part of the program."""
    costs, length = workspace.costs, workspace.costs.length
    times = [use.time for use in tenant.values[0].uses]
    last = times[-1]
    refill = workspace.picker.preferred_start(tenant.size, last, length - 1, length)
    occupied = max(costs.between(refill, length), costs.copy_seconds(tenant.size)) + costs.between(-1, last)
    total = costs.between(-1, length)
    worthwhile = occupied < workspace.options.cross_program_free_limit * total
    stay = Stay(tenant.storage, tenant.size, offset, -1, length, prefetch=(-1, 0), served=set(times))
    may_return = workspace.open_prefetches.allows(refill, length)
    if frees and worthwhile and may_return and last < refill < length:
        stay.end = last
        stay.refill = refill
    return stay
