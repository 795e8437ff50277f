"""Removes an index while PostgreSQL serves writes: see ``_add_index``."""

from typing import Any

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations._add_index import has_index


class RemoveIndexWithoutLock(RemoveIndexConcurrently):
    """On other databases an ordinary removal: SQLite has one writer in any case.

    It may be repeated, as after a start that was killed.
    """

    def database_forwards(
        self, app: str, editor: Editor, before: Any, after: Any
    ) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_forwards(app, editor, before, after)  # if it exists
        elif has_index(editor.connection, self.name):
            migrations.RemoveIndex.database_forwards(self, app, editor, before, after)

    def database_backwards(
        self, app: str, editor: Editor, before: Any, after: Any
    ) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_backwards(app, editor, before, after)
        else:
            migrations.RemoveIndex.database_backwards(self, app, editor, before, after)
