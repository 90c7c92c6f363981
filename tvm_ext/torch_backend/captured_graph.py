"""A graph of TorchDynamo as a module with weights of its own, ready for export.

TorchDynamo makes arguments of everything: the model's inputs, its weights, and sizes that differ between calls. Here
weights are told from inputs by TorchDynamo's own mark (a tensor that an ``nn.Module`` holds), and sizes become numbers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from torch import fx
from torch._dynamo.utils import get_static_address_type

from ...errors import UnsupportedModelError

#: A source such as ``L['self']._modules['layer']._parameters['weight']``: the root's name, then attributes and keys.
_ROOT = re.compile(r"^L\['(\w+)'\]")
_STEP = re.compile(r"\['(\w+)'\]|\.(\w+)")
_HOLDERS = {"_modules", "_parameters", "_buffers"}


@dataclass(frozen=True)
class CapturedGraph:
    """``weights`` gives the position among the arguments of each weight by name, ``inputs`` and ``sizes`` of others."""

    module: fx.GraphModule
    weights: dict[str, int]
    inputs: tuple[int, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, module: fx.GraphModule, example: Sequence[Any]) -> CapturedGraph:
        """Tell the arguments apart.

        Raises:
            UnsupportedModelError: one is neither a tensor nor a size, or the graph reads a number out of one.
        """
        if any(node.op == "call_method" and node.target == "item" for node in module.graph.nodes):
            raise UnsupportedModelError(
                "it reads a number out of a tensor (item()), as PyTorch also does with a Python number that differs "
                "between calls; compute with a tensor in its place"
            )
        weights: dict[str, int] = {}
        inputs, sizes = [], []
        nodes = _placeholders(module.graph)
        roots = {_root(node) for node, value in zip(nodes, example, strict=True) if _is_weight(value)}
        for position, (node, value) in enumerate(zip(nodes, example, strict=True)):
            if isinstance(value, int | torch.SymInt):
                sizes.append(position)
            elif not isinstance(value, torch.Tensor):
                raise UnsupportedModelError(
                    f"the graph takes a {type(value).__name__} as {node.name!r}; expected tensors and sizes alone"
                )
            elif _is_weight(value):
                name = _weight_name(node, with_root=len(roots) > 1)
                weights[node.name if name in weights else name] = position
            else:
                inputs.append(position)
        return cls(module, weights, tuple(inputs), tuple(sizes))

    def key(self, arguments: Sequence[Any]) -> Hashable:
        """Equal for graphs that become one program when called with arguments of these shapes."""
        tensors = [(i, _kind(arguments[i])) for i in (*self.inputs, *self.weights.values())]
        sizes = [(i, int(arguments[i])) for i in self.sizes]
        return _digest(self.module), tuple(self.weights.items()), tuple(tensors), tuple(sizes), _ambient()

    def specialised(self, arguments: Sequence[Any]) -> fx.GraphModule:
        """The graph with the weights of a call in it and its sizes fixed; it takes the inputs, in their order."""
        graph = fx.Graph()
        values: dict[fx.Node, Any] = {}
        nodes = _placeholders(self.module.graph)
        for position in self.inputs:
            values[nodes[position]] = graph.placeholder(nodes[position].name)
        attributes = {
            str(node.target): attrgetter(str(node.target))(self.module)
            for node in self.module.graph.nodes
            if node.op in ("get_attr", "call_module")
        }
        for name, position in self.weights.items():
            attributes[name] = arguments[position]
            values[nodes[position]] = graph.get_attr(name)
        for position in self.sizes:
            values[nodes[position]] = int(arguments[position])
        for node in self.module.graph.nodes:
            if node.op == "output":
                graph.output(fx.node.map_arg(node.args[0], values.__getitem__))
            elif node not in values:
                values[node] = graph.node_copy(node, values.__getitem__)
        return fx.GraphModule(attributes, graph)


def _placeholders(graph: fx.Graph) -> list[fx.Node]:
    return [node for node in graph.nodes if node.op == "placeholder"]


def _is_weight(value: object) -> bool:
    return isinstance(value, torch.Tensor) and get_static_address_type(value) is not None


def _source(node: fx.Node) -> str:
    source = getattr(node, "_dynamo_source", None)
    name = getattr(source, "name", "")
    return str(name() if callable(name) else name)


def _root(node: fx.Node) -> str:
    match = _ROOT.match(_source(node))
    return match[1] if match else ""


def _weight_name(node: fx.Node, *, with_root: bool) -> str:
    """``layer.weight`` as ``named_parameters()`` has it, where the source is so plain; else the placeholder's name."""
    root = _ROOT.match(_source(node))
    if root is None:
        return node.name
    rest = _source(node)[root.end() :]
    if _STEP.sub("", rest):
        return node.name
    steps = [key or attribute for key, attribute in _STEP.findall(rest)]
    path = [step for step in steps if step not in _HOLDERS]
    return ".".join([root[1], *path] if with_root or not path else path)


def _kind(tensor: torch.Tensor) -> Hashable:
    return tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.device


def _ambient() -> Hashable:
    """What else decides which operators a graph consists of."""
    autocast = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None
    return autocast, torch.get_default_dtype()


def _digest(module: fx.GraphModule) -> str:
    """Of the code of a graph and of those in it, and of the tensors that they hold."""
    digest = hashlib.sha256()
    for name, part in module.named_modules():
        digest.update(f"{name}:{getattr(part, 'code', type(part).__qualname__)}".encode())
        for key, tensor in (*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)):
            digest.update(f"{key}:{_kind(tensor)}".encode())
            digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
