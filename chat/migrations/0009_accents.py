"""Words of PostgreSQL's index are read in pieces of a text: normalising takes time that
grows with the square of the accents in a row, so that one reply could hold a connection
for minutes. What stands in the index already is the same.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations._passage_postgresql import IN_PIECES, WORDS


def replace(apps: object, editor: Editor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(IN_PIECES, params=None)


def put_back(apps: object, editor: Editor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(WORDS.replace("CREATE", "CREATE OR REPLACE", 1), params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0008_attempts"),
    ]

    operations = [
        migrations.RunPython(replace, put_back),
    ]
