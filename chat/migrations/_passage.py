"""Passages, their index, and the triggers that write both, in the database's own words."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations import _passage_postgresql, _passage_sqlite

OF_VENDOR = {"postgresql": _passage_postgresql, "sqlite": _passage_sqlite}


def make(apps: Any, editor: Editor) -> None:
    _execute(editor, OF_VENDOR[editor.connection.vendor].MAKE)


def drop(apps: Any, editor: Editor) -> None:
    _execute(editor, OF_VENDOR[editor.connection.vendor].DROP)


def mend(apps: Any, editor: Editor) -> None:
    """For later migrations, after any operation on chat_message or chat_conversation:
    SQLite makes most changes by making the table anew, and its triggers go with the old
    one. To change chat_passage, ``drop`` and ``make`` again.
    """
    if editor.connection.vendor == "sqlite":
        _execute(editor, _passage_sqlite.TRIGGERS)


def _execute(editor: Editor, statements: Iterable[str]) -> None:
    for statement in statements:
        editor.execute(statement, params=None)
