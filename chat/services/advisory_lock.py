"""Transaction-scoped advisory locks on PostgreSQL; a no-op on SQLite (one writer)."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection


def advisory_lock(names: Sequence[str]) -> None:
    """Lock these names, in their order, until the end of the transaction.

    Waits for other holders. All callers lock in the same order, so that no two wait for
    each other: conversation, user, network or API key, model.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # unnest returns the names in order, and each lock is waited for in turn.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0))"
            " FROM unnest(%s::text[]) AS name",
            [list(names)],
        )
