"""A column with a default, added to a table of SQLite without copying the table.

Django copies it, and a trigger that reads one table while another is copied stops that.
SQLite itself adds a column with a constant default, as PostgreSQL does, in no time.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations import AddField


class AddColumn(AddField):
    def database_forwards(
        self, app: str, editor: Editor, before: Any, after: Any
    ) -> None:
        if editor.connection.vendor != "sqlite":
            super().database_forwards(app, editor, before, after)
            return
        model = after.apps.get_model(app, self.model_name)
        field = model._meta.get_field(self.name)
        definition, _ = editor.column_sql(model, field)
        table, column = map(editor.quote_name, (model._meta.db_table, field.column))
        editor.execute(
            f"ALTER TABLE {table} ADD COLUMN {column} {definition}", params=None
        )
