"""The planners that can plan here."""

from __future__ import annotations

from pathlib import Path

from memstow import planners, rl_agent


def all_planners() -> list[str]:
    """Every registered planner; the agent's once there is a trained network in the package."""
    network = Path(rl_agent.__file__).parent / "trained" / "memstow" / "network.json"
    return [name for name in planners.names() if network.is_file() or not name.startswith("agent")]
