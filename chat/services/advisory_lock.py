"""One at a time: whoever counts and then acts must not be overtaken in between."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection


def advisory_lock(names: Sequence[str]) -> None:
    """Hold these names for the rest of the transaction, after whoever holds them now.

    Everybody takes them in the same order, so that no two wait for each other: first
    their conversation, then a person, their network, a model. On SQLite there is one
    writer anyway.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        # The rows of a function come in order, and each lock is waited for in turn.
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(name, 0))"
            " FROM unnest(%s::text[]) AS name",
            [list(names)],
        )
