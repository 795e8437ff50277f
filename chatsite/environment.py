"""Reads variables of the environment literally: ``$``, ``%`` and ``#`` mean nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from django.core.exceptions import ImproperlyConfigured

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: Old names under which this process was given variables, by their new names.
_given_names: dict[str, str] = {}


def raw_value(name: str) -> str:
    """Return the value of a variable, byte by byte; empty if the variable is unset.

    Raises ``ImproperlyConfigured`` for control characters and text that is not UTF-8.
    """
    try:
        value = os.environb.get(name.encode(), b"").decode()
    except UnicodeDecodeError:
        raise ImproperlyConfigured(
            f"{described(name)} must be text in UTF-8."
        ) from None
    if CONTROL.search(value.strip()):
        raise ImproperlyConfigured(
            f"{described(name)} must be one line without control characters."
        )
    return value


def value_of(name: str) -> str:
    """Return the value of a variable without the white space around it.

    Empty if the variable is unset, since an empty variable counts as unset. Raises
    ``ImproperlyConfigured`` like ``raw_value``.
    """
    return raw_value(name).strip()


def described(name: str) -> str:
    """Return the name of a variable for an error, with the old one that it came by."""
    given = _given_names.get(name)
    return f"{name} (given as {given})" if given else name


def rename_variables(new_names: Mapping[str, str]) -> Iterable[str]:
    """Give variables their new names, and yield a warning for each one.

    ``new_names`` maps old names to new ones. The change is made in ``os.environ``, so
    that child processes inherit the new names and do not warn again. If both names are
    set, the new one wins.
    """
    for old, new in new_names.items():
        if (value := os.environ.pop(old, "")).strip():
            if os.environ.get(new, "").strip():
                yield f"{old} is ignored, because {new}, its new name, is set as well."
            else:
                os.environ[new] = value
                _given_names[new] = old
                yield f"{old} is now called {new}: please rename it."
