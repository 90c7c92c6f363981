"""Which programs are one architecture, and which architectures the agent is never trained on."""

from __future__ import annotations

import re
import zlib

from ....cost_model.splits import GENERATED_PREFIX
from ....cost_model.splits import family_of as cost_model_family

#: One family in so many, about, is for the final judgement alone; chosen by a checksum of its name.
TEST_SHARE = 3
#: What the checksum's text begins with. Names alone (as in :mod:`memstow.cost_model.splits`) would leave three of the
#: eighteen programs of ``xla_suite`` for judgement, of two architectures; with it six of five.
SALT = "rl_agent/"

#: Architectures of programs whose names do not say them.
_ARCHITECTURES = {
    "adam_train": "transformer",
    "tf_train": "transformer",
    "decode": "llama",
    "bert4": "bert",
    "mlp_mixer": "mixer",
}
#: Endings of names: the target of an ``xla_suite`` file, the size of a model of the zoo.
_ENDING = re.compile(r"(_v4|_v4c8|_v5e|-[a-z]+)$")
#: ``resnet50`` is a ``resnet``; ``gpt2`` and ``t5`` are names of their own.
_DEPTH = re.compile(r"(?<=[a-z])\d{2,}$")


def family_of(program: str) -> str:
    """The architecture of a program, by its name: ``resnet`` of ``resnet18_v4c8``, ``resnet50-full`` and ``resnet50``.

    Training a model and running it are one family, as are lengths of a sequence and numbers of layers.
    """
    name = program.removesuffix(".program.json").removesuffix(".json")
    if name.startswith(GENERATED_PREFIX):
        return name
    while (shorter := _ENDING.sub("", name)) != name:
        name = shorter
    return _ARCHITECTURES.get(name) or _DEPTH.sub("", cost_model_family(name))


def is_test_program(program: str) -> bool:
    """Whether a program is kept for the final judgement; generated ones never are."""
    if program.startswith(GENERATED_PREFIX):
        return False
    return zlib.crc32((SALT + family_of(program)).encode()) % TEST_SHARE == 0
