"""What keeps passages and their full-text index on SQLite."""

BLANKS = "char(9, 10, 11, 12, 13, 32)"

# Marks are parts of words, without which the languages of India fall into letters, and so
# are letters newer than this SQLite (Cn): it refuses a query for a word that it takes
# apart. What makes an emoji of the character before it is of no word, nor is what may
# still become an emoji.
SEPARATORS = "".join(
    map(chr, (0xFE0E, 0xFE0F, 0x20E3, *range(0x1F6D0, 0x1F700), *range(0x1FA70, 0x1FB00)))
)
TOKENIZER = (
    "unicode61 remove_diacritics 2 "
    f"categories 'L* M* N* Co Cn' separators '{SEPARATORS}'"
)

# Without places no column can be asked for by itself, so a private character makes the
# owner's id a word that nobody types: else "3" would find all of whose id begins so.
OWNER_MARK = "char(57344)"

# The owner is a column of the index, so that who is asked for is part of the match. The
# text itself stays in the table (external content), and nothing needs the places of words
# (detail, columnsize). Beginnings of an indexed length come newest first without gathering
# all their words; longer ones are rare enough to be gathered.
INDEX = f"""
CREATE VIRTUAL TABLE chat_passage_index USING fts5(
    owner_id, text,
    content='chat_passage', content_rowid='id', detail=none, columnsize=0,
    tokenize="{TOKENIZER}", prefix='1 2 3 4 5 6 7 8'
)
"""

OF_THE_INDEX = (
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_passage_added AFTER INSERT ON chat_passage BEGIN
        INSERT INTO chat_passage_index (rowid, owner_id, text)
        VALUES (new.id, {OWNER_MARK} || new.owner_id, new.text);
    END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_passage_changed AFTER UPDATE ON chat_passage BEGIN
        INSERT INTO chat_passage_index (chat_passage_index, rowid, owner_id, text)
        VALUES ('delete', old.id, {OWNER_MARK} || old.owner_id, old.text);
        INSERT INTO chat_passage_index (rowid, owner_id, text)
        VALUES (new.id, {OWNER_MARK} || new.owner_id, new.text);
    END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_passage_removed AFTER DELETE ON chat_passage BEGIN
        INSERT INTO chat_passage_index (chat_passage_index, rowid, owner_id, text)
        VALUES ('delete', old.id, {OWNER_MARK} || old.owner_id, old.text);
    END
    """,
)

_KEEP_TEXT = """
    INSERT INTO chat_passage (owner_id, conversation_id, message_id, text)
    VALUES (new.owner_id, new.conversation_id, new.id, new.text)
    ON CONFLICT (message_id) DO UPDATE SET text = excluded.text;
"""
_KEEP_TITLE = """
    INSERT INTO chat_passage (owner_id, conversation_id, message_id, text)
    VALUES (new.owner_id, new.id, NULL, new.title)
    ON CONFLICT (conversation_id) WHERE message_id IS NULL
    DO UPDATE SET text = excluded.text;
"""

OF_WHAT_IS_SAID = (
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_message_said AFTER INSERT ON chat_message
    WHEN trim(new.text, {BLANKS}) <> '' BEGIN {_KEEP_TEXT} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_message_changed AFTER UPDATE OF text ON chat_message
    WHEN old.text <> new.text AND trim(new.text, {BLANKS}) <> ''
    BEGIN {_KEEP_TEXT} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_message_blanked AFTER UPDATE OF text ON chat_message
    WHEN trim(new.text, {BLANKS}) = '' AND old.text <> ''
    BEGIN DELETE FROM chat_passage WHERE message_id = new.id; END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_conversation_titled AFTER INSERT ON chat_conversation
    WHEN trim(new.title, {BLANKS}) <> '' BEGIN {_KEEP_TITLE} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_conversation_renamed AFTER UPDATE OF title ON chat_conversation
    WHEN old.title <> new.title AND trim(new.title, {BLANKS}) <> ''
    BEGIN {_KEEP_TITLE} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_conversation_untitled AFTER UPDATE OF title ON chat_conversation
    WHEN trim(new.title, {BLANKS}) = '' AND old.title <> '' BEGIN
        DELETE FROM chat_passage
        WHERE conversation_id = new.id AND message_id IS NULL;
    END
    """,
)

WHAT_IS_THERE = f"""
INSERT INTO chat_passage (owner_id, conversation_id, message_id, text)
SELECT owner_id, conversation_id, message_id, text FROM (
    SELECT owner_id, id AS conversation_id, NULL AS message_id, title AS text, created_at
    FROM chat_conversation
    UNION ALL
    SELECT owner_id, conversation_id, id, text, created_at FROM chat_message
) WHERE trim(text, {BLANKS}) <> '' ORDER BY created_at
"""

TRIGGERS = (*OF_THE_INDEX, *OF_WHAT_IS_SAID)
FILL = (WHAT_IS_THERE,)
MAKE = (INDEX, *TRIGGERS, *FILL)
DROP = (
    *(f"DROP TRIGGER {statement.split()[5]}" for statement in TRIGGERS),
    "DROP TABLE chat_passage_index",
)
