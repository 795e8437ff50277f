"""An index that PostgreSQL builds while the site writes."""

from time import sleep
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
IS_BEING_BUILT = (
    "SELECT 1 FROM pg_stat_progress_create_index WHERE index_relid = to_regclass(%s)"
)
ON_SQLITE = "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s"
LOOK_SECONDS = 0.2


class AddIndexWithoutLock(AddIndexConcurrently):
    """On other databases an ordinary index: SQLite has one writer in any case.

    Its migration is not atomic. So a start that was killed may have made the index and
    not noted it, or have left one that is invalid, or PostgreSQL may still build it: the
    next start completes each of these.
    """

    def database_forwards(
        self, app: str, editor: Editor, before: Any, after: Any
    ) -> None:
        if has_index(editor.connection, self.index.name):
            return
        if editor.connection.vendor == "postgresql":
            editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            super().database_forwards(app, editor, before, after)
        else:
            migrations.AddIndex.database_forwards(self, app, editor, before, after)

    def database_backwards(
        self, app: str, editor: Editor, before: Any, after: Any
    ) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_backwards(app, editor, before, after)
        else:
            migrations.AddIndex.database_backwards(self, app, editor, before, after)


def has_index(connection: BaseDatabaseWrapper, name: str) -> bool:
    """Return whether there is an index that can be used; wait for one that is being built."""
    if connection.vendor != "postgresql":
        return _first(connection, ON_SQLITE, name) is not None
    # Its process does not notice that the one that asked for it was killed.
    while _first(connection, IS_BEING_BUILT, name):
        sleep(LOOK_SECONDS)
    return _first(connection, IS_VALID, name) == (True,)


def _first(connection: BaseDatabaseWrapper, sql: str, name: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, [name])
        return cursor.fetchone()
