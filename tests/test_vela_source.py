from __future__ import annotations

import configparser
import contextlib
import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memstow.cost_model.sources import vela, vela_legacy, vela_regor, vela_systems
from memstow.cost_model.sources.vela_operators import QuantisedOperator
from memstow.cost_model.sources.vela_shapes import zoo_operators
from memstow.cost_model.sources.vela_tflite import Network
from memstow.cost_model.sources.vela_worker import Job, run_jobs
from memstow.errors import InvalidInputError

needs_vela = pytest.mark.skipif(
    importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install memstow[vela]"
)
CONVOLUTION = QuantisedOperator(
    "CONV_2D", "int8", ((1, 16, 16, 32),), (1, 16, 16, 64), (64, 3, 3, 32), window=(3, 3), same=True
)
DEPTHWISE = QuantisedOperator(
    "DEPTHWISE_CONV_2D", "int8", ((1, 16, 16, 32),), (1, 8, 8, 32), (1, 3, 3, 32), (3, 3), (2, 2), same=True
)
ADDITION = QuantisedOperator("ADD", "int8", ((1, 16, 16, 64), (1, 16, 16, 64)), (1, 16, 16, 64))
PRODUCT = QuantisedOperator("BATCH_MATMUL", "int8", ((2, 32, 16), (2, 48, 16)), (2, 32, 48))


def system(name: str) -> vela_systems.System:
    return next(s for s in vela_systems.systems() if s.name == name)


def chain(operators: Sequence[QuantisedOperator]) -> bytes:
    """Each operator reads the result of the one before, as all of its operands."""
    network, rng = Network(), np.random.default_rng(0)
    last = network.input(operators[0].inputs[0])
    for op in operators:
        output = network.tensor(op.output)
        op.append_to(network, [last] * len(op.inputs), output, rng)
        last = output
    network.outputs.append(last)
    return network.serialise()


def test_the_facts_of_a_convolution() -> None:
    facts = CONVOLUTION.facts()
    assert (facts.batch, facts.m, facts.n, facts.k) == (1, 16 * 16, 64, 9 * 32)
    assert facts.matrix_flops == 2 * facts.m * facts.n * facts.k
    # Feature map, weights with a 4-byte bias per channel, result.
    assert [t.size_bytes for t in (*facts.operands, *facts.results)] == [8192, 64 * 9 * 32 + 64 * 4, 16384]


def test_the_facts_of_a_depthwise_convolution() -> None:
    facts = DEPTHWISE.facts()
    assert (facts.op_class, facts.batch, facts.m, facts.n, facts.k) == ("depthwise", 32, 64, 1, 9)
    assert facts.matrix_flops == 2 * 9 * math.prod(DEPTHWISE.output)


def test_the_facts_of_a_batched_product() -> None:
    facts = PRODUCT.facts()
    assert (facts.batch, facts.m, facts.n, facts.k) == (2, 32, 48, 16)
    assert facts.matrix_flops == 2 * 2 * 32 * 48 * 16


def test_the_zoos_shapes_are_found_without_its_weights() -> None:
    found = zoo_operators("vgg16", "full")
    first = next(op for op in found if op.code == "CONV_2D")
    assert (first.inputs, first.output, first.weights) == (((1, 224, 224, 3),), (1, 224, 224, 64), (64, 3, 3, 3))
    assert first.same
    largest = max(found, key=lambda op: op.weight_bytes)
    assert (largest.code, largest.weights) == ("FULLY_CONNECTED", (4096, 25088))
    assert len(set(found)) == len(found)


def test_without_vela_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match=r"pip install 'memstow\[vela\]'"):
        vela.VelaSource().provenance()


@needs_vela
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "4.0.0")
    with pytest.raises(InvalidInputError, match=r"expected ethos-u-vela 5\.2\.0, found 4\.0\.0"):
        vela.VelaSource().provenance()


@needs_vela
def test_the_systems_have_the_numbers_of_velas_file() -> None:
    accelerators = vela.VelaSource().provenance().accelerators
    # SRAM (16 GB/s) and DRAM (12 GB/s), 512 MACs at 1 GHz: the built-in description of the U65.
    part = accelerators["ethos-u65-512-client_server"]
    assert part.fast_memory.bandwidth == 16e9
    assert part.slow_memory.bandwidth == 12e9
    assert part.slow_memory.latency_seconds == 500e-9
    assert part.flops_per_second["int8"] == 1.024e12
    assert part.launch_overhead_seconds == 500e-9
    half = accelerators["ethos-u65-512-client_server-slow-x0.5"]
    assert half.slow_memory.bandwidth == 6e9
    assert half.fast_memory.bandwidth == 16e9


