"""Docstrings in Markdown: an extension of Griffe that turns the few words of reStructuredText in them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":[a-z]+:`~?(?:[^`<]*\.)?([^`]+)`")


class DocstringRoles(griffe.Extension):
    """``:class:`~package.Name``` becomes code, a paragraph's ``::`` a colon."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring is not None:
            obj.docstring.value = in_markdown(obj.docstring.value)


def in_markdown(text: str) -> str:
    """The text with roles as code; other Markdown is left as it is."""
    text = _ROLE.sub(r"`\1`", text).replace("``", "`")
    return re.sub(r"^::$\n?|(?<=\w):(?=:$)", "", text, flags=re.MULTILINE)
