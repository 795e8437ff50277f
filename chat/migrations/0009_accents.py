"""Words of PostgreSQL's index are read in pieces of a text: normalising takes time that
grows with the square of the accents in a row, so that one reply could hold a connection
for minutes. What stands in the index already is the same.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations._passage_postgresql import WORDS

IN_PIECES = r"""
CREATE OR REPLACE FUNCTION chat_words(said text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT left(word, 100)), '{}')
    FROM regexp_split_to_table(
        (
            SELECT lower(left(string_agg(normalize(regexp_replace(
                normalize(substr(said, place, 500), NFKD), '[\u0300-\u036f]+', '', 'g'
            ), NFC), '' ORDER BY place), 100000))
            FROM generate_series(1, least(length(said), 100000), 500) AS place
        ),
        '[^[:alnum:]]+'
    ) AS word
    WHERE word <> ''
$$
"""


def replace(apps: object, editor: Editor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(IN_PIECES, params=None)


def put_back(apps: object, editor: Editor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(WORDS.replace("CREATE", "CREATE OR REPLACE", 1), params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0008_attempts'),
    ]

    operations = [
        migrations.RunPython(replace, put_back),
    ]
