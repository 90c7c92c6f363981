"""Tiny networks of random weights, for tests of what uses an agent."""

from __future__ import annotations

from pathlib import Path

import torch
from game_problems import random_problem

from memstow.rl_agent.agent import Agent, agent_game, feature_names
from memstow.rl_agent.guide import Guide
from memstow.rl_agent.networks import MemstowNetwork, NetworkConfig, save_network
from memstow.rl_agent.observation import FIRST_OUTLOOK

torch.set_num_threads(1)


def tiny_config(**options: object) -> NetworkConfig:
    """Sizes that cost next to nothing."""
    sizes = {"embedding": 8, "latent": 8, "hidden": 16, "trunk": 8, "reader_layers": 1, "reader_width": 8, "chunk": 8}
    features = feature_names()
    seen = {
        "program_features": len(features.program),
        "state_features": len(features.state),
        "first_outlook": features.state.index(FIRST_OUTLOOK),
    }
    return NetworkConfig.model_validate({**seen, **sizes, "reader_heads": 2, **options})


def tiny_network(seed: int = 0, **options: object) -> MemstowNetwork:
    """A network that has opinions: its heads' weights are larger than those of a new one."""
    torch.manual_seed(seed)
    network = MemstowNetwork(tiny_config(**options))
    with torch.no_grad():
        for head in (network.correction_head, network.value_head, network.reward_head):
            head.weight.mul_(20.0)
    return network.eval()


def tiny_agent(folder: Path, seed: int = 0) -> str:
    """The name, a path, of an agent that is saved in a folder."""
    save_network(tiny_network(seed), feature_names(), folder)
    return str(folder)


def guided(seed: int, longest: int = 40, **options: object) -> Guide:
    """A tiny network's advice for a random problem with decisions."""
    while not len((game := agent_game(random_problem(seed, longest)[0])).decisions):
        seed += 1000
    return Agent(tiny_network(**options)).guide(game)
