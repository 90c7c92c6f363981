"""What the source ``host`` measures and how it reads its clock, with a device of made-up speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from memstow.accelerator import load_accelerator
from memstow.cost_model.kernel import KernelFacts, TensorFacts
from memstow.cost_model.measurer import BuiltKernel, KernelArgument, Runs, Timing, check_placements, timings
from memstow.cost_model.samples import SampleSet
from memstow.cost_model.sources.host import HostKernel, HostSource
from memstow.cost_model.sources.host_placements import choose_placements
from memstow.errors import InvalidInputError

UNIT = load_accelerator("unit")
CACHE = UNIT.with_capacity(1000)


def facts(operands: Sequence[int], results: Sequence[int]) -> KernelFacts:
    """A kernel that accesses all bytes of tensors of these sizes."""

    def tensors(sizes: Sequence[int]) -> tuple[TensorFacts, ...]:
        return tuple(TensorFacts(size_bytes=size, bytes_accessed=size, dtype="int8", shape=(size,)) for size in sizes)

    return KernelFacts(op_class="elementwise", dtype="int8", operands=tensors(operands), results=tensors(results))


def kernel(name: str, operands: Sequence[int], results: Sequence[int], positions: tuple[int, ...]) -> HostKernel:
    arguments = tuple(KernelArgument((1,), "int8", 1) for _ in set(positions))
    return HostKernel(facts(operands, results), "tiny", BuiltKernel(Path("no.so"), name, arguments), positions)


@dataclass
class Device:
    """Takes the seconds of the kernel's name, and one more for each slow argument."""

    calls: list[tuple[str, Runs, tuple[str, ...]]] = field(default_factory=list)

    def measure(self, kernel: BuiltKernel, placements: Sequence[tuple[bool, ...]], runs: Runs) -> list[Timing]:
        check_placements(kernel, placements)
        self.calls.append((kernel.function, runs, tuple(digits(placement) for placement in placements)))
        return [Timing(float(kernel.function) + placement.count(False) * 0.001, 0.25) for placement in placements]


@dataclass
class Kernels:
    """A supply of given kernels."""

    given: list[HostKernel]

    def programs(self) -> list[str]:
        return ["model"]

    def kernels(self, program: str) -> list[HostKernel]:
        assert program == "model"
        return self.given


def digits(placement: Sequence[bool]) -> str:
    return "".join(str(int(fast)) for fast in placement)


def chosen(kernel: KernelFacts, positions: tuple[int, ...], capacity: int = 1000, limit: int = 8) -> list[str]:
    return [digits(placement) for placement in choose_placements(kernel, positions, capacity, limit)]


def source(*kernels: HostKernel) -> HostSource:
    return HostSource(Kernels(list(kernels)), Device(), lambda: CACHE)


def test_extremes_come_first_then_the_largest_tensor():
    assert chosen(facts([10, 30], [20]), (0, 1, 2)) == ["000", "111", "010", "101", "001", "110", "100", "011"]
    assert chosen(facts([10, 30], [20]), (0, 1, 2), limit=3) == ["000", "111", "010"]


def test_two_tensors_have_four_placements():
    assert chosen(facts([20], [10]), (0, 1)) == ["00", "11", "10", "01"]


def test_what_does_not_fit_into_half_the_cache_is_left_out():
    assert chosen(facts([400], [200]), (0, 1)) == ["00", "10", "01"]
    assert chosen(facts([600], [600]), (0, 1)) == ["00"]


def test_an_in_place_result_is_where_its_operand_is():
    # Argument 1 is operand 1 and the result.
    assert chosen(facts([10, 20], [20]), (0, 1, 1)) == ["000", "111", "011", "100"]


def test_tensors_without_accesses_are_not_varied():
    quiet = facts([10, 20], [20])
    untouched = quiet.operands[1].model_copy(update={"bytes_accessed": 0.0})
    some = quiet.model_copy(update={"operands": (quiet.operands[0], untouched)})
    assert chosen(some, (0, 1, 2)) == ["000", "111", "001", "110", "100", "011"]


def test_samples_have_the_seconds_of_their_placement():
    measured = source(kernel("0.01", [10], [20], (0, 1)))
    progress: list[tuple[int, int]] = []
    samples = list(measured.collect("model", lambda done, count: progress.append((done, count))))
    assert [(digits(s.fast), round(s.seconds, 6), s.noise) for s in samples] == [
        ("00", 0.012, 0.25), ("11", 0.01, 0.25), ("01", 0.011, 0.25), ("10", 0.011, 0.25)
    ]  # fmt: skip
    assert {(s.program, s.size_class, s.accelerator) for s in samples} == {("model", "tiny", "host")}
    assert progress == [(0, 1), (1, 1)]


def test_arguments_are_placed_by_position():
    # The kernel takes its result first.
    measured = source(kernel("0.01", [30], [20], (1, 0)))
    list(measured.collect("model", lambda done, count: None))
    assert measured.measurer.calls[1][2] == ("00", "11", "01", "10")
    assert chosen(facts([30], [20]), (1, 0)) == ["00", "11", "10", "01"]


def test_long_kernels_run_few_times_and_longer_ones_not_at_all():
    measured = source(kernel("0.5", [10, 10], [20], (0, 1, 2)), kernel("11", [10], [20], (0, 1)))
    samples = list(measured.collect("model", lambda done, count: None))
    assert [digits(sample.fast) for sample in samples] == ["000", "111"]
    assert [(name, runs.maximum) for name, runs, _ in measured.measurer.calls] == [("0.5", 1), ("0.5", 3), ("11", 1)]


def test_samples_can_be_kept(tmp_path):
    measured = source(kernel("0.01", [10], [20], (0, 1)))
    kept = SampleSet(measured.provenance(), tuple(measured.collect("model", lambda done, count: None)))
    kept.save(tmp_path / "host.csv.gz")
    assert SampleSet.load(tmp_path / "host.csv.gz") == kept
    assert kept.source == "host"


def test_timings_are_medians_and_quartile_distances():
    seconds = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0], [100.0, 5.0]])
    assert timings(seconds) == [Timing(3.0, (4.0 - 2.0) / 3.0), Timing(5.0, 0.0)]


def test_placements_must_fit():
    one = kernel("0", [10], [20], (0, 1)).built
    with pytest.raises(InvalidInputError, match=r"kernel '0': expected placements of its 2 arguments, found one of 3"):
        check_placements(one, [(True, True), (True, True, True)])
    with pytest.raises(InvalidInputError, match="found none"):
        check_placements(one, [])
