"""Removes an index while PostgreSQL serves writes: see ``_add_index``."""

from typing import Any

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor


class RemoveIndexWithoutLock(RemoveIndexConcurrently):
    """On other databases an ordinary removal: SQLite has one writer in any case."""

    def database_forwards(self, app: str, editor: Editor, before: Any, after: Any) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_forwards(app, editor, before, after)
        else:
            migrations.RemoveIndex.database_forwards(self, app, editor, before, after)

    def database_backwards(self, app: str, editor: Editor, before: Any, after: Any) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_backwards(app, editor, before, after)
        else:
            migrations.RemoveIndex.database_backwards(self, app, editor, before, after)
