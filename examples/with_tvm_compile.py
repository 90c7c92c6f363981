"""Use memstow in a script for Apache TVM, in place of TVM's own pipeline of passes."""

import torch
import tvm
from torch import nn
from tvm import relax
from tvm.relax.frontend.torch import from_exported_program

import memstow

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)).eval()
x = torch.randn(8, 64)
module = from_exported_program(torch.export.export(model, (x,)))


def show(problem, plan):
    print(f"{len(problem.program.instructions)} kernels, {plan.peak_bytes} bytes of fast memory", end=", ")
    print(f"{plan.simulated_seconds * 1e6:.2f} us planned")


pipeline = memstow.pipeline(accelerator="tpu_v5e", planner="greedy", on_plan=show)
executable = tvm.compile(module, target="llvm", relax_pipeline=pipeline)

machine = relax.VirtualMachine(executable, tvm.cpu())
(output,) = machine["main"](tvm.runtime.from_dlpack(x))
torch.testing.assert_close(torch.from_numpy(output.numpy()), model(x).detach(), rtol=1e-4, atol=1e-5)
print("TVM's virtual machine computes what PyTorch computes")
