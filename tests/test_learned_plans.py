"""Everything that plans, proves, simulates and tells, under a learned cost model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from random import Random

import numpy as np
import pytest

from memstow import planners
from memstow.accelerator import load_accelerator
from memstow.bench import cases_of
from memstow.bounds import best_bound
from memstow.core import CoreProblem, CoreStay, simulate_stays
from memstow.core import simulate as core_simulate
from memstow.core.pricing import DENSE_SLOTS, dense_seconds
from memstow.cost_model.learned import LearnedModel, Prediction, Query
from memstow.cost_model.prices import LearnedPrices
from memstow.explain import slow_tensor_reasons
from memstow.planners import Effort, Problem
from memstow.planning import plan_with_bound
from memstow.report import render_report
from memstow.simulator import simulate
from memstow.summary import fallbacks_of, summarise
from memstow.timing import InstructionCost, ModelPrices, Roofline, cost_model_name, roofline_seconds
from memstow.trace import trace_document
from memstow.validator import validate

from . import tiny_cost_model as tiny
from .all_planners import all_planners
from .random_plans import plan_of, random_stays

BRIEF = Effort(0.2, iterations=50)


def brief(name: str) -> Effort:
    """A little work; an iteration of fine-tuning is much of it."""
    return BRIEF if name != "agent-finetune" else Effort(0.2, iterations=1)


NOTHING_SAID = "it says nothing of its kernel"


class Unbatched:
    """Prices one placement at a time."""

    def __init__(self, prices: InstructionCost) -> None:
        self._prices = prices

    def seconds(self, instruction: int, operands_fast: Sequence[bool], results_fast: Sequence[bool]) -> float:
        return self._prices.seconds(instruction, operands_fast, results_fast)


def roofline_twin(problem: Problem) -> Problem:
    return Problem(problem.program, problem.accelerator)


@pytest.mark.parametrize("name", all_planners())
@pytest.mark.parametrize("wide", [False, True])
def test_every_planner_plans_and_prices_with_it(name: str, wide: bool) -> None:
    given = tiny.problem(wide=wide)
    plan = planners.get(name).plan(given, brief(name), seed=0)
    assert validate(given.program, given.accelerator, plan) == ()
    assert plan.cost_model == "tiny"
    # The simple bound is the roofline's, and not claimed here.
    assert plan.bound_seconds is None
    seconds = simulate(given.program, given.accelerator, plan, given.cost).total_seconds
    assert plan.simulated_seconds == pytest.approx(seconds, rel=1e-12)
    assert seconds >= best_bound(given, time_limit_seconds=0.0).seconds > 0.0
    by_roofline = simulate(given.program, given.accelerator, plan).total_seconds
    assert abs(seconds - by_roofline) > 1e-3 * by_roofline


@pytest.mark.parametrize("name", all_planners())
def test_every_planner_says_so_of_the_roofline(name: str) -> None:
    plan = planners.get(name).plan(roofline_twin(tiny.problem()), brief(name), seed=0)
    assert plan.cost_model == "roofline"
    assert plan.bound_seconds is not None


def test_the_cores_table_is_the_models_prices() -> None:
    given = tiny.problem(wide=True)
    core = CoreProblem(given.program, given.accelerator, given.cost)
    assert core.slots.max() >= DENSE_SLOTS
    batched = dense_seconds(core.entries, core.slots, given.cost)
    assert core.num_prices == len(batched)
    alone = dense_seconds(core.entries, core.slots, Unbatched(tiny.problem(wide=True).cost))
    np.testing.assert_allclose(batched, alone, rtol=1e-12)


@pytest.mark.parametrize("wide", [False, True])
def test_the_core_simulates_random_placements_as_the_model_prices_them(wide: bool) -> None:
    given = tiny.problem(wide=wide)
    core = CoreProblem(given.program, given.accelerator, given.cost)
    for number in range(60):
        random = Random(number)
        plan = plan_of(given.program, given.accelerator, random_stays(random, given.program), random)
        expected = simulate(given.program, given.accelerator, plan, given.cost)
        found = core_simulate(core, plan)
        elapsed = [step.elapsed_seconds for step in expected.instructions]
        np.testing.assert_allclose(found.elapsed, elapsed, rtol=1e-12)
        assert found.total_seconds == pytest.approx(expected.total_seconds, rel=1e-9)


def test_beyond_eight_tensors_the_core_estimates_as_documented() -> None:
    """``table[mask] * roofline(mask, rest) / roofline(mask, no rest)``: see ``cost_table.h``."""
    given = tiny.problem(wide=True)
    core = CoreProblem(given.program, given.accelerator, given.cost)
    steps = given.program.instructions
    t = max(range(len(steps)), key=lambda t: len(steps[t].operands))
    assert len(steps[t].operands) + 1 > DENSE_SLOTS
    touched = [k for k, time in enumerate(core.touches.time.tolist()) if time == t]
    nothing = simulate_stays(core, [[]])[0]
    weights = [k for k in touched if core.program.storages[core.touches.storage[k]].born_slow]
    for chosen in (weights[:3], weights[2:], weights):
        slots = [int(core.slots[k]) for k in chosen]
        # Weights that are there from the start, at no cost; each is touched once.
        stays = [CoreStay(int(core.touches.storage[k]), 0, 0, -1, 0) for k in chosen]
        dense = {int(core.touches.storage[k]) for k, slot in zip(chosen, slots, strict=True) if slot < DENSE_SLOTS}
        everything = {int(core.touches.storage[k]) for k in chosen}
        expected = _price(given, t, dense) * _roofline(given, t, everything) / _roofline(given, t, dense)
        assert simulate_stays(core, [stays])[0] - nothing == pytest.approx(expected - _price(given, t, set()))
    assert any(slot >= DENSE_SLOTS for slot in slots)
    assert _price(given, t, everything) != pytest.approx(expected, rel=1e-4)


def _flags(given: Problem, t: int, fast: set[int]) -> tuple[list[bool], list[bool]]:
    step, place = given.program.instructions[t], given.program.storage_of
    return [place[o.buffer] in fast for o in step.operands], [place[o.buffer] in fast for o in step.results]


def _price(given: Problem, t: int, fast: set[int]) -> float:
    return given.cost.seconds(t, *_flags(given, t, fast))


def _roofline(given: Problem, t: int, fast: set[int]) -> float:
    return Roofline(given.program, given.accelerator).seconds(t, *_flags(given, t, fast))


def test_the_bound_is_the_sum_of_least_prices_and_nothing_more() -> None:
    given = tiny.problem()
    least = sum(
        min(
            given.cost.seconds(t, mask[: len(step.operands)], mask[len(step.operands) :])
            for mask in product((False, True), repeat=len(step.operands) + len(step.results))
        )
        for t, step in enumerate(given.program.instructions)
    )
    bound = best_bound(given, time_limit_seconds=1.0)
    assert set(bound.all) == {"served"}
    assert bound.seconds == pytest.approx(least, rel=1e-6)
    assert bound.seconds <= least
    assert "analytical" in bound.notes["fluid"]


def test_a_batch_is_priced_even_without_time_and_the_wide_count_nothing() -> None:
    given = tiny.problem(wide=True)
    bound = best_bound(given, time_limit_seconds=0.0)
    assert 0.0 < bound.seconds <= best_bound(given, time_limit_seconds=5.0).seconds
    assert "1 of 12 instructions counted as 0" in bound.notes["served"]


def test_a_plan_with_its_bound() -> None:
    given = tiny.problem()
    proven = plan_with_bound(planners.get("greedy"), given, BRIEF, seed=0, bound_seconds=1.0)
    assert (proven.plan.cost_model, proven.bound.method) == ("tiny", "served")
    assert proven.plan.bound_seconds == proven.bound.seconds
    assert proven.plan.gap is not None
    assert proven.plan.gap > 0.0


def test_a_foreign_planner_need_not_know_of_cost_models() -> None:
    class Foreign:
        name = description = "foreign"

        def plan(self, problem: Problem, effort: Effort, *, seed: int) -> object:
            plan = planners.get("all-slow").plan(roofline_twin(problem), effort, seed=seed)
            return plan.model_copy(update={"planner": "foreign"})

    given = tiny.problem()
    plan = plan_with_bound(Foreign(), given, BRIEF, seed=0, bound_seconds=0.0).plan  # type: ignore[arg-type]
    assert plan.cost_model == "tiny"
    assert plan.simulated_seconds == pytest.approx(
        simulate(given.program, given.accelerator, plan, given.cost).total_seconds
    )


def test_summary_trace_and_report_name_it() -> None:
    given = tiny.problem()
    plan = planners.get("greedy").plan(given, BRIEF, seed=0)
    simulation = simulate(given.program, given.accelerator, plan, given.cost)
    summary = summarise(given, plan, simulation)
    assert summary.cost_model == "tiny"
    assert summary.lower_bound_method == "served"
    assert summary.planned_seconds >= summary.lower_bound_seconds > 0.0
    assert summary.all_slow_seconds == pytest.approx(
        sum(_price(given, t, set()) for t in range(len(given.program.instructions)))
    )
    assert summary.fallbacks == fallbacks_of(given)
    trace = trace_document(given, plan, simulation)
    assert trace["otherData"]["cost_model"] == "tiny"
    page = render_report(given, plan, simulation, summary, slow_tensor_reasons(given, plan))
    assert '"cost_model":"tiny"' in page
    assert NOTHING_SAID in page
    shares = summary.time_shares
    parts = (shares.compute_seconds, shares.memory_seconds, shares.stall_seconds, shares.overhead_seconds)
    assert sum(parts) == pytest.approx(summary.planned_seconds)


def test_the_roofline_needs_no_fallback_and_no_word() -> None:
    given = roofline_twin(tiny.problem())
    plan = planners.get("all-slow").plan(given, BRIEF, seed=0)
    summary = summarise(given, plan, simulate(given.program, given.accelerator, plan))
    assert (summary.cost_model, summary.fallbacks, summary.lower_bound_method) == ("roofline", None, "simple")


def test_fallbacks_say_how_many_and_why() -> None:
    assert str(fallbacks_of(tiny.problem(strangers=4))) == (
        f"4 of 12 instructions have the roofline's prices, each because {NOTHING_SAID}"
    )
    # A far faster memory than the model was trained with: the kernels that say what they are have another reason.
    rate = {"read_bytes_per_second": 1e12, "write_bytes_per_second": 1e12}
    quick = tiny.PART.model_copy(update={"slow_memory": tiny.PART.slow_memory.model_copy(update=rate)})
    found = fallbacks_of(tiny.problem(quick, strangers=4))
    assert found is not None
    assert (found.count, found.instructions, found.reason_count) == (12, 12, 8)
    assert re.search(r"12 of 12 instructions have .* prices, 8 of them because \w+ is [\d.]+, trained on", str(found))
    assert fallbacks_of(tiny.problem(strangers=0)) is None


def test_a_fallback_has_the_rooflines_price() -> None:
    given = tiny.problem(strangers=1)
    step = given.program.instructions[0]
    total = sum(entry.bytes_accessed for entry in (*step.operands, *step.results))
    assert isinstance(given.cost, LearnedPrices)
    assert given.cost.fallbacks[0] == NOTHING_SAID
    assert _price(given, 0, set()) == roofline_seconds(given.accelerator, step, total, 0)


def test_names_of_cost_models() -> None:
    given = tiny.problem()
    assert isinstance(given.cost, ModelPrices)
    assert cost_model_name(given.cost) == "tiny"
    assert cost_model_name(Roofline(given.program, given.accelerator)) == "roofline"
    assert cost_model_name(Unbatched(given.cost)) == "Unbatched"


def test_cases_of_other_capacities_are_priced_anew_and_models_told_apart() -> None:
    given = tiny.problem()
    own, small = cases_of("chain", given, (4096,), pricing=tiny.model().prices)
    assert own.problem.cost is given.cost
    assert cost_model_name(small.problem.cost) == "tiny"
    assert small.problem.accelerator.capacity == 4096
    other = Problem(given.program, given.accelerator, tiny.model("tiny", 1).prices(given.program, given.accelerator))
    prints = {own.fingerprint, next(iter(cases_of("chain", other, ()))).fingerprint}
    prints.add(next(iter(cases_of("chain", roofline_twin(given), ()))).fingerprint)
    assert len(prints) == 3


def test_the_descriptions_name_their_models() -> None:
    assert load_accelerator("ethos_u55").cost_model == "ethos_u"
    assert load_accelerator("tpu_v5e").cost_model == "tpu"
    assert load_accelerator("unit").cost_model is None


def test_kernels_of_few_tensors_are_priced_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    predict = LearnedModel.predict

    def counted(model: LearnedModel, queries: Sequence[Query]) -> Prediction:
        batches.append(sum(len(fast) for _, _, fast in queries))
        return predict(model, queries)

    monkeypatch.setattr(LearnedModel, "predict", counted)
    planners.get("greedy").plan(tiny.problem(), BRIEF, seed=0)
    assert not batches
    planners.get("greedy").plan(tiny.problem(wide=True), BRIEF, seed=0)
    assert set(batches) == {1}  # those of 11 tensors one by one
