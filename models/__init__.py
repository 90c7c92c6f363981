"""The zoo: PyTorch models from configurations, with random weights and no downloads.

>>> from memstow import models
>>> "bert" in models.names()
True
>>> models.sizes("bert")
('tiny', 'full')

Importing this package loads neither torch nor transformers; `build` does.
"""

# Imported for their effect: each module registers its models.
from . import convolutional, encoders, language_models, sequence_models, training  # noqa: F401
from .registry import Entry, build, describe, entry, names, sizes
from .statistics import parameter_bytes, parameter_count

__all__ = ["Entry", "build", "describe", "entry", "names", "parameter_bytes", "parameter_count", "sizes"]
