"""``torch.compile(backend="memstow")`` on every tiny model of the zoo: one program each, with PyTorch's numbers."""

from __future__ import annotations

import pytest
import torch

from memstow import models
from memstow.tvm_ext.torch_backend import graphs

#: Models of which PyTorch keeps a graph, each with a part of the reason.
FALLBACKS: dict[str, str] = {}


@pytest.mark.parametrize("name", models.names())
def test_a_model_of_the_zoo(name, tmp_path, monkeypatch):
    monkeypatch.setenv("MEMSTOW_CACHE", str(tmp_path))
    torch._dynamo.reset()
    module, inputs = models.build(name, "tiny")
    before = len(graphs())
    with torch.no_grad():
        expected = module(*inputs)
        found = torch.compile(module, backend="memstow", options={"accelerator": "tpu_v5e"})(*inputs)
    pairs = zip(*(torch.utils._pytree.tree_leaves(result) for result in (found, expected)), strict=True)
    for output, reference in pairs:
        scale = reference.abs().max().item()
        torch.testing.assert_close(output, reference, rtol=1e-3, atol=1e-4 * scale)
    (graph,) = graphs()[before:]
    if name in FALLBACKS:
        assert FALLBACKS[name] in graph.fallback
    else:
        assert graph.fallback is None
