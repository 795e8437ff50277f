"""Passages keep the words of a text instead of the text, folded alike on SQLite and
PostgreSQL. All of them are written once more: a thousand or two a second.
"""

from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations import _passage, _search
from chat.migrations._passage_postgresql import IN_PIECES


def make_old(apps: Any, editor: Editor) -> None:
    """As 0009 left it; passages are made once more, from messages and titles."""
    editor.execute("DELETE FROM chat_passage", params=None)
    _passage.make(apps, editor)
    if editor.connection.vendor == "postgresql":
        editor.execute(IN_PIECES, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0009_accents"),
    ]

    operations = [
        migrations.RunPython(_passage.drop, make_old),
        migrations.RemoveField("passage", "text"),
        migrations.AddField(
            "passage", "words", models.TextField(default=""), preserve_default=False
        ),
        migrations.RunPython(_search.make, _search.drop),
    ]
