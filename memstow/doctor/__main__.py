"""``python -m memstow.doctor [--json]``."""

import sys

from .text import run_doctor

sys.exit(run_doctor(as_json="--json" in sys.argv))
