"""An index of replies by their end, built on PostgreSQL while the site writes."""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor


class AddIndexWithoutLock(AddIndexConcurrently):
    """On other databases an ordinary index: SQLite has one writer in any case."""

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


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("chat", "0019_operation")]

    operations = [
        AddIndexWithoutLock(
            model_name="reply",
            index=models.Index(fields=["finished_at"], name="reply_finished"),
        ),
    ]
