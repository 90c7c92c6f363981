"""Base of every document that memstow reads or writes: frozen, strict, unknown keys rejected with their path."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import InvalidInputError


class Document(BaseModel):
    """A frozen, validated record with JSON in and out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    @classmethod
    def parse(cls, data: object, *, where: str) -> Self:
        """Validate ``data``; ``where`` (a path or a name) opens the error message."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InvalidInputError(describe_validation_error(error, where)) from None

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a JSON file.

        Raises:
            InvalidInputError: the file is absent, truncated, no JSON, or does not fit the schema.
        """
        return cls.parse(read_json(path), where=str(path))

    def save(self, path: str | Path) -> None:
        """Write the document as JSON; the file appears whole or not at all."""
        write_text(path, self.model_dump_json(indent=1, by_alias=True, exclude_none=True) + "\n")


def describe_validation_error(error: ValidationError, where: str) -> str:
    """One line per problem: the key's path, what is wrong, what was found."""
    return f"{where}: " + "; ".join(_problems(error))


def _problems(error: ValidationError) -> Iterable[str]:
    shown = error.errors()[:5]
    for item in shown:
        path = ".".join(str(part) for part in item["loc"]) or "document"
        if item["type"] == "extra_forbidden":
            yield f"unknown key {path!r}; remove it or check its spelling"
        elif item["type"] == "missing":
            yield f"missing key {path!r}; add it"
        else:
            yield f"{path}: {item['msg']}, found {item.get('input')!r:.80}"
    if error.error_count() > len(shown):
        yield f"and {error.error_count() - len(shown)} more"


def read_json(path: str | Path) -> Any:
    """Parse a JSON file.

    Raises:
        InvalidInputError: the file is absent or unreadable, or its text is no JSON (truncated, for example).
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path}: expected JSON text in UTF-8, found binary data") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInputError(
            f"{path}: expected JSON, found an error at line {error.lineno} column {error.colno} ({error.msg}); "
            "is the file truncated?"
        ) from None


def write_text(path: str | Path, text: str) -> None:
    """Write a file whole or not at all: a temporary file in the same folder, then a rename."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | Path, data: bytes) -> None:
    """Binary twin of :func:`write_text`."""
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise InvalidInputError(f"{target}: cannot be written ({error.strerror}); choose another folder") from None
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        temporary.chmod(0o644)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
