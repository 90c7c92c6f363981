"""Use memstow as a backend of torch.compile, and see which graphs it planned and which PyTorch keeps."""

import torch
from torch import nn

from memstow.tvm_ext.torch_backend import graphs


class Spectral(nn.Module):
    """Its Fourier transform has no kernel in TVM's importer, so one graph stays with PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Linear(64, 64)
        self.after = nn.Linear(33, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.relu(self.before(x))
        torch._dynamo.graph_break()
        spectrum = torch.fft.rfft(hidden).abs()
        torch._dynamo.graph_break()
        return self.after(spectrum)


torch.manual_seed(0)
model = Spectral().eval()
compiled = torch.compile(model, backend="memstow", options={"accelerator": "tpu_v5e", "planner": "greedy"})

x = torch.randn(4, 64)
with torch.no_grad():  # planned programs are for inference
    torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)

for graph in graphs():
    if graph.plan is None:
        print(f"{graph.name}: PyTorch, because {graph.fallback}")
    else:
        print(f"{graph.name}: planned, {len(graph.problem.program.instructions)} kernels")
