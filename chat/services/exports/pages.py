"""Rows of an export, some at a time.

Each page is a query of its own: a cursor would stay open while a client takes its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from django.db.models import Model, QuerySet

#: Rows read from the database at once.
ROWS_PER_READ = 50

M = TypeVar("M", bound=Model)


def oldest_first(rows: QuerySet[M], *related: str) -> Iterator[M]:
    """All rows by the time at which they were made.

    Only their ids are read at once: to sort the rows for each page would take minutes.
    """
    # By ids alone: with the conversation as a condition the planner would scan it.
    by_id = rows.model._default_manager.select_related(*related or (None,))
    ids = list(rows.order_by("created_at", "pk").values_list("pk", flat=True))
    for start in range(0, len(ids), ROWS_PER_READ):
        some = ids[start : start + ROWS_PER_READ]
        found = by_id.in_bulk(some)
        yield from (found[pk] for pk in some if pk in found)
        del found  # before others are read
