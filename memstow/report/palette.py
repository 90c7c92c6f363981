"""The colours of pages and pictures: for each meaning one in light mode and one in dark mode."""

from __future__ import annotations

COLOURS: dict[str, tuple[str, str]] = {
    "ground": ("#f3f5f8", "#0e131a"),
    "panel": ("#ffffff", "#171e27"),
    "plot": ("#f8f9fb", "#121921"),
    "ink": ("#18212f", "#e7ecf3"),
    "muted": ("#5c6879", "#98a5b6"),
    "line": ("#dfe4eb", "#2a3441"),
    "grid": ("#e9edf2", "#222b36"),
    "accent": ("#3457d5", "#7d97ff"),
    "accent-ink": ("#ffffff", "#0e131a"),
    "accent-soft": ("#e8edfc", "#1f2a48"),
    "label": ("#10151d", "#0b1017"),
    # Tensors, by kind.
    "parameter": ("#6ba3e0", "#5b9ae6"),
    "constant": ("#9aa8ba", "#8795a9"),
    "input": ("#b68adb", "#b584e0"),
    "intermediate": ("#f2ab5f", "#e99a45"),
    "output": ("#58b98b", "#4dbb89"),
    # What bounds a kernel, and waiting.
    "compute": ("#5666d6", "#7482ee"),
    "memory": ("#35a0a2", "#3fb0b2"),
    "fast": ("#9fd6c9", "#a5dccf"),
    "overhead": ("#a3adba", "#6d7a8a"),
    "stall": ("#d63a45", "#f4656e"),
    # Copies.
    "prefetch": ("#2b5f9e", "#8fb8ee"),
    "evict": ("#b9478b", "#e07fba"),
    "bound": ("#18212f", "#e7ecf3"),
    "good": ("#1a7f52", "#4dbb89"),
    "bad": ("#c62f3b", "#f4656e"),
    # Plans, in the order in which they are given; the last is the plan of another capacity.
    "plan-a": ("#3457d5", "#7d97ff"),
    "plan-b": ("#0f8a7a", "#3cc2ae"),
    "plan-c": ("#8a4fc4", "#bb8cf0"),
    "plan-d": ("#a8650f", "#e0a04c"),
    "plan-w": ("#b3355f", "#f07fa4"),
}
#: What bounds a kernel, in words, by the colour's name.
BOUND_COLOURS = {"compute": "compute", "slow memory": "memory", "fast memory": "fast", "overhead": "overhead"}


def light(name: str) -> str:
    """The colour in light mode."""
    return COLOURS[name][0]


def style_rules() -> str:
    """Custom properties of a style sheet, one a colour."""
    lines = (f"--{name}: light-dark({day}, {night});" for name, (day, night) in COLOURS.items())
    return ":root {\n  " + "\n  ".join(lines) + "\n}"
