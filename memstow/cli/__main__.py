"""``python -m memstow.cli``."""

from ..launch import main

main()
