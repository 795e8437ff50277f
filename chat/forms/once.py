"""Forms that carry the id of what they make, so that one sent twice makes it once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid5

from django.db import IntegrityError, models

T = TypeVar("T")


def id_of(form: UUID, *content: object) -> UUID:
    """The id of what a form makes.

    The same form sent twice makes one thing. A form with other content, after the Back
    button, makes another one.
    """
    return uuid5(form, repr(content))


def make_once(model: type[models.Model], pk: UUID, make: Callable[[], T]) -> T | None:
    """Return what ``make`` makes with the id of a form; None if it was made before.

    ``make`` runs in a transaction of its own.
    """
    if model._default_manager.filter(pk=pk).exists():
        return None
    try:
        return make()
    except IntegrityError:  # the same form was sent at the same time
        return None
