"""What the agent sees: bounded, the same for the same ratios, and seen without a trace."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

import numpy as np
import pytest
from game_problems import random_problem, scarce_accelerator, unit_problem
from random_plans import random_program
from small_problems import part, problem

from memstow.accelerator import Accelerator
from memstow.planners import Problem
from memstow.program import Program
from memstow.rl_agent.agent import agent_game
from memstow.rl_agent.game import Action, Game
from memstow.rl_agent.guide import Guide, GuidedSearch
from memstow.rl_agent.observation import Observer, program_features, state_features
from memstow.rl_agent.search import DISCOUNT, unit_seconds
from memstow.rl_agent.training.programs import generate_problem


def odd_problems() -> Iterator[tuple[str, Problem]]:
    """Problems at the ends of what is allowed."""
    buffers = {"w": ("parameter", 4), "x": ("intermediate", 4), "y": ("output", 4)}
    steps = [(8.0, [], ["x"]), (0.0, ["w", "x"], ["y"]), (1.0, ["w"], [])]

    def on(accelerator: Accelerator) -> Problem:
        return problem(accelerator, buffers, steps)  # type: ignore[arg-type]

    def changed(**dma: float) -> Accelerator:
        offered = part(8)
        return offered.model_copy(update={"dma": offered.dma.model_copy(update=dma)})

    yield "no room", on(part(0))
    yield "room for nothing", on(part(3))
    yield "room for all", on(part(10**12))
    yield "nothing to save", on(part(8, fast=1.0))
    yield "copies in no time", on(changed(bytes_per_second=1e300))
    yield "copies that take for ever", on(changed(latency_seconds=1e12))
    yield "no copies at all", on(part(8, prefetches=0, evictions=0))
    yield "one instruction", problem(part(8), {"w": ("parameter", 4)}, [(0.0, ["w"], [])])
    yield "no buffers", problem(part(8), {}, [(1.0, [], [])])
    yield (
        "wide",
        problem(part(90), {f"w{k}": ("parameter", 4) for k in range(12)}, [(0.0, [f"w{k}" for k in range(12)], [])]),
    )


ODD = dict(odd_problems())


def check_seen(game: Game, seed: int) -> None:
    """Program and states of a random game: as many numbers as names, bounded by 4, masks and rewards the game's."""
    observer = Observer(game)
    count = game.num_decisions
    assert observer.program.shape == (count, len(program_features()))
    assert np.isfinite(observer.program).all() and (np.abs(observer.program) <= 4.0).all()
    assert observer.unit_seconds > 0.0 and np.isfinite(observer.potential).all() and (observer.potential > 0.0).all()
    state, actions, legal, rewards = game.new_state(), [], [], []
    random = Random(seed)
    while not state.is_terminal:
        legal.append(state.legal_mask)
        actions.append(random.choice(state.legal_actions))
        rewards.append(state.apply(actions[-1]))
    found = Guide(observer).play(GuidedSearch(), 0, given=np.array(actions, dtype=np.uint8))
    assert found.states.shape == (count, len(state_features()))
    assert np.isfinite(found.states).all() and (np.abs(found.states) <= 4.0).all()
    assert found.legal.tolist() == legal and found.actions.tolist() == actions and found.seconds == state.seconds
    np.testing.assert_allclose(found.rewards * observer.unit_seconds, rewards, rtol=1e-9, atol=1e-30)
    if count:
        bits = np.array([[mask >> action & 1 for action in Action] for mask in legal])
        assert np.array_equal(found.states[:, :3], bits)
        np.testing.assert_allclose(found.states[:, -1], np.arange(count) / count, atol=1e-6)


def test_names_are_distinct() -> None:
    assert len(set(program_features())) == len(program_features()) and "benefit" in program_features()
    assert len(set(state_features())) == len(state_features()) and state_features()[-1] == "progress"


def test_random_games_are_seen() -> None:
    for seed in range(60):
        check_seen(agent_game(random_problem(seed, 30)[0]), seed)


