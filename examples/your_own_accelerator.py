"""Describe a chip in a file, my_chip.toml beside this one, and see what more fast memory would bring."""

from pathlib import Path

import memstow
from memstow import models
from memstow.accelerator import load_accelerator

chip = load_accelerator(Path(__file__).with_name("my_chip.toml"))
model, inputs = models.build("unet", "tiny")

print(f"unet on {chip.name} ({chip.description})")
print("fast memory   planned   all slow   lower bound   copies")
for kibibytes in (16, 64, 256):
    compiled = memstow.compile(model, inputs, accelerator=chip.with_capacity(kibibytes * 1024), name="unet")
    figures = compiled.summary
    times = (figures.planned_seconds, figures.all_slow_seconds, figures.lower_bound_seconds)
    planned, slow, bound = (f"{seconds * 1e6:.1f} us" for seconds in times)
    print(f"{kibibytes:7} KiB {planned:>10} {slow:>10} {bound:>13} {figures.prefetches + figures.evictions:8}")
