"""The order in which storages get their turn: memory boundedness (``buffer_interval_comparator.cc``)."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .costs import Costs
from .options import Options
from .values import Tenant, Value


def memory_boundedness(tenant: Tenant, costs: Costs, options: Options) -> float:
    """Seconds saved by fast memory over all accesses, per square root of a byte (``GetMemoryBoundedness``).

    Each value of a storage starts from the benefit of its definition and adds those of every use of the storage; an
    access that is compute bound counts only while nothing gains. The highest value's number is the storage's.
    """
    uses = [
        costs.benefit(use.time, use.operand_bytes)
        for value in tenant.values
        for use in value.uses
        if use.time < costs.length
    ]
    best = max(_accumulated(_definition_benefit(value, tenant, costs), uses) for value in tenant.values)
    return best / math.sqrt(tenant.size) if options.scale_benefit_by_size else best


def in_turn(tenants: Iterable[Tenant], costs: Costs, options: Options) -> list[Tenant]:
    """Tenants by falling boundedness, then the larger, the longer-lived, the earlier finished, the earlier started."""

    def key(tenant: Tenant) -> tuple[float, int, int, int, int, int]:
        start, end = _live_range(tenant, costs.length)
        last = max(tenant.use_times, default=0)
        return -memory_boundedness(tenant, costs, options), -tenant.size, start - end, last, start, tenant.storage

    return sorted(tenants, key=key)


def _definition_benefit(value: Value, tenant: Tenant, costs: Costs) -> float:
    if value is tenant.values[0] and tenant.starts_slow:
        return 0.0
    return costs.benefit(value.defined, value.written_bytes)


def _accumulated(benefit: float, uses: list[float]) -> float:
    for use in uses:
        benefit = benefit + use if benefit > 0.0 and use > 0.0 else max(benefit, use)
    return benefit


def _live_range(tenant: Tenant, length: int) -> tuple[int, int]:
    """What exists before the program counts as live throughout (``HloLiveRange`` on entry parameters)."""
    first = tenant.values[0]
    if first.defined < 0:
        return 0, length
    return first.defined, max(tenant.use_times, default=first.defined)
