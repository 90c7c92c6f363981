"""What the command line, the pipeline and the Python functions do where nothing is said; free of imports."""

DEFAULT_ACCELERATOR = "tpu_v5e"
DEFAULT_PLANNER = "greedy"
#: The analytical cost model, which prices instructions unless another is named.
ROOFLINE = "roofline"
#: Time that a planner may search.
DEFAULT_BUDGET_SECONDS = 10.0
#: Time that the commands which plan may take to prove a bound for the plan.
DEFAULT_BOUND_SECONDS = 10.0
#: Time that proving bounds may take where nothing else is asked for.
DEFAULT_TIME_LIMIT_SECONDS = 60.0
#: A plan at most this part above a proven bound counts as optimal: neither a better plan nor a larger bound is sought.
OPTIMALITY_GAP = 1e-4
