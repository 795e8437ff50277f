"""The full-text index of SQLite. ``chat_words`` is a function of the program
(``chatsite/sqlite/base.py``): only what inserts or changes a text needs it.
"""

BLANKS = "char(9, 10, 11, 12, 13, 32)"

# No word has a private character, so that with one the owner's id is a word that cannot
# be typed. Without places no column can be asked for by itself.
OWNER_MARK = "char(57344)"

# The owner is a column of the index, so that who is asked for is part of the match. The
# words stay in the table (external content), and nothing needs their places (detail,
# columnsize). They are folded already: the tokenizer `ascii` leaves all but spaces as it
# is. Beginnings of an indexed length come newest first without gathering all their
# words; longer ones are rare enough to be gathered.
INDEX = """
CREATE VIRTUAL TABLE chat_passage_index USING fts5(
    owner_id, words,
    content='chat_passage', content_rowid='id', detail=none, columnsize=0,
    tokenize='ascii', prefix='1 2 3 4 5 6 7 8'
)
"""

_ADD = f"""
    INSERT INTO chat_passage_index (rowid, owner_id, words)
    VALUES (new.id, {OWNER_MARK} || new.owner_id, new.words);
"""
# With the words as they were indexed: the index would keep what differs.
_REMOVE = f"""
    INSERT INTO chat_passage_index (chat_passage_index, rowid, owner_id, words)
    VALUES ('delete', old.id, {OWNER_MARK} || old.owner_id, old.words);
"""
OF_THE_INDEX = (
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_passage_added AFTER INSERT ON chat_passage
    BEGIN {_ADD} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_passage_changed AFTER UPDATE ON chat_passage
    BEGIN {_REMOVE} {_ADD} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_passage_removed AFTER DELETE ON chat_passage
    BEGIN {_REMOVE} END
    """,
)

_KEEP_TEXT = """
    INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
    VALUES (new.owner_id, new.conversation_id, new.id, chat_words(new.text))
    ON CONFLICT (message_id) DO UPDATE SET words = excluded.words;
"""
_KEEP_TITLE = """
    INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
    VALUES (new.owner_id, new.id, NULL, chat_words(new.title))
    ON CONFLICT (conversation_id) WHERE message_id IS NULL
    DO UPDATE SET words = excluded.words;
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

WORDS_OF_ALL = """
UPDATE chat_passage SET words = chat_words(coalesce(
    (SELECT text FROM chat_message WHERE chat_message.id = message_id),
    (SELECT title FROM chat_conversation WHERE chat_conversation.id = conversation_id)
))
"""
INDEX_ALL = f"""
INSERT INTO chat_passage_index (rowid, owner_id, words)
SELECT id, {OWNER_MARK} || owner_id, words FROM chat_passage ORDER BY id
"""

TRIGGERS = (*OF_THE_INDEX, *OF_WHAT_IS_SAID)
FILL = (WORDS_OF_ALL, INDEX_ALL)


def make() -> tuple[str, ...]:
    return (INDEX, *FILL, *TRIGGERS)


DROP = (
    *(f"DROP TRIGGER {statement.split()[5]}" for statement in TRIGGERS),
    "DROP TABLE chat_passage_index",
)
