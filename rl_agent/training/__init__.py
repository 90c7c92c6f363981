"""Training of the agent that plays MallocGame."""
