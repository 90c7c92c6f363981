"""Vela's own price of operators in every placement, for Ethos-U55 and U65: runs in a process that it may leave dirty.

Vela's Python core is taken up to its initial schedule: optimised operators with block configurations and encoded
weights, before its scheduler decides what is buffered, cascaded or placed. Then its final performance estimate
(``npu_performance.estimate_full_op_performance``) is asked for every placement of the operators' tensors.
"""

from __future__ import annotations

import itertools
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .vela_operators import QuantisedOperator
from .vela_systems import Memory, System, config_path
from .vela_tflite import Network

#: Weights beyond this many are encoded for as many channels as this allows, and the length is scaled: random weights
#: compress alike everywhere, and encoding is most of the time.
_ENCODED_WEIGHTS = 1 << 15
#: What networks are compiled for: any configuration with DRAM, as prices are asked for after :func:`install`.
_SECTION = "Ethos_U65_Client_Server"
_NAME = re.compile(r"k(\d+)\.(in(\d+)|out)(_npu|_cpu)?$")
_PREFIX = re.compile(r"k(\d+)\.")


def network_of(operators: Sequence[QuantisedOperator], *, seed: int = 0) -> bytes:
    """A network in which every operator stands alone, tensors named ``k3.in0``, ``k3.out`` after its position."""
    network, rng = Network(), np.random.default_rng(seed)
    for i, op in enumerate(operators):
        inputs = [network.input(shape, op.dtype, name=f"k{i}.in{j}") for j, shape in enumerate(op.inputs)]
        # What a softmax puts out is quantised over 0..1, in a way that TFLite fixes.
        small = op.code == "SOFTMAX"
        scale, zero = (1 / 256, -128 if op.dtype == "int8" else 0) if small else (0.05, 0)
        output = network.tensor(op.output, op.dtype, name=f"k{i}.out", scale=scale, zero_point=zero)
        op.append_to(network, inputs, output, rng)
        network.outputs.append(output)
    return network.serialise()


@dataclass
class Compiled:
    """One subgraph with its architecture and initial schedule (Vela's own objects)."""

    arch: Any
    schedule: Any
    ops: list[Any]


def price(
    operators: Sequence[QuantisedOperator], part: str, systems: Sequence[Sequence[System]]
) -> Iterator[tuple[int, str, str, float]]:
    """``(operator's position, system's name, placement, cycles)``; an operator that the part lacks has none.

    ``systems`` has the systems of every operator, all of them with this part.

    A placement has a digit per feature map read, one for weights where there are any, and one for the result.
    """
    for positions, compiled in _compile_all(list(enumerate(operators)), part):
        for subgraph in compiled:
            for local, ops in _by_kernel(subgraph).items():
                position, operator = positions[local]
                for system in systems[position]:
                    install(subgraph.arch, system)
                    for bits, cycles in _every_placement(subgraph, ops, operator):
                        yield position, system.name, bits, cycles


