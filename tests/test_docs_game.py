"""Every figure of the worked example in ``docs/game.md`` is what the game and the simulator say."""

from __future__ import annotations

import re

import pytest
import tool_modules

from memstow.accelerator import load_accelerator
from memstow.bounds.exact import exact_optimum
from memstow.planners import Effort, Problem, get
from memstow.program import Program
from memstow.rl_agent.game import Action, Game
from memstow.rl_agent.game.state import State
from memstow.simulator import simulate

docs_images = tool_modules.load("docs_images")
run_docs = tool_modules.load("run_docs")
PAGE = docs_images.GAME_PAGE
#: The buffer ``w2``, a storage of its own.
W2 = 4


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    """The problem of the files that the page shows."""
    folder = tmp_path_factory.mktemp("game")
    for block in run_docs.blocks_of(PAGE):
        if block.title:
            (folder / block.title).write_text(block.text, encoding="utf-8")
    return Problem(Program.load(folder / "block.program.json"), load_accelerator(folder / "toy.toml"))


def rows(*header: str) -> list[dict[str, str]]:
    """The rows of the page's table with these columns."""
    lines = [line.strip("| ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    start = lines.index(" | ".join(header))
    end = lines.index("", start)
    cells = [[cell.strip() for cell in line.split("|")] for line in lines[start + 2 : end]]
    return [dict(zip(header, row, strict=False)) for row in cells]


def number(text: str) -> float:
    """The figure of a cell."""
    found = re.match(r"-?[\d.]+", text)
    assert found, text
    return float(found[0])


def action(word: str) -> Action:
    return Action[word.strip().upper().replace("-", "_")]


def best_from(state: State) -> float:
    """The seconds of the best game from here, by trying all."""
    if state.is_terminal:
        return state.seconds
    found = []
    for choice in state.legal_actions:
        clone = state.clone()
        clone.apply(choice)
        found.append(best_from(clone))
    return min(found)


DECISIONS = ("t", "tensor", "legal", "decision", "saves", "because")
TIMES = ("t", "instruction", "begins", "waits", "takes", "slow memory is idle", "of `w2` have come")
SLOW = ("instruction", "compute", "bytes", "takes")


def test_the_program_in_slow_memory(example: Problem) -> None:
    table = rows(*SLOW)
    plan = get("all-slow").plan(example, Effort(), seed=0)
    simulation = simulate(example.program, example.accelerator, plan)
    for row, step, timing in zip(table, example.program.instructions, simulation.instructions, strict=False):
        assert row["instruction"] == f"`{step.name}`"
        assert (number(row["compute"]), number(row["bytes"])) == (step.compute_seconds, timing.slow_bytes)
        assert number(row["takes"]) == timing.elapsed_seconds
    assert number(table[-1]["takes"]) == simulation.total_seconds == Game(example).slow_seconds
    assert len(table) == len(example.program.instructions) + 1


def test_every_decision(example: Problem) -> None:
    state = Game(example).new_state()
    table = rows(*DECISIONS)
    for row in table:
        storage, _, time, writes = state.current
        name = example.program.storages[storage].representative.name
        assert row["tensor"] == f"{'write' if writes else 'read'} `{name}`"
        assert number(row["t"]) == time
        assert [action(word) for word in row["legal"].split(",")] == state.legal_actions
        assert state.apply(action(row["decision"])) == number(row["saves"])
    assert state.is_terminal
    assert state.seconds == 30.0 and state.returns == 24.0


def test_the_times_of_the_better_game(example: Problem) -> None:
    state = Game(example).new_state()
    state.apply_all([action(row["decision"]) for row in rows(*DECISIONS)])
    plan = state.to_plan(planner="by hand", seed=0)
    (copy,) = plan.copies
    assert (copy.buffer, copy.direction, copy.start_time, copy.done_time) == (W2, "prefetch", 0, 2)
    simulation = simulate(example.program, example.accelerator, plan)
    arrived = 0.0
    for row, step, timing in zip(rows(*TIMES), example.program.instructions, simulation.instructions, strict=True):
        idle = timing.elapsed_seconds - timing.slow_bytes / example.accelerator.slow_memory.bandwidth
        arrived = min(copy.bytes, arrived + idle * example.accelerator.copy_bandwidth)
        assert row["instruction"] == f"`{step.name}`"
        assert number(row["begins"]) == timing.start_seconds
        assert number(row["waits"]) == timing.stall_seconds
        assert number(row["takes"]) == timing.elapsed_seconds
        assert number(row["slow memory is idle"]) == idle
        assert number(row["of `w2` have come"]) == arrived
    assert simulation.total_seconds == 30.0


def test_the_hasty_game(example: Problem) -> None:
    state = Game(example).new_state()
    state.apply_all([Action.DROP, Action.NO_COPY, Action.COPY, Action.NO_COPY, Action.NO_COPY])
    assert best_from(state) == 32.0
    refused = state.clone()
    assert refused.current.storage == W2 and refused.apply(Action.COPY) == -2.0
    while not state.is_terminal:
        stays = Action.NO_COPY in state.legal_actions
        state.apply(Action.NO_COPY if stays else Action.DROP)
    timings = simulate(example.program, example.accelerator, state.to_plan(planner="by hand", seed=0))
    assert [timing.elapsed_seconds for timing in timings.instructions] == [10.0, 4.0, 10.0, 6.0]
    assert [timing.stall_seconds for timing in timings.instructions] == [0.0, 2.0, 0.0, 0.0]
    assert timings.total_seconds == 32.0


def test_nothing_is_better(example: Problem) -> None:
    assert best_from(Game(example).new_state()) == 30.0
    assert exact_optimum(example).seconds == pytest.approx(30.0)


def test_the_picture_is_of_this_plan() -> None:
    recorded = (docs_images.IMAGES / "game.svg").read_text(encoding="utf-8")
    assert docs_images.game_picture() == recorded, "run: make docs-images"
