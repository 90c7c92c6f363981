"""How all charts made with matplotlib look."""

from __future__ import annotations

#: Colours of text, of what stands back, and of grid lines.
INK, FAINT, GRID = "#1f2430", "#6b7280", "#e5e7eb"
#: For ``matplotlib.rc_context``; pictures of the same content are the same file.
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "svg.fonttype": "none",
    "svg.hashsalt": "memstow",
}
