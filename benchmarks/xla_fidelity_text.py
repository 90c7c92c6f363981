"""The written parts of ``docs/xla_msa.md``."""

from __future__ import annotations

INTRODUCTION = """# The `xla-msa` planner

Written by `python benchmarks/xla_fidelity.py ../shared/xla_suite --page docs/xla_msa.md`; do not edit.

`xla-msa` is the heuristic of a production compiler, OpenXLA's `MemorySpaceAssignment` pass, written anew from its
public sources (`xla/service/memory_space_assignment`, `xla/service/heap_simulator`) on memstow's programs. It is the
rival that other planners are measured against, so it is faithful rather than good: like XLA's own, its plan may be
slower than using no fast memory at all, and it is then not replaced by `all-slow`.

## The algorithm

| step | module | source |
| --- | --- | --- |
| seconds of instructions and copies, benefit of fast memory | `costs.py` | `cost_analysis.cc` |
| storages as versions with uses; updates in place share an offset | `values.py` | `allocation_value.h` |
| turn: memory boundedness, then size, then lifetime | `order.py` | `buffer_interval_comparator.cc` |
| cross-program prefetch: the largest parameter, before all others | `cross_program.py` | `algorithm.cc` |
| no-copy, eviction, prefetch, else slow memory; required assignments | `segments.py` | `algorithm.cc` |
| start of a prefetch: overlap of 1 copy time or more, 2 preferred | `intervals.py` | `prefetch_interval_picker.cc` |
| longest overlap or pause: 8 times the copy time of the whole fast memory | `intervals.py` | the same |
| budget: copies share the time of the instructions they overlap | `copy_resource.py` | `algorithm.cc` |
| limits on open copies | `copy_resource.py` | `algorithm.cc` |
| slices of large prefetches | `slices.py`, `prefetch.py` | `slice.cc`, `algorithm.cc` |
| write-back as long as the block can stay | `eviction.py` | `algorithm.cc` |
| best fit; the place that reaches the most later uses | `heap.py`, `workspace.py` | `heap_simulator.cc` |
| up to 4 repacks, the longest-lived block first | `repack.py` | `best_fit_repacker.cc` |
| 2 attempts; what serves less than half of what it copies is undone | `planner.py` | `algorithm.cc` |

`options.py` lists every parameter with the source of its default. Capacity, alignment, bandwidths and the limits on
open copies come from the accelerator, as does the number of cross-program prefetches
(`--max-cross-program-prefetches`).

The planner decides with XLA's own times: everything in slow memory, `max(compute, bytes / bandwidth)`. A cost model
given to it prices the finished plan only.

## Fidelity

The recorded solutions are those of `prices.json`, priced by the same timing semantics. With a cross-program prefetch on
both sides like is compared with like: XLA's plan brings the buffer in again at the end of the program where it freed
its block, and so does ours (`Options.refill_cross_program`).
"""

NOT_MODELLED = """## What is not modelled

- **Slices.** A memstow plan copies a buffer whole. Slices shape the search for a start and the copy budget as in XLA;
  the copy then begins with the first slice, or with a later one where the whole buffer does not fit so early.
- **Instructions turned into copies.** XLA replaces some copy and slice instructions by background copies. A memstow
  plan changes no instruction.
- **The memory-bound loop optimizer** (`memory_bound_loop_optimizer.cc`), which plans equal layers together and gives
  their prefetches preferred times. Files with many equal layers show the same placements at other copy times. That
  this is its doing is inferred from the sources, not recorded.
- **Scoped allocations, window prefetch, colourings**: uses of fast memory that the files do not show.
- **Activations.** XLA takes no parameter for a cross-program prefetch that looks like an activation, and looks into
  fusions to tell. Programs here do not show their insides; `cross_program.py` says what stands in for it.
- **Size of the interval search.** In the recorded plans the preferred overlap is the time of about 3.85 MB whatever the
  copy's size, at both bandwidths: the picker's `size_override`. `Options.interval_bytes` was read off the plans; it is
  cut to a quarter of the fast memory, so that small targets keep a sensible search.
"""
