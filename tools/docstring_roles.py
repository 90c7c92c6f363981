"""Docstrings in Markdown: an extension of Griffe that turns the few words of reStructuredText in them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":[a-z]+:`~?(?:[^`<]*\.)?([^`]+)`")
_SESSION = re.compile(r"^(?:(?:>>>|\.\.\.) .*\n?)+", re.MULTILINE)
_DOUBLE_COLON = re.compile(r"^::$\n?|(?<=\w):(?=:$)", re.MULTILINE)


class DocstringRoles(griffe.Extension):
    """Rewrites every docstring by :func:`in_markdown`."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = in_markdown(obj.docstring.value)


def in_markdown(text: str) -> str:
    """Roles and double backticks as code, a paragraph's ``::`` as a colon, sessions as blocks of code."""
    text = _DOUBLE_COLON.sub("", _ROLE.sub(r"`\1`", text).replace("``", "`"))
    return _SESSION.sub(lambda found: f"```pycon\n{_bare(found[0])}\n```\n", text)


def _bare(session: str) -> str:
    return re.sub(r" +# doctest: .*", "", session).rstrip()
