"""JSON Schemas (draft 2020-12) of memstow's documents, for editors and foreign tools.

The ``*.schema.json`` files beside this module are generated from the document classes; ``python -m memstow.schemas``
rewrites them. What a schema cannot say (unique ids, powers of two, that a plan fits its program) is left to the
loaders and to :mod:`memstow.validator`.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from ..accelerator import Accelerator
from ..errors import UnknownNameError
from ..plan import MemoryPlan
from ..program import Program
from ..schema import Document
from ..summary import Summary

__all__ = ["DOCUMENTS", "file_name", "generate", "load_schema", "schema_text"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: Document classes by schema name.
DOCUMENTS: dict[str, type[Document]] = {
    "accelerator": Accelerator,
    "plan": MemoryPlan,
    "program": Program,
    "summary": Summary,
}


def file_name(name: str) -> str:
    """The file that holds a schema."""
    return f"{name}.schema.json"


def load_schema(name: str) -> dict[str, Any]:
    """The shipped schema of a document kind: a key of :data:`DOCUMENTS`.

    Raises:
        UnknownNameError: there is no such schema; suggests the nearest name.
    """
    if name not in DOCUMENTS:
        raise UnknownNameError("schema", name, DOCUMENTS)
    text = (resources.files(__package__) / file_name(name)).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def generate(name: str) -> dict[str, Any]:
    """The schema of a document class as it is now."""
    schema = {"$schema": DIALECT, **DOCUMENTS[name].model_json_schema()}
    if name == "plan":
        schema["$defs"]["Access"]["oneOf"] = [_integer("operand"), _integer("result")]
    return schema


def schema_text(name: str) -> str:
    """:func:`generate` as the text of its file."""
    return json.dumps(generate(name), indent=1) + "\n"


def _integer(key: str) -> dict[str, Any]:
    return {"required": [key], "properties": {key: {"type": "integer"}}}
