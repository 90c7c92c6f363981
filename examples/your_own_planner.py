"""Plan with a planner of your own: a class with a name, a description and one method.

An entry point in the group "memstow.planners" makes its name known to the command line too: see plugin/.
"""

import memstow
from memstow import models
from memstow.planners.residency import Residency, build_plan


class SideBySide:
    """Intermediates lie in fast memory from first write to last read, and no two share a place."""

    name = "side-by-side"
    description = "intermediates side by side"

    def plan(self, problem, effort, *, seed):
        stays, offset = [], 0
        alignment = problem.accelerator.alignment
        for storage in problem.program.storages:
            room = -(-storage.size_bytes // alignment) * alignment
            if storage.born_slow or storage.is_output or storage.pinned_slow:
                continue
            if room and offset + room <= problem.accelerator.capacity:
                start, end = storage.definition_time, storage.last_time
                stays.append(Residency(storage.index, offset, start, end, served_from=start, served_until=end))
                offset += room
        return build_plan(problem, stays, planner=self.name, seed=seed)


# The plan is validated before it is applied: a planner that breaks a rule is told which.
model, inputs = models.build("unet", "tiny")
for planner in (SideBySide(), "all-slow", "greedy"):
    compiled = memstow.compile(model, inputs, accelerator="ethos_u85", planner=planner, name="unet")
    print(f"{compiled.plan.planner:14} {compiled.summary.planned_seconds * 1e6:8.1f} us")
