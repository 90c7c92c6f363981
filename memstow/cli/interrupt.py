"""Ctrl-C with a message that says what was kept."""

from __future__ import annotations


class Interrupted(KeyboardInterrupt):
    """The user's Ctrl-C; the text says in which phase it came and what is on disk."""
