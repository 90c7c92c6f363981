"""What the command line, the pipeline and the Python functions do where nothing is said; free of imports."""

DEFAULT_ACCELERATOR = "tpu_v5e"
DEFAULT_PLANNER = "greedy"
#: Time that a planner may search.
DEFAULT_BUDGET_SECONDS = 10.0
#: Time that proving bounds may take.
DEFAULT_TIME_LIMIT_SECONDS = 60.0
