"""Whether this site can take messages and have them answered."""

from __future__ import annotations

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from chatsite.mailbox import MailboxAway, open_mailbox


def problems() -> list[str]:
    """Return what keeps the site from its work, a line each; empty if it is ready.

    Workers do not count: a site without one takes messages, which wait.
    """
    return [*_database_problems(), *_queue_problems()]


def _database_problems() -> list[str]:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    except DatabaseError:
        return ["database: cannot be reached"]
    missing = _migrations() - applied.keys()
    return [f"migrations: {len(missing)} not applied"] if missing else []


def _queue_problems() -> list[str]:
    try:
        has_keeper = open_mailbox().has_keeper()
    except MailboxAway:
        return ["queue: cannot be reached"]
    return [] if has_keeper else ["keeper: has not swept lately"]


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """All migrations of this release: their apps and names."""
    return frozenset(MigrationLoader(None).disk_migrations)
