"""What other parts of the site do for the admin, where they are there."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def borrowed(module: str, name: str) -> Any:
    """A function of another module; None while there is no such module."""
    try:
        return getattr(import_module(module), name)
    except ModuleNotFoundError as missing:
        if missing.name != module:
            raise
        return None
