"""The keys of a document as its schema describes them, in rows for a listing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import load_schema


@dataclass(frozen=True)
class Key:
    """One key: ``path`` from the document's root, ``[]`` after a list, ``.*`` for the names in a table of them.

    ``type`` is the schema's word, or the allowed values. ``default`` says nothing where the key ``is_required``.
    """

    path: str
    type: str
    description: str
    is_required: bool
    default: object


def document_keys(name: str) -> list[Key]:
    """Every key of a document kind, tables before what is in them.

    Raises:
        UnknownNameError: there is no such schema; suggests the nearest name.
    """
    schema = load_schema(name)
    return list(_keys(schema, schema.get("$defs", {}), ""))


def _keys(table: Mapping[str, Any], definitions: Mapping[str, Any], prefix: str) -> Iterator[Key]:
    required = table.get("required", ())
    for name, entry in table["properties"].items():
        path, node = f"{prefix}{name}", _resolved(entry, definitions)
        while "items" in node or isinstance(node.get("additionalProperties"), Mapping):
            path += "[]" if "items" in node else ".*"
            node = _resolved(node.get("items") or node["additionalProperties"], definitions)
        description = " ".join(entry.get("description", "").split())
        yield Key(path, _type(node), description, name in required, entry.get("default"))
        if "properties" in node:
            yield from _keys(node, definitions, f"{path}.")


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference refers to; of an entry that may be null, what else it may be."""
    while "$ref" in node or "anyOf" in node:
        if "$ref" in node:
            node = definitions[node["$ref"].rpartition("/")[2]]
        else:
            options = [option for option in node["anyOf"] if option.get("type") != "null"]
            if len(options) > 1:
                return {"type": " or ".join(str(option["type"]) for option in options)}
            node = options[0]
    return node


def _type(node: Mapping[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(map(str, node["enum"]))
    return "table" if node["type"] == "object" else str(node["type"])