@needs_vela
def test_the_sum_of_priced_operators_is_velas_own_total(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vela schedules and places; the system that is installed for pricing gives its total of cycles again."""
    from ethosu.vela import npu_performance, scheduler
    from ethosu.vela import vela as main

    network = tmp_path / "network.tflite"
    network.write_bytes(chain([CONVOLUTION, ADDITION, CONVOLUTION_BACK, CONVOLUTION]))
    schedulers: list[Any] = []
    prepare = scheduler.Scheduler.__init__

    def remember(self: Any, *args: Any) -> None:
        prepare(self, *args)
        schedulers.append(self)

    totals: list[tuple[float, float]] = []
    estimate = npu_performance.calc_new_performance_for_network

    def compare(graph: Any, arch: Any, *args: Any, **kwargs: Any) -> None:
        estimate(graph, arch, *args, **kwargs)
        subgraph = schedulers[-1].sg
        compiled = vela_legacy.Compiled(arch, subgraph.schedule, subgraph.sched_ops)
        vela_legacy.install(arch, system("ethos-u65-256-high_end"))
        ours = vela_legacy.total_cycles(compiled, compiled.ops, in_order=True)
        totals.append((ours, float(graph.cycles[npu_performance.PassCycles.Total])))

    monkeypatch.setattr(scheduler.Scheduler, "__init__", remember)
    monkeypatch.setattr(npu_performance, "calc_new_performance_for_network", compare)
    options = ["--system-config", "Ethos_U65_High_End", "--memory-mode", "Dedicated_Sram", "--config", "Arm/vela.ini"]
    options += ["--accelerator-config", "ethos-u65-256", "--debug-force-legacy-core", "--output-dir", str(tmp_path)]
    # So little SRAM that some tensors are left beyond it.
    main.main([str(network), *options, "--arena-cache-size", "24576"])
    placed = {t.mem_area for op in schedulers[-1].sched_ops for t in (op.ifm.connection.parent_tens,)}
    assert len(placed) == 2
    assert totals
    for ours, total in totals:
        assert ours == pytest.approx(total, rel=1e-12)


CONVOLUTION_BACK = QuantisedOperator("CONV_2D", "int8", ((1, 16, 16, 64),), (1, 16, 16, 32), (32, 1, 1, 64), same=True)


@needs_vela
@pytest.mark.parametrize("arena", [0, 1 << 14, 1 << 30])
def test_the_u85s_operators_add_up_to_regors_total_in_velas_own_system(arena: int) -> None:
    from ethosu import regor

    part = system("ethos-u85-256-sys_dram_mid")
    network = vela_regor.network_of(CONVOLUTION)
    rows, total = vela_regor.compile_network(network, part, arena, "Dedicated_Sram")
    assert sum(int(row["op_cycles"]) for row in rows) == total
    original = "[architecture]\nmacs=256\ncores=1\n[vela]\nsystem_config_name=Ethos_U85_SYS_DRAM_Mid\n"
    original += "memory_mode_name=Dedicated_Sram\n" + vela_systems.config_path().read_text(encoding="utf-8")
    options = vela_regor._OPTIONS.format(arena=arena)
    report = regor.compile("EthosU85", network, "TFLITE", original, options=options, verbose=False).perf_report
    assert report.totalCycles == total


@needs_vela
def test_every_placement_is_priced() -> None:
    part = system("ethos-u55-128-high_end_embedded")
    jobs = [Job("tiny", part.part, (CONVOLUTION, ADDITION, PRODUCT), ((part,),) * 3)]
    with contextlib.closing(run_jobs(jobs)) as answers:
        (prices,) = answers
    # Vela's Python core has no product of two feature maps.
    assert {position for position, _, _, _ in prices} == {0, 1}
    for position in (0, 1):
        cycles = {bits: value for p, _, bits, value in prices if p == position}
        assert sorted(cycles) == [format(i, "03b") for i in range(8)]
        assert cycles["111"] < cycles["000"]
    # 16 x 16 x 64 bytes each; the slow memory moves one byte per cycle.
    assert {bits: value for p, _, bits, value in prices if p == 1}["000"] == 3 * 16 * 16 * 64


@needs_vela
def test_the_u85s_placements_are_those_that_regor_reports() -> None:
    part = system("ethos-u85-256-sys_dram_mid")
    jobs = [Job("tiny", part.part, (CONVOLUTION, PRODUCT), ((part,),) * 2)]
    with contextlib.closing(run_jobs(jobs)) as answers:
        (prices,) = answers
    for position in (0, 1):
        cycles = {bits: value for p, _, bits, value in prices if p == position}
        assert {"000", "111"} < set(cycles)
        assert cycles["111"] < cycles["000"]


@needs_vela
def test_a_failure_of_the_process_is_told() -> None:
    bad = Job("tiny", "ethos-u55-128", (CONVOLUTION,), ())
    with contextlib.closing(run_jobs([bad])) as answers, pytest.raises(RuntimeError, match="IndexError"):
        next(answers)


@needs_vela
def test_samples_of_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vela, "sizes_of", lambda program: ["tiny"])
    source, heard = vela.VelaSource(), []
    samples = list(source.collect("dlrm", lambda done, total: heard.append((done, total))))
    accelerators = source.provenance().accelerators
    assert heard[0][0] == 0
    assert heard[-1][0] == heard[-1][1] > 0
    assert {s.kernel.dtype for s in samples} == {"int8", "int16"}
    keys = {(s.accelerator, s.kernel.model_dump_json(), s.fast) for s in samples}
    assert len(keys) == len(samples)
    for sample in samples:
        assert sample.accelerator in accelerators
        assert len(sample.fast) == len(sample.kernel.operands) + len(sample.kernel.results)


@needs_vela
def test_the_sections_named_here_exist() -> None:
    config = configparser.ConfigParser()
    config.read(vela_systems.config_path())
    assert {f"System_Config.{s.section}" for s in vela_systems.systems()} <= set(config.sections())
