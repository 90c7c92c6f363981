"""A small network and random batches, for tests of the agent."""

from __future__ import annotations

import torch

from memstow.rl_agent.networks import Batch, FeatureNames, MemstowNetwork, NetworkConfig

torch.set_num_threads(1)

P, F = 6, 5
CONFIG = NetworkConfig(program_features=P, state_features=F, chunk=8)
FEATURES = FeatureNames(version=1, program=tuple(f"p{i}" for i in range(P)), state=tuple(f"s{i}" for i in range(F)))


def network(**options) -> MemstowNetwork:
    torch.manual_seed(1)
    return MemstowNetwork(CONFIG.model_copy(update=options))


def batch(n: int = 32, k: int = 3, lengths: tuple[int, ...] = (5, 20, 33), seed: int = 0) -> Batch:
    """Windows of random games; the rewards and values follow from the states, so that they can be learned."""
    generator = torch.Generator().manual_seed(seed)
    programs = tuple(torch.randn(length, P, generator=generator) for length in lengths)
    program = torch.randint(len(lengths), (n,), generator=generator)
    decision = (torch.rand(n, generator=generator) * torch.tensor(lengths)[program]).long()
    states = torch.randn(n, k + 1, F, generator=generator)
    legal = torch.rand(n, k + 1, 3, generator=generator) < 0.7
    legal[..., 0] = True
    policy = torch.rand(n, k + 1, 3, generator=generator) * legal
    actions = torch.randint(3, (n, k), generator=generator)
    return Batch(
        programs=programs,
        program=program,
        decision=decision,
        states=states,
        legal=legal,
        actions=actions,
        rewards=actions * states[:, :-1, 0],
        policy=policy / policy.sum(-1, keepdim=True),
        values=0.5 + 0.3 * torch.tanh(states[..., 1]),
        mask=decision[:, None] + torch.arange(k + 1) < torch.tensor(lengths)[program, None],
        weights=0.5 + torch.rand(n, generator=generator),
    )
