"""Checks of the types of values read from JSON."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def flag(value: Any) -> bool:
    """Return a boolean of JSON. Raises ``TypeError``."""
    if isinstance(value, bool):
        return value
    raise TypeError(f"{type(value).__name__}, not bool")


def typed(value: Any, *types: type[T]) -> T:
    """Return a value of JSON that has one of these types. Raises ``TypeError``."""
    # Booleans are integers in Python, but not in JSON.
    if isinstance(value, types) and not isinstance(value, bool):
        return value
    raise TypeError(f"{type(value).__name__}, not {types[0].__name__}")
