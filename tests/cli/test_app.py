from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from memstow.cli.commands import COMMANDS, LazyCommand
from memstow.cli.console import format_bytes, format_count, format_seconds
from memstow.cli.tables import print_slow_tensors
from memstow.explain import SlowTensor

from .harness import memstow, refused


def test_help_imports_no_large_package() -> None:
    code = (
        "import sys; from memstow.cli import app; app(['--help'], standalone_mode=False);"
        "sys.exit(sorted({'torch', 'tvm', 'tvm_ffi', 'numpy', 'pydantic', 'transformers'} & sys.modules.keys()) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    for command in COMMANDS:
        assert command in run.stdout


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_list_of_commands_says_how_the_help_of_each_begins(command: LazyCommand) -> None:
    loaded = command.load()
    assert loaded.name == command.name
    assert loaded.help.partition("\n")[0] == command.summary


def test_the_nearest_command_is_suggested() -> None:
    assert "No such command 'exlore'. Did you mean 'explore'" in refused("exlore")


def test_a_group_of_commands_has_its_own_help() -> None:
    result = memstow("cost-model", "--help")
    assert (result.code, "predict" in result.out, "--install-completion" in result.out) == (0, True, False)


def test_a_package_that_is_not_installed_sends_to_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(command: LazyCommand) -> None:
        raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")

    monkeypatch.setattr(LazyCommand, "load", load)
    expected = "error: No module named 'pydantic'; `memstow doctor` says what is missing and how to install it\n"
    assert refused("models") == expected


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - {"agent", "cost-model"}))
def test_every_command_has_help_and_json(command: str) -> None:
    result = memstow(command, "--help")
    assert result.code == 0
    assert "--json" in result.out


def test_an_unknown_option_is_bad_input() -> None:
    assert "--colour" in refused("models", "--colour")


def test_the_version_is_printed() -> None:
    assert memstow("--version").out.startswith("memstow ")


def slow_tensor(name: str, cost_seconds: float) -> SlowTensor:
    return SlowTensor(0, name, "input", 4, 1, 1, cost_seconds, "no-room", f"Why {name}.")


def test_the_tensors_that_cost_most_are_printed_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    costs = [0.0, 3.0, 1.0, 2.0, 6.0, 5.0, 4.0]
    print_slow_tensors([slow_tensor(f"t{cost:.0f}", cost) for cost in costs])
    printed = capsys.readouterr().out
    assert "Left in slow memory: 7 tensors, 6 of them at a cost, the highest first" in printed
    assert re.findall(r"Why t(\d)\.", printed) == ["6", "5", "4", "3", "2"]


def test_slow_tensors_at_no_cost_are_only_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_slow_tensors([slow_tensor("x", 0.0)])
    assert capsys.readouterr().out == "Left in slow memory: 1 tensor, 0 of them at a cost\n"


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (format_bytes, 0, "0 B"),
        (format_bytes, 1023, "1023 B"),
        (format_bytes, 1536, "1.5 KiB"),
        (format_bytes, 112 * 2**20, "112 MiB"),
        (format_seconds, 0.0, "0 s"),
        (format_seconds, 2.5e-9, "2.5 ns"),
        (format_seconds, 1.2345e-3, "1.234 ms"),
        (format_seconds, 90.0, "90 s"),
        (format_count, 999, "999"),
        (format_count, 197e12, "197 T"),
    ],
)
def test_figures_as_people_read_them(function: Callable[[float], str], value: float, expected: str) -> None:
    assert function(value) == expected
