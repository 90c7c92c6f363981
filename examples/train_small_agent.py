"""Train a small agent on generated programs for two minutes, then let it plan a program that it has not seen.

``python train_small_agent.py [SECONDS]``; the environment variable MEMSTOW_EXAMPLE_SECONDS is the default.
"""

import os
import sys
import tempfile
from pathlib import Path

from memstow import planners
from memstow.planners import Effort
from memstow.rl_agent.planning import AgentGreedy, AgentPlanner
from memstow.rl_agent.training.assembly import make_player, make_problems
from memstow.rl_agent.training.config import TrainingConfig
from memstow.rl_agent.training.programs.generator import generate_problem
from memstow.rl_agent.training.trainer import Progress, train

CONFIG = TrainingConfig.model_validate(
    {
        "problems": {"shortest": 10, "longest": 60},
        "warm_start": {"games": 16, "steps": 60},
        "self_play": {"rounds": 10000, "games": 8, "reanalysed": 4, "steps": 40},
        "batch": {"size": 128, "games": 4, "unroll": 2},
        "learner": {"learning_rate": 2e-3, "warmup_steps": 20},
        "search": {"priced": 1.0},
        "tensorboard": False,
    }
)


def main() -> None:
    limit = float((sys.argv[1:] or [os.environ.get("MEMSTOW_EXAMPLE_SECONDS", "120")])[0])
    done = 0.0

    def show(progress: Progress) -> None:
        nonlocal done
        done = progress.seconds
        print(f"\rround {progress.round}, {progress.games} games, {progress.steps} steps, {done:.0f} s  ", end="")

    with tempfile.TemporaryDirectory() as folder:
        parts = make_player(CONFIG), make_problems(CONFIG)
        result = train(CONFIG, *parts, Path(folder), on_progress=show, should_stop=lambda: done >= limit)
        print(f"\ntrained on {result.games} games in {result.seconds:.0f} s")
        agent = str(result.network)
        problem = generate_problem("transformer", 60, seed=1)
        rivals = [planners.get("all-slow"), planners.get("greedy"), AgentGreedy(agent=agent), AgentPlanner(agent=agent)]
        for planner in rivals:
            plan = planner.plan(problem, Effort(budget_seconds=2.0), seed=0)
            print(f"{planner.name:13} {plan.simulated_seconds * 1e6:10.1f} us")


if __name__ == "__main__":
    main()
