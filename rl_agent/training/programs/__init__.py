"""Problems to train on.

>>> from memstow.rl_agent.training.programs import ProblemSettings, TrainingProblems
>>> problems = TrainingProblems(ProblemSettings(longest=100))
>>> drawn = problems.draw(np.random.default_rng(0))            # doctest: +SKIP
>>> problems.by_key(drawn.key).problem == drawn.problem        # doctest: +SKIP
True
"""

from .families import family_of, is_test_program
from .generator import KINDS, generate_problem
from .problems import NamedProblem, ProblemSettings, TrainingProblems

__all__ = [
    "KINDS",
    "NamedProblem",
    "ProblemSettings",
    "TrainingProblems",
    "family_of",
    "generate_problem",
    "is_test_program",
]
