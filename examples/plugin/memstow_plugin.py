"""A planner and a cost model in a package of their own; the entry points in pyproject.toml make their names known."""

from memstow import planners
from memstow.timing import Roofline


class Cautious:
    name, description = "cautious", "the greedy planner with half of the fast memory"

    def plan(self, problem, effort, *, seed):
        half = problem.accelerator.with_capacity(problem.accelerator.capacity // 2)
        smaller = planners.Problem(problem.program, half, problem.cost)
        return planners.get("greedy").plan(smaller, effort, seed=seed).model_copy(update={"planner": self.name})


class HalfSpeed:
    name = "half-speed"

    def prices(self, program, accelerator):
        return HalfSpeedPrices(Roofline(program, accelerator))


class HalfSpeedPrices:
    name = "half-speed"

    def __init__(self, roofline):
        self.roofline = roofline

    def seconds(self, instruction, operands_fast, results_fast):
        return 2 * self.roofline.seconds(instruction, operands_fast, results_fast)
