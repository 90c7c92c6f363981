from __future__ import annotations

import errno
from pathlib import Path

import pytest

from memstow.errors import InvalidInputError
from memstow.output_folder import OutputFolder

from .harness import names_in


def test_files_appear_together() -> None:
    with OutputFolder(Path("out")) as output:
        output.stage("a").write_text("1")
        output.stage("b").write_text("2")
        assert not Path("out/a").exists()
        assert output.commit() == [Path("out/a"), Path("out/b")]
    assert names_in(Path("out")) == {"a", "b"}


def test_a_full_disk_leaves_nothing() -> None:
    message = "out: cannot be written to .* make room or choose another folder"
    with pytest.raises(InvalidInputError, match=message), OutputFolder(Path("out")) as output, output.writing():
        output.stage("a").write_text("1")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not Path("out").exists()


def test_an_interruption_says_which_files_are_new() -> None:
    output = OutputFolder(Path("out"))
    assert output.describe_kept() == "nothing was written to out"
    output.kept.append("plan.json")
    assert output.describe_kept() == "out has the new plan.json; its other files are as before"
