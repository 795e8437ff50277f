"""The index of passages and the triggers that write both, since 0010."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations import _search_postgresql, _search_sqlite
from chat.migrations._passage import _execute

OF_VENDOR = {"postgresql": _search_postgresql, "sqlite": _search_sqlite}


def make(apps: Any, editor: Editor) -> None:
    if editor.connection.vendor == "postgresql":
        _execute(editor, _search_postgresql.FOLD_TABLE)
        with editor.connection.cursor() as cursor:
            cursor.execute(
                _search_postgresql.FILL_FOLD_TABLE, _search_postgresql.rows()
            )
    _execute(editor, OF_VENDOR[editor.connection.vendor].make())


def drop(apps: Any, editor: Editor) -> None:
    _execute(editor, OF_VENDOR[editor.connection.vendor].DROP)


def restore_triggers(apps: Any, editor: Editor) -> None:
    """For migrations up to 0014 (later ones use ``_search_shown``), after any operation
    on chat_message or chat_conversation: SQLite makes most changes by copying the table,
    and the triggers of the old one are lost.
    """
    if editor.connection.vendor == "sqlite":
        _execute(editor, _search_sqlite.TRIGGERS)
