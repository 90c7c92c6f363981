"""MallocGame: its rules, its interface, and that every end of it is a valid plan."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
from game_problems import random_problem, unit_problem
from small_problems import part, problem

from memstow.errors import InvalidInputError
from memstow.rl_agent.game import Action, Game, replay, write_playthrough
from memstow.validator import validate

PLAYTHROUGHS = Path(__file__).parent / "playthroughs"


def two_steps() -> Game:
    """i0 computes 8 s and writes x, i1 reads w and x, 4 bytes each: 8 + 8 = 16 s in slow memory."""
    buffers = {"w": ("parameter", 4), "x": ("intermediate", 4)}
    return Game(problem(part(8), buffers, [(8.0, [], ["x"]), (0.0, ["w", "x"], [])]))  # type: ignore[arg-type]


def test_decisions_are_touches_in_program_order() -> None:
    game = two_steps()
    storage, time = game.core.touches.storage, game.core.touches.time
    assert [(int(time[k]), int(storage[k])) for k in game.decisions] == [(0, 1), (1, 0), (1, 1)]


def test_rewards_are_seconds_saved() -> None:
    state = two_steps().new_state()
    # i0 is bound by compute. i1 reads w, prefetched during [0, 1), and x in 1 s each instead of 4 s.
    assert [state.apply(action) for action in (Action.NO_COPY, Action.COPY, Action.NO_COPY)] == [0.0, 3.0, 3.0]
    assert state.is_terminal and state.returns == 6.0 and state.seconds == 10.0
    assert state.legal_actions == []


def test_first_writes_cannot_be_copied_and_first_reads_cannot_stay() -> None:
    state = two_steps().new_state()
    assert state.current == (1, 1, 0, True)
    assert state.legal_actions == [Action.DROP, Action.NO_COPY]
    state.apply(Action.DROP)
    assert state.legal_actions == [Action.DROP, Action.COPY]


def test_illegal_actions_change_nothing() -> None:
    state = two_steps().new_state()
    with pytest.raises(ValueError, match=r"decision 0 \(storage 1, time 0\): copy is illegal"):
        state.apply(Action.COPY)
    with pytest.raises(ValueError, match="expected an action below 3, found 7"):
        state.apply(7)
    with pytest.raises(ValueError, match="nothing to undo"):
        state.undo()
    assert state.num_decided == 0 and state.returns == 0.0


def test_terminal_states_have_no_current_decision() -> None:
    state = two_steps().new_state()
    state.play_randomly(0)
    with pytest.raises(ValueError, match="the game is over after 3 decisions"):
        _ = state.current


def test_a_storage_that_cannot_be_prefetched_is_refused() -> None:
    buffers = {"w": ("parameter", 4), "x": ("intermediate", 4)}
    steps = [(8.0, [], ["x"]), (0.0, ["w", "x"], [])]
    with pytest.raises(ValueError, match="storage 1: expected one that exists before the program"):
        Game(problem(part(8, cross_program=1), buffers, steps), cross_program=[1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at most 0 storages"):
        Game(problem(part(8), buffers, steps), cross_program=[0])  # type: ignore[arg-type]


def test_alias_groups_are_decided_together() -> None:
    # x is updated in place into y: one storage, written at 0 and 1, read at 2.
    buffers = {"x": ("intermediate", 4), "y": ("intermediate", 4)}
    steps = [(0.0, [], ["x"]), (0.0, ["x"], ["y"]), (0.0, ["y"], [])]
    game = Game(problem(part(4), buffers, steps, together=["x", "y"]))  # type: ignore[arg-type]
    assert game.num_decisions == 3
    state = game.new_state()
    # 4, 8 and 4 bytes at 1 or 4 bytes/s.
    assert [state.apply(Action.NO_COPY) for _ in range(3)] == [3.0, 6.0, 3.0]


def test_drop_backup_frees_what_blocks() -> None:
    # Room for one: once y is written at 1, x from 0 can neither stay until 2 nor be evicted from 1 on.
    buffers = {"x": ("intermediate", 4), "y": ("intermediate", 4)}
    steps = [(0.0, [], ["x"]), (0.0, [], ["y"]), (0.0, ["x"], []), (0.0, ["y"], [])]
    game = Game(problem(part(4), buffers, steps))  # type: ignore[arg-type]
    state = game.restore("11")
    assert state.legal_actions == [Action.DROP] and state.returns == 6.0
    assert state.apply(Action.DROP) == -3.0 and state.num_backups == 1
    state.apply(Action.NO_COPY)
    assert state.returns == 6.0
    assert validate(game.problem.program, game.problem.accelerator, state.to_plan(planner="test", seed=0)) == ()


def test_drop_backup_saves_a_costly_eviction() -> None:
    # z needs all the room from 2 on, so x from 0 leaves during i1, which leaves slow memory no idle second: 4 s of
    # waiting for the eviction, when x written to slow memory would have cost 3 s more.
    buffers = {"x": ("intermediate", 4), "s": ("parameter", 4), "z": ("intermediate", 8)}
    steps = [(0.0, [], ["x"]), (0.0, ["s"], []), (0.0, [], ["z"]), (0.0, ["x"], []), (0.0, ["z"], [])]
    game = Game(problem(part(8), buffers, steps))  # type: ignore[arg-type]
    state = game.restore("101")
    assert Action.NO_COPY not in state.legal_actions and state.returns == 9.0
    assert state.apply(Action.DROP) == -3.0 and state.num_backups == 1
    state.undo()
    assert state.returns == 9.0 and state.num_backups == 0
    state.play_randomly(0)
    assert validate(game.problem.program, game.problem.accelerator, state.to_plan(planner="test", seed=0)) == ()


def test_an_eviction_lets_a_prefetch_go_first() -> None:
    # x from 0 must leave before 5. From 1 on it would stand before w in the queue, which hides during i2 alone.
    buffers = {"x": ("intermediate", 4), "s": ("parameter", 4), "w": ("parameter", 4)}
    steps = [(0.0, [], ["x"]), (0.0, ["s"], []), (4.0, [], []), (0.0, ["w"], []), (9.0, [], []), (0.0, ["x"], [])]
    state = Game(problem(part(8), buffers, steps)).restore("102")  # type: ignore[arg-type]
    assert state.returns == 6.0
    assert state.apply(Action.DROP) == 0.0 and state.num_backups == 0
    leaving = next(stay.eviction for stay in state.residencies if stay.eviction)
    assert (leaving.start, leaving.done) == (3, 5)


def test_histories_restore_states() -> None:
    offered, chosen = random_problem(5, 40)
    game = Game(offered, cross_program=chosen)
    state = game.new_state()
    state.play_randomly(1)
    again = game.restore(state.serialise())
    assert again.serialise() == state.serialise() and len(state.serialise()) == game.num_decisions > 20
    assert again.seconds == state.seconds and again.residencies == state.residencies
    with pytest.raises(ValueError, match="expected an action below 3"):
        game.restore("x")


@pytest.mark.parametrize("seed", range(6))
def test_masks_rewards_clones_and_undo_agree(seed: int) -> None:
    offered, chosen = random_problem(seed, 30)
    random, state = Random(seed), Game(offered, cross_program=chosen).new_state()
    seconds, total = [state.seconds], 0.0
    while not state.is_terminal:
        legal = state.legal_actions
        clone = state.clone()
        for action in set(Action) - set(legal):
            with pytest.raises(ValueError, match="is illegal"):
                clone.apply(action)
        action = random.choice(legal)
        reward = state.apply(action)
        assert clone.apply(action) == reward and clone.residencies == state.residencies
        total += reward
        seconds.append(state.seconds)
    assert math.isclose(total, state.returns, abs_tol=1e-9 * state.game.slow_seconds)
    while state.num_decided:
        assert state.seconds == seconds.pop()
        state.undo()
    assert state.seconds == state.game.slow_seconds and state.residencies == []


def test_random_games_end_in_valid_plans() -> None:
    backups = 0
    for seed in range(100):
        offered, chosen = random_problem(seed, 25)
        game = Game(offered, cross_program=chosen, node_limit=(0, 50, 2000)[seed % 3])
        for episode in range(3):
            state = game.new_state()
            state.play_randomly(episode)
            plan = state.to_plan(planner="random", seed=episode)
            assert validate(offered.program, offered.accelerator, plan) == (), (seed, state.serialise())
            assert plan.simulated_seconds is not None
            assert math.isclose(plan.simulated_seconds, state.seconds, rel_tol=1e-9, abs_tol=1e-12), seed
            backups += state.num_backups
    assert backups > 0, "the programs should be hard enough for Drop-backup"


def test_playouts_are_random_games() -> None:
    game = Game(random_problem(5, 40)[0])
    seconds = game.random_playouts(50, seed=3)
    assert np.array_equal(seconds, game.random_playouts(50, seed=3))
    assert len(set(seconds.tolist())) > 10
    state = game.new_state()
    state.play_randomly(3)
    assert state.seconds == seconds[0]


def playthrough_games() -> dict[str, Game]:
    return {"unit": Game(unit_problem()), "random": Game(random_problem(7, 40)[0])}


@pytest.mark.parametrize("name", ["unit", "random"])
def test_recorded_games_replay_line_by_line(name: str) -> None:
    game = playthrough_games()[name]
    state = replay(game, (PLAYTHROUGHS / f"{name}.txt").read_text(encoding="utf-8"))
    assert state.is_terminal and state.returns != 0.0


def test_a_changed_recording_is_named() -> None:
    game = two_steps()
    text = write_playthrough(game, lambda state: state.legal_actions[-1])
    assert replay(game, text).returns == 6.0
    with pytest.raises(InvalidInputError, match="line 3: the game says"):
        replay(game, text.replace("saves 3 s", "saves 4 s", 1))
    with pytest.raises(InvalidInputError, match="line 2: expected a decision, found 'nonsense'"):
        replay(game, text.splitlines()[0] + "\nnonsense\n")
    with pytest.raises(InvalidInputError, match="the end of the recording"):
        replay(game, "\n".join(text.splitlines()[:-1]))
