"""``python -m memstow.cli``."""

from .app import main

main()
