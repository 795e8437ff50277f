"""Rows of an export, some at a time.

Each page is a query of its own: a cursor would stay open while a client takes its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

#: Rows read from the database at once.
ROWS_PER_READ = 50

M = TypeVar("M", bound=Model)


def oldest_first(rows: QuerySet[M]) -> Iterator[M]:
    """All rows by the time at which they were made."""
    ordered, after = rows.order_by("created_at", "pk"), Q()
    while found := list(ordered.filter(after)[:ROWS_PER_READ]):
        last = found[-1]
        made = last.created_at  # type: ignore[attr-defined]
        after = Q(created_at__gt=made) | Q(created_at=made, pk__gt=last.pk)
        yield from found
        del found, last  # before others are read
