"""Compile a model of the zoo for a TPU v5e, compare the planned run with PyTorch's, and write the report.

python compile_zoo_model.py [MODEL]        # `memstow models` lists them; without one: mlp_mixer
"""

import sys

import torch

import memstow
from memstow import models

name = sys.argv[1] if len(sys.argv) > 1 else "mlp_mixer"
model, inputs = models.build(name, "tiny")

compiled = memstow.compile(model, inputs, accelerator="tpu_v5e", planner="greedy", name=name)

with torch.no_grad():
    torch.testing.assert_close(compiled(*inputs), model(*inputs), rtol=1e-3, atol=1e-4)
print("the planned program computes what PyTorch computes")

figures = compiled.summary
print(f"{figures.kernels} kernels, {figures.weight_bytes / 1024:.0f} KiB of weights, on {compiled.accelerator.name}")
print(f"all in slow memory {figures.all_slow_seconds * 1e6:8.2f} us")
print(f"planned            {figures.planned_seconds * 1e6:8.2f} us")
print(f"lower bound        {figures.lower_bound_seconds * 1e6:8.2f} us")
print("report:", compiled.report("report.html"))
