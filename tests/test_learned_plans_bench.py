"""``benchmarks/learned_plans.py``: figures, tables, the refusal of a cost model that has seen what it is judged on."""

from __future__ import annotations

from types import SimpleNamespace

import benchmark_modules
import pytest

from memstow.errors import InvalidInputError

from . import worked_example as example

bench = benchmark_modules.load("learned_plans")
results = benchmark_modules.load("learned_plans_results")


def case(learned: float, *, planner: str = "greedy", share: float = 0.5) -> object:
    """The roofline's plan takes 2 s, that with Vela's prices 1 s."""
    return results.CaseResult(
        model="gpt2",
        size="tiny",
        system="part",
        capacity_bytes=100,
        share=share,
        planner=planner,
        instructions=3,
        left_out=0,
        fallbacks=0,
        all_slow_seconds=4.0,
        roofline_seconds=2.0,
        learned_seconds=learned,
        vela_seconds=1.0,
        roofline_error=0.5,
        learned_error=0.1,
    )


def test_the_figures_of_some_cases() -> None:
    # Ratios 1/2, 1.005 (no slower than luck) and 2: their product is 1.005.
    total = results.Total([case(1.0), case(2.01), case(4.0)])
    assert total.geometric_mean == pytest.approx(1.005 ** (1 / 3))
    assert total.perfect_mean == pytest.approx(0.5)
    assert (total.best.ratio, total.worst.ratio) == (0.5, 2.0)
    assert (total.faster, total.slower) == (1, 1)


def test_the_page_has_a_table_for_every_grouping() -> None:
    found = results.Results(
        machine={"CPU": "a part"},
        date="2026-01-01",
        commit="0123",
        cost_model="ethos_u",
        trained_on=("bert",),
        iterations=10,
        seed=0,
        shares=(0.5,),
        cases=(case(1.0), case(4.0, planner="portfolio", share=0.25)),
    )
    text = "\n".join(results.markdown(found))
    assert "| gpt2-tiny | 2 | 1.0000 | 0.5000 | 2.0000 | 1 | 1 | 0.5000 |" in text
    assert "| 1/2 of the peak | 1 | 0.5000 |" in text
    assert "| portfolio | 1 | 2.0000 |" in text
    assert text.count("| all | 2 |") == 4
    assert "Worst: 2.0000, gpt2-tiny on part, 100 bytes, portfolio." in text


def test_what_the_worked_example_works_on() -> None:
    # The second instruction: h and y of 4 bytes, w of 8.
    assert bench.working_bytes(example.program()) == 16


@pytest.mark.parametrize(("seen", "found"), [(("bert", "gpt2"), "gpt2"), ((), "")])
def test_a_model_that_saw_the_test_programs_is_refused(seen: tuple[str, ...], found: str) -> None:
    card = SimpleNamespace(test_programs=("gpt2", "micro_x"), programs=seen)
    model = SimpleNamespace(name="ethos_u", card=card)
    if not found:
        assert bench.test_models(model) == ["gpt2"]
        return
    with pytest.raises(InvalidInputError, match="expected one that never saw its test programs, found one trained on"):
        bench.test_models(model)
