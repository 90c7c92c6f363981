"""The fluid relaxation: placement, capacity and copying of a program as one linear program.

Every valid plan of the analytical cost model maps to a solution of the linear program that costs no more, so its
optimum is a lower bound; with the variables marked *whole* restricted to {0, 1} it is a larger one. ``docs/bounds.md``
has the proof; this is the model.

Touches of one storage are numbered i = 0, 1, ... at times ``t_i``; gap i lies before touch i, behind touch i - 1. All
variables are fractions in [0, 1] unless a unit is given::

    x_i    whole: touch i is served from fast memory
    k_i    whole: the data stays in fast memory over gap i
    f_i,n  part prefetched in gap i in the slots of tree node n (``slots.py``);  h_i: in the stall right before touch i
    q_i    part that a prefetch open at read i has brought;  c_i: what of it was there before gap i
    d_i,n  part evicted in gap i of data that does not stay over the gap;  a part of h likewise
    w_i,n  part evicted in gap i of data that stays (a write-back)
    e_t    seconds of instruction t and of stalls before it in which a copy runs that is not due there
    o_t    occupied fraction of fast memory

    minimise  sum e_t + seconds of all h
    e_t   >=  compute + overhead;   e_t >= slow bytes / slow bandwidth + fast bytes / fast bandwidth + overhead
    x_i + q_i  <=  k_i + c_i + f_i + h_i;  q_i <= c_i + f_i + h_i            data comes from somewhere
    k_i   <=  x_{i-1};  c_i <= q_{i-1}
    evicted by touch i since write v  >=  x_v - x_i;  >= f_i + x_v - 1       slow memory has what is read there
    copy seconds in the slots of a node  <=  sum of e_t - slow bytes / slow bandwidth over its slots
    o_t   =   data served, staying, arriving or leaving at t                 <= 1

Relaxed: copies are divisible (and placements, unless whole); a copy occupies only what has arrived or has not yet left
instead of its whole block; blocks have sizes but no offsets; the queue has no order; no limit on open copies.

Kept from integrality: a coefficient of the memory time of t never exceeds memory time minus compute time, since a
touch that makes t compute-bound alone saves no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..accelerator import Accelerator
from ..program import Instruction, Program
from ..timing import roofline_seconds
from .fluid_life import BLOCKS, FLUID, LifeRows
from .fluid_rows import SCALE, SharedRows, Step
from .linear import BoxedProgram
from .lives import Life, cut


def fluid_program(
    program: Program,
    accelerator: Accelerator,
    found: Sequence[Life],
    *,
    window: range | None = None,
    whole_blocks: bool = False,
) -> tuple[BoxedProgram, float]:
    """The linear program and the seconds of one unit of its objective. Holds for the analytical cost model alone.

    ``found`` are all :func:`~memstow.bounds.lives.lives` of the problem. With a ``window`` of instruction times: what
    every plan needs for those alone, stalls before them included (and the stall at the end, if the window reaches
    it). ``whole_blocks`` adds the block variables, which change the integer program's optimum alone.
    """
    window = window or range(len(program.instructions))
    all_slow = sum(roofline_seconds(accelerator, step, _bytes(step), 0) for step in program.instructions)
    builder = SharedRows(accelerator, len(window), all_slow / SCALE if all_slow > 0 else 1.0)
    parts = (cut(life, window, len(program.instructions)) for life in found)
    models = [LifeRows(builder, life, BLOCKS if whole_blocks else FLUID) for life in parts if life is not None]
    for model in models:
        model.build()
    for t, step in enumerate(program.instructions[window.start : window.stop]):
        _instruction(builder, t, step)
    builder.capacity()
    crossing = [(model.crossing, 1.0) for model in models if model.crossing is not None]
    if crossing:
        builder.at_most(float(accelerator.max_cross_program_prefetches), *crossing)
    return builder.lp.freeze(), builder.unit_seconds


def _instruction(builder: SharedRows, t: int, step: Instruction) -> None:
    part, trips = builder.accelerator, step.trip_count
    per_slow = trips / part.slow_memory.bandwidth
    # Fast memory may be the slower one. A plan then reads data that is in both from slow memory: count the better.
    per_fast = min(per_slow, trips / part.fast_memory.bandwidth)
    overhead = trips * part.launch_overhead_seconds
    compute, memory = trips * step.compute_seconds, per_slow * _bytes(step)
    gains = ((touch.x, touch.bytes * (per_slow - per_fast), touch.bytes * per_slow) for touch in builder.served[t])
    least = compute + overhead
    builder.instruction(t, Step(least, max(least, memory + overhead), memory), gains)


def _bytes(step: Instruction) -> int:
    return sum(entry.bytes_accessed for entry in step.operands + step.results)
