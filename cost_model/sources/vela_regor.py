"""Vela's own price of operators for Ethos-U85, whose compiler core (regor) is C++ and cannot be asked for a placement.

Each operator gets a network of its own, between operators that make its feature maps intermediate. Regor places those;
how much SRAM it may use decides which, and a memory mode decides where weights are. What it reports of where tensors
are is what a price is filed under, so that only placements that it was brought to choose have a price.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .vela_operators import QuantisedOperator
from .vela_systems import System, config_path
from .vela_tflite import Network

#: A plain operation on one feature map, which no optimisation of Vela's removes.
_NEIGHBOUR = "ABS"
#: Weights beyond this many bytes are left out: regor encodes them anew for every amount of SRAM.
MAX_WEIGHT_BYTES = 144 << 10
#: Strides beyond what the part has are taken apart into many steps, which takes regor seconds.
_MAX_STRIDE = 3
_UNLIMITED = 1 << 30
_WEIGHTS_FAST = "memstow_fast_weights"
_OPTIONS = """\
[compiler]
enable_db=true
output_format=TFLite
cop_format=COP1
[scheduler]
optimize=Performance
arena_size_limit={arena}
disable_feature=Grouping|FWD|Cascading|WeightBuffering|ReuseIFM
cpu_tensor_alignment=16
"""
#: Table of a compiled network: rows by their columns' names.
Rows = list[dict[str, str]]


def price(
    operators: Sequence[QuantisedOperator], part: str, systems: Sequence[Sequence[System]]
) -> Iterator[tuple[int, str, str, float]]:
    """``(operator's position, system's name, placement, cycles)`` as :func:`.vela_legacy.price` has them."""
    for position, operator in enumerate(operators):
        if operator.weight_bytes > MAX_WEIGHT_BYTES or max(operator.strides) > _MAX_STRIDE:
            continue
        network = network_of(operator)
        for system in systems[position]:
            for bits, cycles in _placements(operator, network, system).items():
                yield position, system.name, bits, cycles


def network_of(operator: QuantisedOperator) -> bytes:
    """The operator with feature maps ``in0``, ... and ``out``, each between it and a neighbour."""
    network, inputs = Network(), []
    for j, shape in enumerate(operator.inputs):
        given = network.input(shape, operator.dtype, name=f"given{j}")
        inputs.append(network.tensor(shape, operator.dtype, name=f"in{j}"))
        network.operator(_NEIGHBOUR, [given], [inputs[-1]])
    small = operator.code == "SOFTMAX"
    scale, zero = (1 / 256, -128 if operator.dtype == "int8" else 0) if small else (0.05, 0)
    output = network.tensor(operator.output, operator.dtype, name="out", scale=scale, zero_point=zero)
    operator.append_to(network, inputs, output, np.random.default_rng(0))
    network.outputs.append(network.tensor(operator.output, operator.dtype, name="post", scale=scale, zero_point=zero))
    network.operator(_NEIGHBOUR, [output], network.outputs)
    return network.serialise()


def compile_network(network: bytes, system: System, arena: int, mode: str) -> tuple[Rows, int]:
    """The performance of every operator that the part runs, and regor's total of cycles.

    Raises:
        RuntimeError: regor gives up.
    """
    from ethosu import regor

    options = _OPTIONS.format(arena=arena)
    model = regor.compile("EthosU85", network, "TFLITE", _description(system, mode), options=options, verbose=False)
    tables = model.opt_database.tables
    if "perf" not in tables or "perf_debug" not in tables:
        return [], 0
    detail = {row[0]: dict(zip(tables["perf_debug"].header, row, strict=True)) for row in tables["perf_debug"].data}
    rows = [dict(zip(tables["perf"].header, row, strict=True)) for row in tables["perf"].data]
    return [detail.get(row["id"], {}) | row for row in rows], int(model.perf_report.totalCycles)


def _placements(operator: QuantisedOperator, network: bytes, system: System) -> Mapping[str, float]:
    width = 1 if operator.dtype == "int8" else 2
    sizes = [-(-math.prod(shape) * width // 16) * 16 for shape in (*operator.inputs, operator.output)]
    sums = {sum(some) for n in range(len(sizes)) for some in itertools.combinations(sizes, n)}
    found: dict[str, float] = {}
    for mode in ("Dedicated_Sram", _WEIGHTS_FAST) if operator.weights else ("Dedicated_Sram",):
        for arena in sorted({*sums, _UNLIMITED}):
            try:
                rows, _ = compile_network(network, system, arena, mode)
            except RuntimeError:
                return {}
            placed = placement_of(rows, operator, weights_fast=mode == _WEIGHTS_FAST)
            if placed is not None:
                found.setdefault(*placed)
    return found


def placement_of(rows: Rows, operator: QuantisedOperator, *, weights_fast: bool) -> tuple[str, float] | None:
    """Where the operator's tensors are and what it takes; ``None`` if its steps are not apart from its neighbours."""
    rows = [row for row in rows if row.get("ifm_memory")]  # the others are fused into one of these
    # A transpose that a matrix product wants of an operand is fused into what makes that operand.
    by_name = {row["name"].partition("/")[0]: row for row in rows}
    before = [by_name.get(f"in{j}") for j in range(len(operator.inputs))]
    after = by_name.get("post")
    steps = [row for row in rows if row is not after and row not in before]
    if after is None or not steps or any(row is None for row in before):
        return None
    # What a kernel keeps between its steps is in fast memory, as it is for the other parts.
    if any(step["name"] != "out" and step.get("ofm_memory", "Sram") not in ("Sram", "") for step in steps):
        return None
    bits = [row["ofm_memory"] == "Sram" for row in before if row is not None]
    if operator.weights:
        bits.append(weights_fast)
    bits.append(after["ifm_memory"] == "Sram")
    cycles = float(sum(int(step["op_cycles"]) for step in steps))
    return ("".join(str(int(bit)) for bit in bits), cycles) if cycles > 0 else None


def _description(system: System, mode: str) -> str:
    """Vela's configuration file with the system under a name of its own and a mode that has weights in SRAM."""
    text = config_path().read_text(encoding="utf-8")
    section = text.split(f"[System_Config.{system.section}]")[1].split("\n[")[0].split("\n;")[0]
    lines = []
    for line in section.strip().splitlines():
        key, _, value = line.partition("=")
        if key in ("Dram_clock_scale", "OffChipFlash_clock_scale"):
            value = repr(float(value) * system.slow_factor)
        # Flash that holds feature maps is RAM of the same speed; see the systems.
        if key == "OffChipFlash_write_latency":
            value = str(system.slow.write_latency)
        if key == "OffChipFlash_max_writes":
            value = "2"
        lines.append(f"{key}={value}".replace("OffChipFlash", "Dram"))
    header = f"[architecture]\nmacs={system.part.rsplit('-', 1)[1]}\ncores=1\n"
    header += f"[vela]\nsystem_config_name=memstow\nmemory_mode_name={mode}\n"
    fast = f"[Memory_Mode.{_WEIGHTS_FAST}]\nconst_mem_area=Axi0\narena_mem_area=Axi1\ncache_mem_area=Axi0\n"
    return "\n".join([header, "[System_Config.memstow]", *lines, "", fast, text])
