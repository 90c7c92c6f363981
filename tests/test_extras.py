from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

import pytest

from memstow.errors import MissingPackageError
from memstow.extras import PURPOSES, needed_for, require


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(MissingPackageError) as caught:
        require("no_such_package.part", "pictures", "report")
    message = "pictures: expected no_such_package, found none; install it: pip install 'memstow[report]'"
    assert str(caught.value) == message


def test_a_package_that_is_there_is_imported() -> None:
    assert require("json.decoder", "nothing", "report").JSONDecodeError is not None


def test_what_a_broken_package_lacks_is_its_own_affair() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"), needed_for("pictures", "json", "report"):
        import no_such_dependency  # type: ignore[import-not-found]  # noqa: F401


def test_every_extra_for_users_has_a_purpose() -> None:
    found = {
        match[1] for line in metadata.requires("memstow") or () if (match := re.search(r"extra == ['\"](\w+)", line))
    }
    assert found - {"dev", "docs"} == PURPOSES.keys()


@pytest.mark.parametrize("statement", ["import memstow", "import memstow.launch", "import memstow.doctor"])
def test_the_package_is_light(statement: str) -> None:
    heavy = {"torch", "tvm", "tvm_ffi", "numpy", "pydantic", "rich", "typer"}
    code = f"import sys; {statement}; sys.exit(', '.join(sorted({heavy!r} & sys.modules.keys())) or 0)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (0, "")
