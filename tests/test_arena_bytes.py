"""Arena bytes with unlimited fast memory: never more than TVM's own ``StaticPlanBlockMemory`` takes."""

from __future__ import annotations

import benchmark_modules
import pytest
from relax_modules import Diamond

from memstow import models
from memstow.accelerator import load_accelerator
from memstow.tvm_ext.compiler import lower
from memstow.tvm_ext.cpu_schedule import host_target
from memstow.tvm_ext.frontend import export_model, import_exported

zoo_arena = benchmark_modules.load("zoo_arena")

#: Alignments of 4096 and, for host kernels, 64 bytes.
ACCELERATORS = ("tpu_v5e", "ethos_u85")


@pytest.mark.parametrize("name", models.names())
def test_never_larger_than_tvms(name):
    module, inputs = models.build(name, "tiny", shapes_only=True)
    lowered = lower(import_exported(export_model(module, inputs, name=name), name=name), host_target())
    theirs = zoo_arena.tvm_arena(lowered)
    for accelerator in ACCELERATORS:
        ours = zoo_arena.planned_arena(lowered, load_accelerator(accelerator))
        assert ours.tensors == theirs.tensors
        assert ours.alive_bytes <= ours.total <= theirs.total(ours.alignment)
        if ours.alignment == 64:
            assert ours.total <= theirs.total()


def test_both_by_hand():
    # Besides the output there are a, b and c of 256 bytes. The third kernel writes c, reads b, and a is needed after
    # it: all three are alive then.
    theirs = zoo_arena.tvm_arena(Diamond)
    assert theirs == zoo_arena.TvmArena((256, 256, 256), 3)
    ours = zoo_arena.planned_arena(Diamond, load_accelerator("unit"))
    assert (ours.total, ours.alive_bytes, ours.tensors, ours.kernels) == (768, 768, 3, 4)


def test_storages_are_rounded_up_one_by_one():
    # 100 -> 128, 128 -> 128, 1 -> 64.
    assert zoo_arena.TvmArena((100, 128, 1), 3).total(64) == 320
    assert zoo_arena.TvmArena((100, 128, 1), 3).total() == 229
