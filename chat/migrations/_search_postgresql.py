"""The full-text index of PostgreSQL, whose words are those of
``chatsite.search.tokens.index_words``.

What a character becomes stands in a table made by the program: `lower`, `normalize` and
the classes of regular expressions depend on the server's version and on the locale of
the database, and would differ from SQLite's.
"""

from collections.abc import Iterator
from itertools import chain

from chatsite.search.folding import fold_character, ordered_marks
from chatsite.search.tokens import (
    TEXT_CHARACTERS,
    TOKEN_CHARACTERS,
    UNIT,
    UNSPACED,
)

# Between these planes Unicode has nothing but private characters.
ASSIGNED = (range(128, 0xD800), range(0xE000, 0x40000), range(0xE0000, 0xE0200))


def _folded() -> Iterator[tuple[int, str]]:
    for code in chain(*ASSIGNED):
        yield code, fold_character(chr(code))


def rows() -> list[list[int] | list[str]]:
    """Characters that become others, or nothing; then what they become."""
    changed = [
        (code, folded) for code, folded in _folded() if folded not in (" ", chr(code))
    ]
    return [[code for code, _ in changed], [folded for _, folded in changed]]


def _unchanged() -> str:
    """The characters that stay, as a literal multirange; all others separate words."""
    ranges: list[list[int]] = []
    for code, folded in _folded():
        if folded != chr(code):
            continue
        if ranges and ranges[-1][1] == code:
            ranges[-1][1] = code + 1
        else:
            ranges.append([code, code + 1])
    return "{" + ",".join(f"[{first},{end})" for first, end in ranges) + "}"


FOLD_TABLE = (
    "CREATE TABLE chat_fold (code integer PRIMARY KEY, folded text NOT NULL)",
)
FILL_FOLD_TABLE = """
INSERT INTO chat_fold SELECT * FROM unnest(%s::integer[], %s::text[])
"""

_FOLD = r"""
CREATE FUNCTION chat_folded(said text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (
        SELECT string_agg(
            CASE WHEN ascii(part[1]) < 128
            THEN regexp_replace(lower(part[1] COLLATE "C"), '[^a-z0-9]', ' ', 'g')
            ELSE coalesce(
                (SELECT folded FROM chat_fold WHERE code = ascii(part[1])),
                CASE WHEN '{unchanged}'::int4multirange @> ascii(part[1])
                THEN part[1] ELSE ' ' END
            ) END, '' ORDER BY place
        )
        FROM regexp_matches(said, '[\x01-\x7f]+|[^\x01-\x7f]', 'g')
        WITH ORDINALITY AS parts (part, place)
    );
END $$
"""

# Marks after one letter are put into one order, as Unicode's canonical ordering does.
_ORDER = """
CREATE FUNCTION chat_in_order(folded text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(
        CASE WHEN part[1] ~ '^[{marks}]' THEN (
            SELECT string_agg(mark, '' ORDER BY strpos('{marks}', mark))
            FROM string_to_table(part[1], NULL) AS mark
        ) ELSE part[1] END, '' ORDER BY place
    )
    FROM regexp_matches(folded, '[{marks}]+|[^{marks}]+', 'g')
    WITH ORDINALITY AS parts (part, place)
$$
"""

_WORDS = """
CREATE FUNCTION chat_words(said text) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    folded text := left(said, {text_characters});
BEGIN
    IF octet_length(folded) = length(folded) THEN
        RETURN (
            SELECT coalesce(string_agg(
                DISTINCT left(word, {token_characters}) COLLATE "C", ' '
            ), '')
            FROM regexp_split_to_table(lower(folded COLLATE "C"), '[^a-z0-9]+') AS word
            WHERE word <> ''
        );
    END IF;
    folded := left(chat_folded(folded), {text_characters});
    IF folded ~ '[{marks}][{marks}]' THEN
        folded := chat_in_order(folded);
    END IF;
    RETURN (
        WITH pieces AS (
            SELECT piece[1] AS run, piece[2] AS word, number
            FROM regexp_matches(folded, '([{unspaced}]+)|([^ {unspaced}]+)', 'g')
            WITH ORDINALITY AS parts (piece, number)
        ), units AS (
            SELECT unit[1] AS unit, number, place FROM pieces, regexp_matches(
                run, '{unit}', 'g'
            ) WITH ORDINALITY AS parts (unit, place)
            WHERE run IS NOT NULL
        )
        SELECT coalesce(string_agg(
            DISTINCT left(token, {token_characters}) COLLATE "C", ' '
        ), '') FROM (
            SELECT word AS token FROM pieces WHERE word IS NOT NULL
            UNION ALL
            SELECT unit || coalesce(
                lead(unit) OVER (PARTITION BY number ORDER BY place), ''
            ) FROM units
        ) AS tokens
    );
END $$
"""


