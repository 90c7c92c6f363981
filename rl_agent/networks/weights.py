"""Networks as files, and as the arrays that the core evaluates.

A network is a folder: ``network.json`` is its card, ``network.safetensors`` its weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import InvalidInputError
from ...schema import Document, read_json, write_bytes
from .config import NetworkConfig
from .network import MemstowNetwork

_CARD, _WEIGHTS = "network.json", "network.safetensors"
_ANEW = "train the agent anew: memstow agent train"


class FeatureNames(Document):
    """What the inputs of a network mean: names in their order, and the version of their definitions."""

    version: int
    program: tuple[str, ...]
    state: tuple[str, ...]


class NetworkCard(Document):
    """``network.json``: what a network is, the SHA-256 of its weights' file, and anything else about its making."""

    config: NetworkConfig
    features: FeatureNames
    weights_sha256: str
    made_by: Mapping[str, str] = {}


def save_network(
    network: MemstowNetwork, features: FeatureNames, folder: Path, *, made_by: Mapping[str, str] | None = None
) -> NetworkCard:
    """Write a network's folder.

    Raises:
        InvalidInputError: the network has another number of inputs than there are names, or the folder cannot be
            written.
    """
    _check_counts(network.config, features, "network")
    data = safetensors.torch.save({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})
    digest = hashlib.sha256(data).hexdigest()
    card = NetworkCard(config=network.config, features=features, weights_sha256=digest, made_by=made_by or {})
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{folder}: cannot be made ({error.strerror}); choose another folder") from None
    write_bytes(folder / _WEIGHTS, data)
    card.save(folder / _CARD)
    return card


def load_network(folder: Path, features: FeatureNames) -> tuple[MemstowNetwork, NetworkCard]:
    """Read a network's folder; ``features`` are those that its inputs will be.

    Raises:
        InvalidInputError: a file is absent or damaged, or the network was trained with other features.
    """
    card = load_card(folder, features)
    path = folder / _WEIGHTS
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); {_ANEW}") from None
    if hashlib.sha256(data).hexdigest() != card.weights_sha256:
        raise InvalidInputError(f"{path}: expected the weights that {_CARD} describes, found others; {_ANEW}")
    network = MemstowNetwork(card.config)
    try:
        network.load_state_dict(safetensors.torch.load(data))
    except (safetensors.SafetensorError, RuntimeError) as error:
        found = " ".join(str(error).split())
        raise InvalidInputError(f"{path}: expected weights of the network in {_CARD}, found: {found:.300}") from None
    return network.eval(), card


def load_card(folder: Path, features: FeatureNames) -> NetworkCard:
    """Read and check ``network.json`` alone; errors as in :func:`load_network`."""
    path = folder / _CARD
    data = read_json(path)
    found = data.get("features") if isinstance(data, dict) else None
    version = found.get("version") if isinstance(found, dict) else None
    if isinstance(version, int) and version != features.version:
        raise InvalidInputError(
            f"{path}: expected features of version {features.version}, found version {version}; {_ANEW}"
        )
    card = NetworkCard.parse(data, where=str(path))
    for kind, expected, names in (
        ("program", features.program, card.features.program),
        ("state", features.state, card.features.state),
    ):
        for i, (one, other) in enumerate(zip_longest(expected, names)):
            if one != other:
                raise InvalidInputError(
                    f"{path}: expected {kind} feature {i} to be {one or 'none'}, found {other or 'none'}; {_ANEW}"
                )
    _check_counts(card.config, card.features, str(path))
    return card


def _check_counts(config: NetworkConfig, features: FeatureNames, where: str) -> None:
    expected = config.program_features, config.state_features
    found = len(features.program), len(features.state)
    if expected != found:
        raise InvalidInputError(
            f"{where}: expected names of {expected[0]} program features and {expected[1]} state features, found "
            f"{found[0]} and {found[1]}"
        )


def core_arrays(network: MemstowNetwork) -> list[NDArray[np.float32]]:
    """Everything outside of the reader, float32, C-contiguous; weights are (outputs, inputs).

    In this order: representation W1, b1, W2, b2; prediction trunk W, b; corrections W, b; outlooks W, b; value W, b;
    the value's support (bins,), empty where the output is the value itself; dynamics W1, b1, W2, b2; reward W, b; the
    reward's support (bins,) in symlog units. Inputs are concatenated as in
    :class:`~memstow.rl_agent.networks.network.MemstowNetwork`.
    """
    return [np.array(tensor.detach().cpu().numpy(), dtype=np.float32, order="C") for tensor in _core_tensors(network)]


def _core_tensors(network: MemstowNetwork) -> Iterator[Tensor]:
    layers: Sequence[torch.nn.Linear | Tensor] = (
        network.represent_hidden,
        network.represent_latent,
        network.trunk,
        network.correction_head,
        network.outlook_head,
        network.value_head,
        network.value.support,
        network.dynamics_hidden,
        network.dynamics_latent,
        network.reward_head,
        network.reward.support,
    )
    for layer in layers:
        yield from (layer,) if isinstance(layer, Tensor) else (layer.weight, layer.bias)


def embeddings_of(network: MemstowNetwork, program: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network makes of a program's decisions, for the core: (D, P) -> (D, E) float32, C-contiguous."""
    device = next(network.parameters()).device
    with torch.inference_mode():
        found = network.read(torch.as_tensor(program, dtype=torch.float32, device=device))
    return np.ascontiguousarray(found.cpu().numpy())
