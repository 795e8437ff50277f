"""The ``cursor`` of a call that lists something in pages."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from ninja import Query

from chat.api.errors import BAD_CURSOR

#: Empty for the first page.
Cursor = Annotated[
    str,
    Query("", description="Where a page begins: part of the address in ``next``."),
]


def parse_id(cursor: str) -> UUID | None:
    """Return the id that a cursor is; None for the first page. Raises ``ApiError``."""
    if not cursor:
        return None
    try:
        return UUID(cursor)
    except ValueError:
        raise BAD_CURSOR from None
