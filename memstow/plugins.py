"""What other packages add to memstow: objects by name, through entry points, or handed over directly."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from .errors import InvalidInputError


@dataclass(frozen=True)
class PluginGroup:
    """One group of entry points. Each names a class or a function without arguments that returns the object.

    ``entry_points`` is the group's name in ``pyproject.toml``, ``kind`` what an object of it is called in messages,
    ``method`` what such an object must offer.
    """

    entry_points: str
    kind: str
    method: str

    def installed(self) -> dict[str, EntryPoint]:
        """The entry points of the installed packages by name; nothing is imported."""
        return {point.name: point for point in entry_points(group=self.entry_points)}

    def load(self, name: str) -> object:
        """Import and make the object of an installed name.

        Raises:
            InvalidInputError: it cannot be imported or made, or lacks the method.
        """
        point = self.installed()[name]
        where = f"{self.kind} {name!r} (entry point {point.value!r})"
        try:
            made = point.load()()
        except Exception as error:  # foreign code may raise anything
            found = f"{type(error).__name__}: {error}"
            raise InvalidInputError(
                f"{where}: cannot be loaded ({found}); check the package that provides it"
            ) from error
        return self._checked(made, where)

    def made(self, given: object) -> object:
        """What a caller hands over in place of a name: an object, or a class that is called without arguments.

        Raises:
            InvalidInputError: it is neither.
        """
        if isinstance(given, type) and callable(getattr(given, self.method, None)):
            given = given()
        return self._checked(given, self.kind)

    def _checked(self, made: object, where: str) -> object:
        if isinstance(made, type) or not callable(getattr(made, self.method, None)):
            found = made.__name__ if isinstance(made, type) else type(made).__name__
            raise InvalidInputError(f"{where}: expected an object with a {self.method}() method, found {found}")
        return made
