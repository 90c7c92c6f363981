"""The documentation agrees with the code, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tool_modules

from memstow import planners
from memstow.accelerator import Accelerator, DmaEngine, Memory
from memstow.schemas.keys import document_keys

generate_docs = tool_modules.load("generate_docs")
docstring_roles = tool_modules.load("docstring_roles")
ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_generated_parts_are_up_to_date() -> None:
    assert not list(generate_docs.outdated()), "run: make docs-tables"


def test_every_generated_part_has_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in generate_docs.PARTS:
        assert f"<!-- begin: {name} -->" in text and f"<!-- end: {name} -->" in text


def test_a_part_that_is_out_of_date_is_written_anew() -> None:
    page = "Before.\n<!-- begin: planner_table -->\nOUTDATED\n<!-- end: planner_table -->\nAfter.\n"
    new = generate_docs.generated(page)
    assert new.startswith("Before.\n") and new.endswith("After.\n") and "OUTDATED" not in new
    assert all(f"| `{name}` |" in new for name in planners.names())
    assert generate_docs.generated(new) == new
    other = page.replace("planner_table", "made_elsewhere")
    assert generate_docs.generated(other) == other


@pytest.mark.parametrize("name", ["accelerator", "program", "plan"])
def test_every_key_of_a_file_is_described(name: str) -> None:
    keys = document_keys(name)
    assert len(keys) == len({key.path for key in keys})
    assert [key.path for key in keys if not key.description.endswith(".")] == []


def test_keys_of_an_accelerator_have_paths_defaults_and_needs() -> None:
    keys = {key.path: key for key in document_keys("accelerator")}
    fields = {*Accelerator.model_fields, *(f"dma.{name}" for name in DmaEngine.model_fields)}
    fields |= {f"{memory}.{name}" for memory in ("fast_memory", "slow_memory") for name in Memory.model_fields}
    fields |= {"matrix_unit.depth", "matrix_unit.columns"}
    assert {path.removesuffix(".*") for path in keys} == fields
    assert keys["fast_memory.capacity_bytes"].is_required
    assert (keys["fast_memory.alignment_bytes"].is_required, keys["fast_memory.alignment_bytes"].default) == (False, 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = set(re.findall(r"[\w/]+\.md", navigation))
    assert listed == {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See :class:`~memstow.timing.Roofline` and :func:`get`.", "See `Roofline` and `get`."),
        ("``x`` bytes", "`x` bytes"),
        ("A queue::\n\n    code", "A queue:\n\n    code"),
        ("One.\n\n::\n\n    code", "One.\n\n\n    code"),
        (">>> f(1)  # doctest: +SKIP\n... g()\n", "```pycon\n>>> f(1)\n... g()\n```\n"),
    ],
)
def test_docstrings_become_markdown(text: str, expected: str) -> None:
    assert docstring_roles.in_markdown(text) == expected
