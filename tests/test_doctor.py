from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from memstow.doctor import own, packages
from memstow.doctor.examine import Report
from memstow.doctor.own import Cache, Part
from memstow.doctor.packages import Package, examined, required_packages
from memstow.doctor.probe import Found, probe
from memstow.doctor.text import lines

REQUIREMENTS = [
    "numpy<3,>=2.0",
    "apache-tvm-ffi<0.1.15,>=0.1.14.post0",
    'matplotlib<4,>=3.10; extra == "report"',
    "ruff==0.17.5; extra == 'dev'",
]


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("print('noise'); facts['x'] = [1, 'a']", Found({"x": [1, "a"]})),
        ("import no_such_package", Found(failure="ModuleNotFoundError: No module named 'no_such_package'")),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Found(failure="crashed: SIGSEGV")),
        ("sys.exit(3)", Found(failure="exit code 3")),
        ("os._exit(0)", Found(failure="ended before its answer")),
    ],
)
def test_a_probe_survives_what_it_runs(code: str, found: Found) -> None:
    assert probe(code) == found


def test_a_probe_that_hangs_is_ended() -> None:
    assert probe("import time; time.sleep(60)", timeout_seconds=0.5) == Found(failure="no answer within 0.5 s")


def test_requirements_are_those_for_users_by_extra() -> None:
    assert required_packages(REQUIREMENTS) == [
        Package("apache-tvm-ffi", "<0.1.15,>=0.1.14.post0", ""),
        Package("numpy", "<3,>=2.0", ""),
        Package("matplotlib", "<4,>=3.10", "report"),
    ]


def test_a_package_that_is_there() -> None:
    found = examined(Package("packaging", ">=24", ""))
    assert (found.state, found.install) == ("ok", "")
    assert found.version


@pytest.mark.parametrize(
    ("package", "state", "install"),
    [
        (Package("no-such-package", ">=1", ""), "missing", "'no-such-package>=1'"),
        (Package("no-such-package", ">=1", "report"), "missing", "'memstow[report]'"),
        (Package("packaging", "<1", ""), "wrong version", "'packaging<1'"),
        (
            Package("torch", "==0.1", ""),
            "wrong version",
            "'torch==0.1' --index-url https://download.pytorch.org/whl/cpu",
        ),
    ],
)
def test_a_bad_package_comes_with_the_command_that_installs_it(package: Package, state: str, install: str) -> None:
    found = examined(package)
    assert (found.state, found.install) == (state, f"{sys.executable} -m pip install {install}")


def test_a_package_that_cannot_be_imported_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "module_of", lambda name: "no_such_module")
    found = examined(Package("packaging", ">=24", ""))
    assert (found.state, found.note) == ("broken", "ModuleNotFoundError: No module named 'no_such_module'")
    assert found.install.endswith(f"'packaging=={found.version}' --force-reinstall --no-deps")


def test_the_core_is_loaded() -> None:
    part = own.core()
    assert part.is_fine
    assert "libmemstow_core.so" in part.found


def test_a_core_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "_CORE", "raise OSError('wrong ELF class')")
    part = own.core()
    assert (part.is_fine, part.found) == (False, "OSError: wrong ELF class")
    assert " -m pip install --force-reinstall --no-deps " in part.install


def test_the_cache_is_weighed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMSTOW_CACHE", str(tmp_path / "cache"))
    assert own.cache() == Cache(str(tmp_path / "cache"), 0, 0)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "a.so").write_bytes(bytes(7))
    assert own.cache() == Cache(str(tmp_path / "cache"), 1, 7)
    monkeypatch.setenv("MEMSTOW_CACHE", str(tmp_path / "cache" / "a.so"))
    assert own.cache().problem == f"{tmp_path / 'cache' / 'a.so'} is no folder; set MEMSTOW_CACHE to one"


CORE = Part("C++ core", True, "build 1")


def report(*found: Package, core: Part = CORE) -> Report:
    return Report(
        memstow="1.0",
        place="/p",
        python="3.11.1",
        executable="/bin/python",
        system="Linux",
        cpu="CPU",
        cores=2,
        memory_bytes=3 << 30,
        gpu="none",
        packages=found,
        parts=(core,),
        cache=Cache("/c", 0, 0),
    )


def test_only_what_is_needed_is_a_problem() -> None:
    missing = Package("matplotlib", ">=3", "report", state="missing", install="pip install 'memstow[report]'")
    fine = report(Package("numpy", ">=2", "", "2.1"), missing)
    assert (fine.problems, fine.commands) == ([], [])
    text = "\n".join(lines(fine))
    assert "[report] pictures with matplotlib: pip install 'memstow[report]'" in text
    assert "- matplotlib       missing" in text
    assert text.endswith("all that is needed is there")


def test_problems_come_with_their_commands() -> None:
    crashed = Package("numpy", ">=2", "", "2.1", "broken", "crashed: SIGSEGV", "pip install numpy")
    found = report(crashed, core=Part("C++ core", False, "OSError: no", "pip install memstow"))
    assert found.problems == ["numpy: broken (crashed: SIGSEGV)", "C++ core: OSError: no"]
    assert list(lines(found))[-6:] == [
        "broken:",
        "  numpy: broken (crashed: SIGSEGV)",
        "  C++ core: OSError: no",
        "to mend it:",
        "  pip install numpy",
        "  pip install memstow",
    ]


BLOCKED = """
import sys
sys.modules["typer"] = None
sys.argv = {arguments!r}
from memstow.doctor import text
text.examine = lambda: __import__("memstow.doctor.examine", fromlist=["Report"]).Report(
    "1.0", "", "", "", "", "", 1, 1, "", (text.Package("typer", ">=0", "", state="missing", install="mend"),), (),
    __import__("memstow.doctor.own", fromlist=["Cache"]).Cache("", 0, 0))
from memstow.launch import main
main()
"""


def run_without_typer(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(arguments=["memstow", *arguments])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_the_doctor_runs_where_the_command_line_cannot() -> None:
    run = run_without_typer("doctor", "--json")
    assert run.returncode == 1
    assert json.loads(run.stdout)["problems"] == ["typer: missing"]


def test_any_other_command_sends_to_the_doctor() -> None:
    run = run_without_typer("plan", "x.json")
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith("error: the command line cannot be loaded (")
    assert run.stderr.endswith("; `memstow doctor` says what is missing and how to install it\n")
