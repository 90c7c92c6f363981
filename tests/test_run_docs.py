"""``tools/run_docs.py``: what it runs, what it leaves out, and how it says what went wrong."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import tool_modules

run_docs = tool_modules.load("run_docs")


def page_of(folder: Path, text: str) -> Path:
    """A page; ~~~ stands for the fences of its blocks."""
    path = folder / "page.md"
    path.write_text(dedent(text).replace("~~~", "```"), encoding="utf-8")
    return path


def failure(folder: Path, text: str) -> str:
    with pytest.raises(run_docs.DocsError) as caught:
        run_docs.run_page(page_of(folder, text))
    return str(caught.value)


def test_blocks_of_a_page_share_a_folder_and_run_in_order(tmp_path: Path) -> None:
    page = page_of(
        tmp_path,
        """\
        ~~~text title="name.txt"
        ada
        ~~~
        ~~~python
        from pathlib import Path

        Path("greeting.txt").write_text("hello " + Path("name.txt").read_text())
        ~~~
        ~~~sh
        # a comment
        test "$(cat greeting.txt)" = \\
          "hello ada"

        test ! -e page.md
        ~~~
        ~~~console
        $ cat greeting.txt
        hello   ada
        $ printf 'one\\ntwo\\nthree\\n'
        one
        ...
        $ true
        ~~~
        """,
    )
    assert run_docs.run_page(page)[0] == 6


def test_a_failure_names_page_line_command_and_output(tmp_path: Path) -> None:
    found = failure(
        tmp_path,
        """\
        Text.

        ~~~sh
        true
        echo to stdout; echo to stderr >&2; exit 3
        ~~~
        """,
    )
    assert found.startswith(f"{tmp_path / 'page.md'}:5: echo to stdout;")
    assert "exit code 3" in found and "to stdout\nto stderr" in found


def test_a_script_that_fails_is_named_by_its_line(tmp_path: Path) -> None:
    found = failure(tmp_path, "\n~~~python\nraise SystemExit('no')\n~~~\n")
    assert found.startswith(f"{tmp_path / 'page.md'}:3: python line_3.py") and found.endswith("no\n")


@pytest.mark.parametrize("shown", ["two", "one\ntwo\nthree", "... three"])
def test_output_that_differs_is_a_failure(tmp_path: Path, shown: str) -> None:
    found = failure(tmp_path, f"~~~console\n$ printf 'one\\ntwo\\n'\n{shown}\n~~~\n")
    assert f"the page says\n{shown}\nthe command says\none\ntwo" in found


def test_what_takes_too_long_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_docs, "TIMEOUT_SECONDS", 0.1)
    assert "not done after 0.1 s" in failure(tmp_path, "~~~sh\nsleep 20\n~~~\n")


def test_what_is_left_out_is_listed_with_its_reason(tmp_path: Path) -> None:
    page = page_of(
        tmp_path,
        """\
        <!-- not run: takes hours -->
        ~~~sh
        make bench
        ~~~
        <!-- not run: not about the next block -->
        Text.

        ~~~sh
        true
        ~~~
        ~~~text
        just text
        ~~~
        ~~~
        $ memstow --version
        ~~~
        """,
    )
    assert run_docs.run_page(page)[0] == 1
    assert list(run_docs.left_out(page)) == [
        f"{page}:3: takes hours: make bench",
        f"{page}:15: shown as text: memstow --version",
    ]


def test_the_environments_commands_come_first(tmp_path: Path) -> None:
    run_docs.run_page(page_of(tmp_path, "~~~console\n$ memstow --version\nmemstow ...\n~~~\n"))


def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    page = page_of(tmp_path, "~~~sh\ntrue\n~~~\n")
    monkeypatch.setattr("sys.argv", ["run_docs.py", str(page)])
    assert run_docs.main() == 0
    assert "page.md:1: 1 commands" in capsys.readouterr().out
    page_of(tmp_path, "~~~sh\nfalse\n~~~\n")
    assert run_docs.main() == 1
    assert "FAILED" in capsys.readouterr().out


def test_readme_and_all_pages_are_run() -> None:
    found = {page.name for page in run_docs.pages()}
    assert {"README.md", "quickstart.md", "game.md", "index.md"} <= found
    assert any(page.parent.name == "api" for page in run_docs.pages())
