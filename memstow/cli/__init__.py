"""The command line, ``memstow``: compile, plan, check, models, accelerators.

Neither torch nor tvm is imported before a command needs it.
"""

from .app import app, main

__all__ = ["app", "main"]
