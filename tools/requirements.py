"""Print the requirements of memstow and of the named extras, one a line, for installing them before the package."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
requirements = [*project["dependencies"], *(line for name in sys.argv[1:] for line in extras[name])]
print("\n".join(requirement.replace(" ", "") for requirement in requirements))
