"""What kept passages and their full-text index on PostgreSQL until 0010."""

# Words are runs of letters and digits without case and accents. A word longer than 100
# characters is cut, and what stands behind the first 100,000 is not found: a tsvector
# refuses more, and a trigger must never refuse a message. The same function reads what
# people type. The parser of `to_tsvector` is not asked: it takes "a/b" for one word.
WORDS = r"""
CREATE FUNCTION chat_words(said text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT left(word, 100)), '{}')
    FROM regexp_split_to_table(
        lower(left(normalize(regexp_replace(
            normalize(left(said, 100000), NFKD), '[\u0300-\u036f]+', '', 'g'
        ), NFC), 100000)),
        '[^[:alnum:]]+'
    ) AS word
    WHERE word <> ''
$$
"""

# The same, in pieces of a text (0009).
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

# Every word begins with two characters of its owner's id: of a word, or of all words that
# begin alike, the index then gives the rows of one owner among 256 and not of everybody.
# With the whole id there would be many times as many words to keep. (`RETURN` remembers
# which function it calls, also in a restored dump.)
COLUMN = (
    """
    CREATE FUNCTION chat_passage_words(owner uuid, said text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (
        SELECT array_to_tsvector(coalesce(array_agg(left(owner::text, 2) || word), '{}'))
        FROM unnest(chat_words(said)) AS word
    )
    """,
    """
    ALTER TABLE chat_passage ADD COLUMN words tsvector
    GENERATED ALWAYS AS (chat_passage_words(owner_id, text)) STORED
    """,
)
INDEX = "CREATE INDEX passage_words ON chat_passage USING gin (words)"

OF_WHAT_IS_SAID = (
    r"""
    CREATE FUNCTION chat_message_said() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.text !~ '\S' THEN
            DELETE FROM chat_passage WHERE message_id = NEW.id;
        ELSE
            INSERT INTO chat_passage (owner_id, conversation_id, message_id, text)
            VALUES (NEW.owner_id, NEW.conversation_id, NEW.id, NEW.text)
            ON CONFLICT (message_id) DO UPDATE SET text = excluded.text;
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
            INSERT INTO chat_passage (owner_id, conversation_id, message_id, text)
            VALUES (NEW.owner_id, NEW.id, NULL, NEW.title)
            ON CONFLICT (conversation_id) WHERE message_id IS NULL
            DO UPDATE SET text = excluded.text;
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

WHAT_IS_THERE = r"""
INSERT INTO chat_passage (owner_id, conversation_id, message_id, text)
SELECT owner_id, conversation_id, message_id, text FROM (
    SELECT owner_id, id AS conversation_id, CAST(NULL AS uuid) AS message_id,
           title AS text, created_at
    FROM chat_conversation
    UNION ALL
    SELECT owner_id, conversation_id, id, text, created_at FROM chat_message
) AS said WHERE text ~ '\S' ORDER BY created_at
"""

# Many times as fast in this order.
FILL = (WHAT_IS_THERE, INDEX)
MAKE = (WORDS, *COLUMN, *OF_WHAT_IS_SAID, *FILL)
DROP = (
    "DROP FUNCTION chat_message_said CASCADE",
    "DROP FUNCTION chat_conversation_titled CASCADE",
    "ALTER TABLE chat_passage DROP COLUMN words",
    "DROP FUNCTION chat_passage_words",
    "DROP FUNCTION chat_words",
)
