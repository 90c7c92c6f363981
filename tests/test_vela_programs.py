"""Programs of quantised operators, and Vela's prices of them.

The dataflow of :class:`Block` is worked out by hand: see its docstring.
"""

from __future__ import annotations

import importlib.util
import itertools

import pytest
import torch

from memstow.accelerator import Accelerator, load_accelerator
from memstow.cost_model.kernel import KernelFacts
from memstow.cost_model.sources.vela_operators import QuantisedOperator
from memstow.cost_model.sources.vela_prices import VelaPrices, price_operators
from memstow.cost_model.sources.vela_programs import OperatorProgram, Trace, to_program, trace_model, trace_module
from memstow.cost_model.sources.vela_systems import systems
from memstow.errors import InvalidInputError
from memstow.planners import Effort, Problem, get
from memstow.program import Program
from memstow.simulator import simulate
from memstow.validator import validate

needs_vela = pytest.mark.skipif(
    importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install memstow[vela]"
)


class Block(torch.nn.Module):
    """``relu_(fc(x) + fc(x).gather())`` in pieces, rows of 16.

    ====  ===============  =====================  ======
    time  operator         reads                  writes
    ====  ===============  =====================  ======
    0     FULLY_CONNECTED  x, weight              h
    1     ADD              h, g                   s
    2     RELU, in place   s                      s'
    3     MUL              upper half of s', s'   m
    ====  ===============  =====================  ======

    ``g`` is h with its rows in another order, which stays with the host: h is an output and g an input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(16, 16, device="meta")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.fc(x)
        s = h + h.flip(0)
        s.relu_()
        return s[:4] * s.view(2, 4, 16)[1]


def unit() -> Accelerator:
    return load_accelerator("ethos_u65")


def traced() -> Trace:
    return trace_module("block", Block(), (torch.empty(8, 16, device="meta"),))


def program_of(trace: Trace, without: tuple[str, ...] = ()) -> OperatorProgram:
    return to_program(trace, unit(), {op for op in trace.operators if op.code not in without})


def flow(program: Program) -> list[tuple[str, list[str], str]]:
    """Every instruction with the storages that it reads and the one that it writes, named by kind and order."""
    names: dict[int, str] = {}

    def name(buffer: int) -> str:
        storage = program.storage_of[buffer]
        kind = next(b.kind for b in program.buffers if b.id == buffer)
        return names.setdefault(storage, f"{kind}{len(names)}")

    return [
        (step.opcode, [name(o.buffer) for o in step.operands], name(step.results[0].buffer))
        for step in program.instructions
    ]


def test_the_dataflow_of_a_block() -> None:
    assert flow(program_of(traced()).program) == [
        ("FULLY_CONNECTED", ["input0", "parameter1"], "output2"),
        ("ADD", ["output2", "input3"], "intermediate4"),
        ("RELU", ["intermediate4"], "intermediate5"),
        ("MUL", ["intermediate5", "intermediate5"], "output6"),
    ]


def test_views_of_other_sizes_share_a_place() -> None:
    program = program_of(traced()).program
    halves = [o.buffer for o in program.instructions[3].operands]
    written = program.instructions[2].results[0].buffer
    sizes = [program.buffer_by_id[buffer].size_bytes for buffer in (written, *halves)]
    assert sizes == [8 * 16, 4 * 16, 4 * 16]
    assert len({program.storage_of[buffer] for buffer in (written, *halves)}) == 1


def test_an_operator_that_the_part_lacks_stays_with_the_host() -> None:
    found = program_of(traced(), without=("ADD",))
    assert [op.code for op in found.left_out] == ["ADD"]
    assert flow(found.program) == [
        ("FULLY_CONNECTED", ["input0", "parameter1"], "output2"),
        ("RELU", ["input3"], "intermediate4"),
        ("MUL", ["intermediate4", "intermediate4"], "output5"),
    ]


def test_the_dataflow_of_a_layer_norm() -> None:
    module = torch.nn.LayerNorm(16, device="meta")
    program = program_of(trace_module("norm", module, (torch.empty(8, 16, device="meta"),))).program
    assert flow(program) == [
        ("MEAN", ["input0"], "intermediate1"),
        ("SUB", ["input0", "intermediate1"], "intermediate2"),
        ("MUL", ["intermediate2", "intermediate2"], "intermediate3"),
        ("MEAN", ["intermediate3"], "intermediate4"),
        ("RSQRT", ["intermediate4"], "intermediate5"),
        ("MUL", ["intermediate2", "intermediate5"], "intermediate6"),
        ("MUL", ["intermediate6", "parameter7"], "intermediate8"),
        ("ADD", ["intermediate8", "parameter9"], "output10"),
    ]


@pytest.mark.parametrize("model", ["mobilenet_v2", "gpt2", "gpt2_train", "unet", "dlrm"])
def test_a_model_of_the_zoo(model: str) -> None:
    trace = trace_model(model, "tiny")
    found = program_of(trace)
    program = found.program
    assert len(program.instructions) == len(found.operators) == len(trace.steps)
    sizes = {buffer.id: buffer.size_bytes for buffer in program.buffers}
    for step, op in zip(program.instructions, found.operators, strict=True):
        assert KernelFacts.from_instruction(step, sizes) == op.facts()
    assert {buffer.kind for buffer in program.buffers} >= {"parameter", "input", "output"}


def test_the_instructions_of_mobilenet() -> None:
    """52 convolutions, each normalised by two operators, 35 of them with an activation; 10 additions, mean, classifier.

    Paddings of 1x1 convolutions pad nothing and are no operators.
    """
    codes = [step.operator.code for step in trace_model("mobilenet_v2", "tiny").steps]
    assert codes.count("CONV_2D") + codes.count("DEPTHWISE_CONV_2D") == 52
    assert len(codes) - codes.count("PAD") == 52 * 3 + 35 + 10 + 1 + 1
    assert 0 < codes.count("PAD") <= codes.count("DEPTHWISE_CONV_2D") + 1


@needs_vela
def test_every_operator_of_a_program_has_velas_price() -> None:
    system = next(s for s in systems() if s.name == "ethos-u55-128-high_end_embedded")
    trace = trace_model("whisper_encoder", "tiny")
    table = price_operators(trace.operators, [system])[system.name]
    found = to_program(trace, system.accelerator(), table)
    assert {op.code for op in found.left_out} == {"BATCH_MATMUL"}
    prices = VelaPrices(found, table)
    for t, step in enumerate(found.program.instructions):
        for fast in itertools.product((False, True), repeat=len(step.operands) + 1):
            assert prices.seconds(t, fast[:-1], fast[-1:]) > 0.0
    addition = next(t for t, op in enumerate(found.operators) if op.code == "ADD")
    step = found.program.instructions[addition]
    moved = sum(entry.bytes_accessed for entry in (*step.operands, *step.results))
    slow = prices.seconds(addition, [False] * len(step.operands), [False])
    assert slow >= moved / (system.slow.bytes_per_cycle * system.clock)


@needs_vela
def test_a_plan_with_velas_prices_is_valid_and_faster() -> None:
    system = next(s for s in systems() if s.name == "ethos-u65-256-high_end")
    trace = trace_model("gpt2", "tiny")
    table = price_operators(trace.operators, [system])[system.name]
    found = to_program(trace, system.accelerator(), table)
    prices, accelerator = VelaPrices(found, table), system.accelerator().with_capacity(1 << 14)
    plan = get("greedy").plan(Problem(found.program, accelerator, prices), Effort(iterations=1), seed=0)
    assert not validate(found.program, accelerator, plan)
    slow = sum(prices.seconds(t, [False] * len(s.operands), [False]) for t, s in enumerate(found.program.instructions))
    assert simulate(found.program, accelerator, plan, prices).total_seconds < slow


@needs_vela
def test_a_part_that_chooses_its_placements_is_refused() -> None:
    system = next(s for s in systems() if s.part == "ethos-u85-256")
    with pytest.raises(InvalidInputError, match=r"expected a part that Vela prices in every placement, found an Ethos"):
        price_operators([], [system])


def test_an_operator_without_a_price_is_told() -> None:
    found = program_of(traced())
    table: dict[QuantisedOperator, dict[str, float]] = {found.operators[0]: {}}
    with pytest.raises(InvalidInputError, match=r"'block': expected a price of Vela for every operator, .* for ADD of"):
        VelaPrices(found, table)