def functions() -> tuple[str, ...]:
    """What makes the functions; to look at all of Unicode for it takes a second."""
    values = {
        "{unchanged}": _unchanged(),
        "{marks}": ordered_marks(),
        "{unspaced}": UNSPACED,
        "{unit}": UNIT,
        "{text_characters}": str(TEXT_CHARACTERS),
        "{token_characters}": str(TOKEN_CHARACTERS),
    }
    return tuple(_filled(statement, values) for statement in (_FOLD, _ORDER, _WORDS))


def _filled(statement: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        statement = statement.replace(name, value)
    return statement


# Every word begins with two characters of its owner's id: of a word, or of all words that
# begin alike, the index then gives the rows of one owner among 256 and not of everybody.
# With the whole id there would be many times as many words to keep.
_LEXEMES = (
    """
    CREATE FUNCTION chat_passage_lexemes(owner uuid, words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT array_to_tsvector(coalesce(array_agg(left(owner::text, 2) || word), '{}'))
        FROM string_to_table(words, ' ') AS word WHERE word <> ''
    )
    """,
    """
    ALTER TABLE chat_passage ADD COLUMN lexemes tsvector
    GENERATED ALWAYS AS (chat_passage_lexemes(owner_id, words)) STORED
    """,
)
INDEX = "CREATE INDEX passage_words ON chat_passage USING gin (lexemes)"

_TRIGGERS = (
    r"""
    CREATE FUNCTION chat_message_said() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.text !~ '\S' THEN
            DELETE FROM chat_passage WHERE message_id = NEW.id;
        ELSE
            INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
            VALUES (NEW.owner_id, NEW.conversation_id, NEW.id, chat_words(NEW.text))
            ON CONFLICT (message_id) DO UPDATE SET words = excluded.words;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER chat_message_said AFTER INSERT ON chat_message
    FOR EACH ROW WHEN (NEW.text <> '') EXECUTE FUNCTION chat_message_said()
    """,
    """
    CREATE TRIGGER chat_message_changed AFTER UPDATE OF text ON chat_message
    FOR EACH ROW WHEN (OLD.text <> NEW.text) EXECUTE FUNCTION chat_message_said()
    """,
    r"""
    CREATE FUNCTION chat_conversation_titled() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.title !~ '\S' THEN
            DELETE FROM chat_passage
            WHERE conversation_id = NEW.id AND message_id IS NULL;
        ELSE
            INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
            VALUES (NEW.owner_id, NEW.id, NULL, chat_words(NEW.title))
            ON CONFLICT (conversation_id) WHERE message_id IS NULL
            DO UPDATE SET words = excluded.words;
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER chat_conversation_titled AFTER INSERT ON chat_conversation
    FOR EACH ROW WHEN (NEW.title <> '') EXECUTE FUNCTION chat_conversation_titled()
    """,
    """
    CREATE TRIGGER chat_conversation_renamed AFTER UPDATE OF title ON chat_conversation
    FOR EACH ROW WHEN (OLD.title <> NEW.title)
    EXECUTE FUNCTION chat_conversation_titled()
    """,
)

WORDS_OF_ALL = """
UPDATE chat_passage SET words = chat_words(coalesce(
    (SELECT text FROM chat_message WHERE chat_message.id = message_id),
    (SELECT title FROM chat_conversation WHERE chat_conversation.id = conversation_id)
))
"""

# Many times as fast with the index last. The foreign keys are looked at before the table
# is altered, which PostgreSQL refuses while they wait.
FILL = (WORDS_OF_ALL, "SET CONSTRAINTS ALL IMMEDIATE")
INDEXED = (*_LEXEMES, INDEX)


def make() -> tuple[str, ...]:
    return (*functions(), *FILL, *INDEXED, *_TRIGGERS)


DROP = (
    "DROP FUNCTION chat_message_said CASCADE",
    "DROP FUNCTION chat_conversation_titled CASCADE",
    "ALTER TABLE chat_passage DROP COLUMN lexemes",
    "DROP FUNCTION chat_passage_lexemes",
    "DROP FUNCTION chat_words",
    "DROP FUNCTION chat_in_order",
    "DROP FUNCTION chat_folded",
    "DROP TABLE chat_fold",
)
