"""Passages, their index and the triggers that wrote both until 0010."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations import _passage_postgresql, _passage_sqlite

OF_VENDOR = {"postgresql": _passage_postgresql, "sqlite": _passage_sqlite}


def make(apps: Any, editor: Editor) -> None:
    _execute(editor, OF_VENDOR[editor.connection.vendor].MAKE)


def drop(apps: Any, editor: Editor) -> None:
    _execute(editor, OF_VENDOR[editor.connection.vendor].DROP)


def _execute(editor: Editor, statements: Iterable[str]) -> None:
    for statement in statements:
        editor.execute(statement, params=None)