@pytest.mark.parametrize("name", ODD)
def test_odd_problems_are_seen(name: str) -> None:
    check_seen(agent_game(ODD[name]), 1)


@pytest.mark.parametrize("kind", ["transformer", "convolutional", "decode", "transformer_train"])
def test_realistic_programs_are_seen(kind: str) -> None:
    for seed in range(2):
        check_seen(agent_game(generate_problem(kind, 60, seed)), seed)


def test_units_are_those_of_the_search() -> None:
    game = Game(unit_problem())
    observer = Observer(game)
    assert observer.unit_seconds == unit_seconds(game)
    # What is left to be saved: the benefit now, and later ones at a discount.
    assert np.all(np.diff(observer.potential) <= DISCOUNT * 15)
    assert observer.potential[0] == pytest.approx(game.num_decisions, rel=0.2)


def scaled(offered: Problem, size: int, seconds: float) -> Problem:
    """The same program with ``size`` times as many bytes and ``seconds`` times as long compute; the part to match."""
    program, accelerator = offered.program, offered.accelerator

    def rates(memory):  # type: ignore[no-untyped-def]
        names = ("read_bytes_per_second", "write_bytes_per_second")
        return {name: getattr(memory, name) * size / seconds for name in names if getattr(memory, name) is not None}

    fast, slow, dma = accelerator.fast_memory, accelerator.slow_memory, accelerator.dma
    places = {name: getattr(fast, name) * size for name in ("capacity_bytes", "alignment_bytes")}
    larger = fast.model_copy(update={**places, **rates(fast)})
    slower = dma.model_copy(
        update={
            "bytes_per_second": dma.bytes_per_second * size / seconds,
            "latency_seconds": dma.latency_seconds * seconds,
        }
    )
    overhead = {"launch_overhead_seconds": accelerator.launch_overhead_seconds * seconds}
    other = accelerator.model_copy(
        update={"fast_memory": larger, "slow_memory": slow.model_copy(update=rates(slow)), "dma": slower, **overhead}
    )

    def grown(operands):  # type: ignore[no-untyped-def]
        return tuple(each.model_copy(update={"bytes_accessed": each.bytes_accessed * size}) for each in operands)

    instructions = tuple(
        step.model_copy(
            update={
                "compute_seconds": step.compute_seconds * seconds,
                "operands": grown(step.operands),
                "results": grown(step.results),
            }
        )
        for step in program.instructions
    )
    buffers = tuple(each.model_copy(update={"size_bytes": each.size_bytes * size}) for each in program.buffers)
    document = program.model_dump(mode="json", by_alias=True) | {
        "instructions": [step.model_dump(mode="json", by_alias=True) for step in instructions],
        "buffers": [buffer.model_dump(mode="json", by_alias=True) for buffer in buffers],
    }
    return Problem(Program.model_validate(document), other)


def test_only_ratios_count() -> None:
    compared = 0
    for seed in range(30):
        random = Random(seed)
        offered = Problem(random_program(random, 20), scarce_accelerator(random))
        other = scaled(offered, 4096, 2.0**-18)
        game, other_game = agent_game(offered), agent_game(other)
        assert np.array_equal(game.decisions, other_game.decisions)
        observer, other_observer = Observer(game), Observer(other_game)
        if observer.unit_seconds * game.num_decisions < 1e-6 * game.slow_seconds:
            continue  # what is saved is rounding
        np.testing.assert_allclose(observer.program, other_observer.program, atol=2e-4)
        np.testing.assert_allclose(observer.potential, other_observer.potential, rtol=1e-6)
        state = game.new_state()
        state.play_randomly(seed)
        given = np.frombuffer(state.serialise().encode(), dtype=np.uint8) - np.uint8(48)
        one = Guide(observer).play(GuidedSearch(), 0, given=given)
        two = Guide(other_observer).play(GuidedSearch(), 0, given=given)
        np.testing.assert_allclose(one.states, two.states, atol=2e-4)
        assert math.isclose(one.seconds * 2.0**-18, two.seconds, rel_tol=1e-9)
        compared += 1
    assert compared > 8