def compile_network(network: bytes, part: str, section: str, mode: str = "Dedicated_Sram") -> list[Compiled]:
    """The initial schedule of every subgraph that the part runs."""
    # Vela's modules import each other in a circle that only its main module enters at a working place.
    from ethosu.vela import vela  # noqa: F401, I001
    from ethosu.vela import compiler_driver, extract_npu_subgraphs, graph_optimiser, mark_tensors, model_reader
    from ethosu.vela import pass_packing, scheduler, weight_compressor
    from ethosu.vela.architecture_features import ArchitectureFeatures
    from ethosu.vela.nn_graph import PassPlacement
    from ethosu.vela.rewrite_graph import visit_graph_post_order

    weight_compressor.CompressedWeightCache.cache.clear()
    _shorten_encoding(weight_compressor)
    arch = ArchitectureFeatures([str(config_path())], part, section, mode, 3, False, None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.tflite"
        path.write_bytes(network)
        graph, kind = model_reader.read_model(str(path), model_reader.ModelReaderOptions())
    for sg in graph.subgraphs:
        visit_graph_post_order(sg.output_tensors, arch, [], [compiler_driver._record_operator])
    graph = graph_optimiser.optimise_graph(graph, arch, kind, False, False)
    mark_tensors.mark_tensor_purpose(graph, arch, False)
    pass_packing.pack_into_passes(graph, arch, False)
    extract_npu_subgraphs.extract_npu_subgraphs(graph, arch)
    options = scheduler.SchedulerOptions(scheduler.OptimizationStrategy.Performance, 1 << 32, False, False)
    result = []
    for sg in graph.subgraphs:
        if sg.placement == PassPlacement.Npu:
            _use_bricks(sg, arch)
            plan = scheduler.Scheduler(graph, sg, arch, options)
            plan.create_scheduler_representation(arch)
            sg.sched_ops = plan.sched_ops
            result.append(Compiled(arch, plan.create_initial_schedule(), plan.sched_ops))
    return result


def _compile_all(
    operators: list[tuple[int, QuantisedOperator]], part: str
) -> Iterator[tuple[list[tuple[int, QuantisedOperator]], list[Compiled]]]:
    """All at once; where Vela fails on one operator, halves until that one is alone and left out."""
    try:
        compiled = compile_network(network_of([op for _, op in operators]), part, _SECTION)
    except (AssertionError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError):  # Vela's own checks
        half = len(operators) // 2
        for share in (operators[:half], operators[half:]) if half else ():
            yield from _compile_all(share, part)
        return
    yield operators, compiled


def _shorten_encoding(compressor: Any) -> None:
    if hasattr(compressor, "memstow_whole"):
        return
    whole = compressor.memstow_whole = compressor.encode_weights

    def encode(accelerator: Any, weights_volume: Any, *args: Any, **kwargs: Any) -> tuple[bytearray, int]:
        # The volume is HWIO here.
        channels, size = weights_volume.shape[-1], weights_volume.size
        block = kwargs.get("ofm_block_depth", 16)
        keep = max(block, _ENCODED_WEIGHTS * channels // max(size, 1) // block * block)
        if keep >= channels:
            stream, raw = whole(accelerator, weights_volume, *args, **kwargs)
            return stream, raw
        stream, raw = whole(accelerator, weights_volume[..., :keep], *args, **kwargs)
        length = -(-len(stream) * channels // keep)
        return bytearray(-(-length // 16) * 16), raw * channels // keep

    compressor.encode_weights = encode


def _use_bricks(subgraph: Any, arch: Any) -> None:
    """The format that Vela gives tensors between operators, which those that enter or leave a network cannot have."""
    from ethosu.vela.operation import Op
    from ethosu.vela.tensor import TensorFormat

    uses: dict[Any, list[tuple[Any, list[int]]]] = defaultdict(list)
    for ps in subgraph.passes:
        op = ps.primary_op
        if op is None:
            continue
        for tensor, shapes in ((op.ifm, ps.ifm_shapes[:1]), (op.ifm2, ps.ifm_shapes[1:]), (op.ofm, ps.ofm_shapes)):
            if tensor is not None and shapes:
                uses[tensor].append((op, list(shapes[0])))
    for tensor, users in uses.items():
        linear = any(
            op.type in (Op.Memcpy, Op.ReduceSum)
            or op.memory_function == Op.ConcatSliceWrite
            or list(tensor.shape) != shape
            or (op.type.is_elementwise_op() and shape[-1] % 16)
            for op, shape in users
        )
        if not linear and not tensor.is_const and _NAME.match(tensor.name):
            tensor.force_linear_format = False
            tensor.set_format(TensorFormat.NHCWB16, arch)


def _feature_maps(op: Any) -> list[Any]:
    return [fm.connection.parent_tens for fm in (op.ifm, op.ifm2, op.ofm) if fm is not None]


def _by_kernel(compiled: Compiled) -> dict[int, list[Any]]:
    """Vela's operators by the network's: through names, else through tensors that they share with a named one."""
    kernels: dict[int, list[Any]] = defaultdict(list)
    of_tensor: dict[Any, int] = {}
    pending, before = list(compiled.ops), -1
    while pending and len(pending) != before:
        before, rest = len(pending), []
        for op in pending:
            tensors = _feature_maps(op)
            named = (_PREFIX.match(t.name) for t in tensors)
            kernel = next(
                (int(m[1]) for m in named if m), next((of_tensor[t] for t in tensors if t in of_tensor), None)
            )
            if kernel is None:
                rest.append(op)
                continue
            of_tensor |= dict.fromkeys(tensors, kernel)
            kernels[kernel].append(op)
        pending = rest
    return kernels


def install(arch: Any, system: System) -> None:
    """Give Vela's architecture the memories of a system; its slow memory stands for all but SRAM."""
    from ethosu.vela.tensor import BandwidthDirection, MemArea

    def set_memory(area: Any, memory: Memory) -> None:
        arch.memory_bandwidths_per_cycle[area] = memory.bytes_per_cycle
        arch.memory_burst_length[area] = memory.burst
        arch.memory_latency[area][BandwidthDirection.Read] = memory.read_latency
        arch.memory_latency[area][BandwidthDirection.Write] = memory.write_latency

    set_memory(MemArea.Sram, system.fast)
    for area in (MemArea.Dram, MemArea.OffChipFlash):
        set_memory(area, system.slow)


def _every_placement(compiled: Compiled, ops: list[Any], operator: QuantisedOperator) -> Iterator[tuple[str, float]]:
    from ethosu.vela.tensor import MemArea

    slots = len(operator.inputs) + bool(operator.weights) + 1
    tensors: list[list[Any]] = [[] for _ in range(slots)]
    for tensor in {t for op in ops for t in _feature_maps(op)}:
        match = _NAME.match(tensor.name)
        if match:
            tensors[int(match[3]) if match[3] else -1].append(tensor)
        elif not tensor.is_const:
            tensor.mem_area = MemArea.Sram  # what a kernel keeps between its steps
    if operator.weights:
        costs = [compiled.schedule.cost_map[op] for op in ops]
        tensors[-2] = [t for cost in costs if (t := cost.npu_weights_tensor) is not None]
    if not all(tensors):
        return  # Vela folded an operand away: what it prices is another kernel
    for bits in itertools.product((False, True), repeat=slots):
        for slot, fast in zip(tensors, bits, strict=True):
            for tensor in slot:
                tensor.mem_area = MemArea.Sram if fast else MemArea.Dram
        yield "".join(str(int(bit)) for bit in bits), total_cycles(compiled, ops)


def total_cycles(compiled: Compiled, ops: Iterable[Any], *, in_order: bool = False) -> float:
    """Vela's estimate of operators; unless ``in_order``, none of them hides a transfer of the next."""
    from ethosu.vela.npu_performance import PassCycles, estimate_full_op_performance

    total, before = 0.0, None
    for op in ops:
        block = compiled.schedule.cost_map[op].block_config
        _, _, cycles = estimate_full_op_performance(compiled.arch, compiled.schedule, op, before, block)
        total += float(cycles[PassCycles.Total])
        before = op if in_order else None
    return total


def with_dtype(operators: Iterable[QuantisedOperator], dtype: str) -> list[QuantisedOperator]:
    """The same operators on another element type."""
    return [replace(op, dtype=dtype) for op in operators]
