"""An index that PostgreSQL builds while the site writes."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor


class AddIndexWithoutLock(AddIndexConcurrently):
    """On other databases an ordinary index: SQLite has one writer in any case.

    Its migration is not atomic.
    """

    def database_forwards(self, app: str, editor: Editor, before: Any, after: Any) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_forwards(app, editor, before, after)
        else:
            migrations.AddIndex.database_forwards(self, app, editor, before, after)

    def database_backwards(self, app: str, editor: Editor, before: Any, after: Any) -> None:
        if editor.connection.vendor == "postgresql":
            super().database_backwards(app, editor, before, after)
        else:
            migrations.AddIndex.database_backwards(self, app, editor, before, after)
