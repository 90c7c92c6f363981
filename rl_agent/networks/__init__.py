"""The agent's networks, in PyTorch: a reader of programs, and MuZero's three functions on top of it.

>>> from memstow.rl_agent.networks import MemstowNetwork, NetworkConfig
>>> network = MemstowNetwork(NetworkConfig(program_features=24, state_features=16))     # doctest: +SKIP
>>> embeddings = network.read(program)                                                  # doctest: +SKIP
>>> latent = network.represent(embeddings[i], state)                                    # doctest: +SKIP
>>> policy_logits, value_logits = network.predict(latent)                               # doctest: +SKIP
>>> latent, reward_logits = network.dynamics(latent, action_onehot, embeddings[i + 1])  # doctest: +SKIP
"""

from .batch import Batch
from .config import NetworkConfig
from .hl_gauss import HlGauss, Scalar, symexp, symlog
from .learner import Learner, LearnerSettings, Report
from .losses import LossParts, LossWeights, muzero_loss
from .network import MemstowNetwork, Prediction
from .weights import FeatureNames, NetworkCard, core_arrays, embeddings_of, load_network, save_network

__all__ = [
    "Batch",
    "FeatureNames",
    "HlGauss",
    "Learner",
    "LearnerSettings",
    "LossParts",
    "LossWeights",
    "MemstowNetwork",
    "NetworkCard",
    "NetworkConfig",
    "Prediction",
    "Report",
    "Scalar",
    "core_arrays",
    "embeddings_of",
    "load_network",
    "muzero_loss",
    "save_network",
    "symexp",
    "symlog",
]
