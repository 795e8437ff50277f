"""What kept passages and their full-text index on SQLite until 0010."""

BLANKS = "char(9, 10, 11, 12, 13, 32)"

# Signs and punctuation of Unicode 14 that are younger than the tables of SQLite, which
# takes them for letters: an emoji would be a part of the word before it.
YOUNG_SIGNS = """
58d-58e 605 61c-61d 7fe-7ff 888 890-891 8e2 9fd a76 c77 c84 d4f 1b7d-1b7e 2066-2069
20ba-20c0 218a-218b 23f4-23ff 2700 2b4d-2b4f 2b5a-2b73 2b76-2b95 2b97-2bff 2e3c-2e5d
32ff a8fc ab5b ab6a-ab6b fbc2 fd40-fd4f fdcf fdfe-fdff 1018c-1018e 1019c 101a0 1056f
10877-10878 10ac8 10af0-10af6 10b99-10b9c 10ead 10f55-10f59 10f86-10f89 110cd
11174-11175 111cd 111db 111dd-111df 11238-1123d 112a9 1144b-1144f 1145a-1145b 1145d
114c6 115c1-115d7 11641-11643 11660-1166c 116b9 1173c-1173f 1183b 11944-11946 119e2
11a3f-11a46 11a9a-11a9c 11a9e-11aa2 11c41-11c45 11c70-11c71 11ef7-11ef8 11fd5-11ff1
11fff 12474 12ff1-12ff2 13430-13438 16a6e-16a6f 16af5 16b37-16b3f 16b44-16b45
16e97-16e9a 16fe2 1bc9c 1bc9f-1bca3 1cf50-1cfc3 1d1de-1d1ea 1d800-1d9ff 1da37-1da3a
1da6d-1da74 1da76-1da83 1da85-1da8b 1e14f 1e2ff 1e95e-1e95f 1ecac 1ecb0 1ed2e 1f0bf
1f0e0-1f0f5 1f10d-1f10f 1f12f 1f16c-1f16f 1f19b-1f1ad 1f23b 1f260-1f265 1f321-1f32f
1f336 1f37d-1f37f 1f394-1f39f 1f3c5 1f3cb-1f3df 1f3f1-1f3ff 1f43f 1f441 1f4f8
1f4fd-1f4ff 1f53e-1f53f 1f544-1f54f 1f568-1f5fa 1f641-1f644 1f650-1f67f 1f6c6-1f6d7
1f6dd-1f6ec 1f6f0-1f6fc 1f780-1f7d8 1f7e0-1f7eb 1f7f0 1f800-1f80b 1f810-1f847
1f850-1f859 1f860-1f887 1f890-1f8ad 1f8b0-1f8b1 1f900-1fa53 1fa60-1fa6d 1fa70-1fa74
1fa78-1fa7c 1fa80-1fa86 1fa90-1faac 1fab0-1faba 1fac0-1fac5 1fad0-1fad9 1fae0-1fae7
1faf0-1faf6 1fb00-1fb92 1fb94-1fbca
"""


def _characters(ranges: str) -> str:
    ends = [[int(end, 16) for end in word.split("-")] for word in ranges.split()]
    return "".join(
        map(chr, (code for end in ends for code in range(end[0], end[-1] + 1)))
    )


# Marks are parts of words, without which the languages of India fall into letters, and so
# are letters newer than this SQLite (Cn): it refuses a query for a word that it takes
# apart. What makes an emoji of the character before it is of no word, nor is what may
# still become an emoji.
SEPARATORS = _characters(f"fe0e fe0f 20e3 1f6d0-1f6ff 1fa70-1faff {YOUNG_SIGNS}")
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
