"""``torch.compile(model, backend="memstow", options={"accelerator": "tpu_v5e", "planner": "greedy"})``.

PyTorch finds the backend by the entry point ``memstow`` of its group ``torch_dynamo_backends``; nothing needs to be
imported. Each graph that TorchDynamo captures becomes a planned program, by the pipeline of :func:`memstow.compile`.

- **Weights** are read where they lie at each call. The graph takes them as arguments, so that one compiled graph
  serves all modules of one structure.
- **What cannot be compiled** (an operator that TVM's importer lacks, a write to an argument, random numbers, tensors
  that are not on the CPU) runs in PyTorch instead, graph by graph; one :class:`~memstow.errors.MemstowWarning` says
  which, why, and what to do. Graph breaks are warned of likewise.
- **Training**: a graph through which gradients flow runs in PyTorch, with a warning. For inference write
  ``with torch.no_grad()``.
- **Shapes**: a program is for fixed shapes. Where PyTorch makes sizes symbolic, one program is compiled per set of
  shapes, at the first call with it.
- **Caches**: an equal graph with equal options is compiled once per process; machine code is kept between processes.

:func:`graphs` lists what the process has compiled and what it has not.
"""

from .backend import memstow
from .history import Graph, graphs

__all__ = ["Graph", "graphs", "memstow"]
