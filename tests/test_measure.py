"""Kernels in machine code, run here and over RPC. Nothing is said about how long they take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tvm
from tvm import rpc, te, tirx, topi
from tvm.script import tirx as T

from memstow.cost_model.measurer import BuiltKernel, Measurer, Runs, Timing
from memstow.errors import InvalidInputError
from memstow.native import core_function
from memstow.tvm_ext.cpu_schedule import host_target
from memstow.tvm_ext.measure import LocalMeasurer, RpcMeasurer, calibrate, host_source
from memstow.tvm_ext.measure.build_kernels import build_kernels, index_bounds, serial

ONE_CORE = host_target(cores=1)
SERVER = """
import tvm
from tvm.rpc.server import PopenRPCServerState
server = PopenRPCServerState("127.0.0.1", 9190, 9290, silent=True)
print(server.port, flush=True)
"""


def tensor(*shape: int, dtype: str = "float32", name: str = "x") -> te.Tensor:
    return te.placeholder([tirx.IntImm("int64", extent) for extent in shape], dtype=dtype, name=name)


def gather() -> tirx.PrimFunc:
    table, ids = tensor(10, 4, name="table"), tensor(6, dtype="int64", name="ids")
    return te.create_prim_func([table, ids, topi.take(table, ids, axis=0, mode="fast")])


@T.prim_func(s_tir=True)
def counter(count: T.Buffer((1,), "float32")):
    """Adds one at every run."""
    with T.sblock("count"):
        count[0] = count[0] + T.float32(1)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> dict[str, BuiltKernel]:
    kernels = {"gather": gather(), "counter": counter}
    return build_kernels(kernels, ONE_CORE, tmp_path_factory.mktemp("kernels") / "kernels.so")


@pytest.fixture(scope="module")
def session() -> Iterator[rpc.RPCSession]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield rpc.connect("127.0.0.1", int(server.stdout.readline()))
        finally:
            server.kill()


def check_measures(measurer: Measurer, built: dict[str, BuiltKernel]) -> None:
    """Two kernels of one library, in turns."""
    for name, arguments in (("gather", 3), ("counter", 1), ("gather", 3)):
        placements = [(False,) * arguments, (True,) * arguments]
        found = measurer.measure(built[name], placements, Runs(2, 3, 0.1))
        assert len(found) == 2
        assert all(0 < timing.seconds < 1 and timing.noise >= 0 for timing in found)


def test_local(built):
    check_measures(LocalMeasurer(), built)


def test_rpc(built, session):
    check_measures(RpcMeasurer(session), built)


def test_a_server_without_the_core_is_refused():
    class Session:
        def get_function(self, name: str) -> None:
            raise AttributeError(name)

    with pytest.raises(InvalidInputError, match=r"expected the function 'memstow\.measure\.time_kernel', found none"):
        RpcMeasurer(Session())


def test_the_kernel_runs_once_before_and_once_for_each_run_and_placement(built):
    count = tvm.runtime.tensor(np.zeros(1, dtype=np.float32))
    module = tvm.runtime.load_module(str(built["counter"].library))
    found = core_function("memstow.measure.time_kernel")(module, "counter", "0,1", 3, 4, 60.0, count)
    assert len(np.frombuffer(bytes(found))) == 2 * 4
    assert count.numpy()[0] == 1 + 2 * 4


@pytest.mark.parametrize(
    ("name", "digits", "message"),
    [("counter", "012", "expected 1 digits"), ("counter", "", "expected 1 digits"), ("other", "0", "no function")],
)
def test_bad_calls_are_refused(built, name, digits, message):
    count = tvm.runtime.tensor(np.zeros(1, dtype=np.float32))
    module = tvm.runtime.load_module(str(built["counter"].library))
    with pytest.raises(ValueError, match=message):
        core_function("memstow.measure.time_kernel")(module, name, digits, 1, 1, 1.0, count)


def test_indices_stay_inside_of_the_table(built):
    bounds = [argument.integer_bound for argument in built["gather"].arguments]
    assert bounds[1] == 10
    table, ids = tensor(10, 7, name="table"), tensor(6, dtype="int64", name="ids")
    converted = topi.take(table, topi.cast(ids, "int32"), axis=1, mode="fast")
    func = te.create_prim_func([table, ids, converted])
    assert list(index_bounds(func).values()) == [7]


def test_kernels_of_one_thread_have_no_parallel_loop():
    @T.prim_func(s_tir=True)
    def fill(x: T.Buffer((8,), "float32")):
        with T.sblock("fill"):
            for i in T.parallel(8):
                x[i] = T.float32(1)

    @T.prim_func(s_tir=True)
    def expected(x: T.Buffer((8,), "float32")):
        with T.sblock("fill"):
            for i in range(8):
                x[i] = T.float32(1)

    tvm.ir.assert_structural_equal(serial(fill).body, expected.body, map_free_vars=True)


class Constant:
    """Every run takes a millisecond."""

    def measure(self, kernel: BuiltKernel, placements: Sequence[tuple[bool, ...]], runs: Runs) -> list[Timing]:
        assert Path(kernel.library).is_file()
        return [Timing(0.001 if kernel.function != "empty" else 0.0005, 0.0) for _ in placements]


def test_calibration_divides_work_by_time():
    accelerator = calibrate(Constant(), ONE_CORE, cache_bytes=1 << 20)
    assert accelerator.flops_per_second == {"f32": pytest.approx(2 * 512**3 / 0.001, rel=1e-3)}
    # 4096 elements, 64 multiply-adds each, less the launch.
    assert accelerator.vector_flops_per_second == {"f32": pytest.approx(2 * 4096 * 64 / 0.0005, rel=1e-3)}
    assert accelerator.launch_overhead_seconds == 0.0005
    # 2 MiB are read and as many written.
    assert accelerator.slow_memory.bandwidth == pytest.approx(2 * (2 << 20) / 0.001, rel=1e-3)
    assert accelerator.capacity == 1 << 20


def test_every_kernel_of_a_model_is_measured():
    source = host_source(models=["dlrm"], sizes=["tiny"], measurer=Constant(), cache_bytes=1 << 20)
    samples = list(source.collect("dlrm", lambda done, count: None))
    assert {(s.program, s.size_class, s.seconds) for s in samples} == {("dlrm", "tiny", 0.001)}
    assert {s.kernel.op_class for s in samples} == {"matmul", "gather", "reduction", "copy", "elementwise"}
    assert all(len(s.fast) == len(s.kernel.operands) + len(s.kernel.results) for s in samples)
    assert source.provenance().made_by["apache-tvm"]
