"""Reads the tables of the catalogue file field by field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class CatalogError(ValueError):
    """The catalogue is invalid, or lacks a model. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """One table of the file. Its methods read fields and raise ``CatalogError``.

    ``place`` says where the table is: file, model, table.
    """

    place: str
    values: dict[str, Any]

    def error(self, name: str, problem: str) -> CatalogError:
        """Make the error of one field."""
        return CatalogError(f"{self.place}: {name}: {problem}")

    def only(self, *names: str) -> None:
        """Refuse fields with other names."""
        for name in self.values:
            if name not in names:
                raise self.error(name, f"is unknown; known are {', '.join(names)}")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not blank; without ``default`` it must be there."""
        value = self.values.get(name, default)
        if value is None:
            raise self.error(name, "is missing")
        if not isinstance(value, str) or (name in self.values and not value.strip()):
            raise self.error(name, "must be text that is not blank")
        return value

    def integer(self, name: str, minimum: int) -> int:
        """Return a whole number, which must be there."""
        value = self.values.get(name)
        if value is None:
            raise self.error(name, "is missing")
        if type(value) is not int or value < minimum:
            raise self.error(name, f"must be a whole number of at least {minimum}")
        return value

    def seconds(self, name: str) -> float:
        """Return a number of seconds above 0."""
        value: Any = self.values.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 < float(value) < math.inf:
            raise self.error(name, "must be a number of seconds above 0")
        return float(value)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """Return one of these texts; the first one if the field is missing."""
        value = self.text(name, choices[0])
        if value not in choices:
            raise self.error(name, f"must be one of {', '.join(choices)}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return True or False; the default if the field is missing."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; empty if the field is missing."""
        values = self.values.get(name, [])
        if not isinstance(values, list) or not all(
            isinstance(v, str) and v for v in values
        ):
            raise self.error(name, "must be a list of texts that are not empty")
        return tuple(values)

    def table(self, name: str) -> CatalogTable | None:
        """Return a table inside this one, if it is there."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.error(name, "must be a table")
        return CatalogTable(f"{self.place}: {name}", value)
