"""What-if for chip designers: programs planned for every variant of an accelerator on a grid.

An *axis* is a parameter of the accelerator's description with values; a *point* is one program planned for one variant;
the *front* has the variants that no other beats in time without more capacity, bandwidth or arithmetic.

>>> from memstow.accelerator import load_accelerator
>>> from memstow.explore import Grid, parse_axes
>>> base = load_accelerator("ethos_u85")
>>> grid = Grid(base, parse_axes(["capacity=256KiB..1MiB", "slow_bandwidth=x0.5..x2"], base))
>>> len(grid.variants), [axis.show(axis.values[0]) for axis in grid.axes]
(9, ['256 KiB', '12 GB/s'])
"""

from __future__ import annotations

from .assembly import collect
from .grid import Axis, Grid, Variant, parse_axes
from .journal import Journal
from .measure import Task, measure_here
from .parameters import PARAMETERS, Parameter, describe_values
from .results import MEAN, ExploreResults, ExploreSettings, Point
from .table import points_csv

__all__ = [
    "MEAN",
    "PARAMETERS",
    "Axis",
    "ExploreResults",
    "ExploreSettings",
    "Grid",
    "Journal",
    "Parameter",
    "Point",
    "Task",
    "Variant",
    "collect",
    "describe_values",
    "measure_here",
    "parse_axes",
    "points_csv",
]
