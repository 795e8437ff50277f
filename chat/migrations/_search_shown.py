"""The triggers that write passages since 0015: no passage of what no page shows."""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

from chat.migrations import _search_postgresql, _search_sqlite
from chat.migrations._passage import _execute
from chat.migrations._search_sqlite import _KEEP_TEXT, _KEEP_TITLE, BLANKS, OF_THE_INDEX

IS_SHOWN = """
NOT EXISTS (
    SELECT 1 FROM chat_conversation WHERE id = new.conversation_id AND is_hidden
)
"""

_SQLITE = (
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_message_said AFTER INSERT ON chat_message
    WHEN trim(new.text, {BLANKS}) <> '' AND {IS_SHOWN} BEGIN {_KEEP_TEXT} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_message_changed AFTER UPDATE OF text ON chat_message
    WHEN old.text <> new.text AND trim(new.text, {BLANKS}) <> '' AND {IS_SHOWN}
    BEGIN {_KEEP_TEXT} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_message_blanked AFTER UPDATE OF text ON chat_message
    WHEN trim(new.text, {BLANKS}) = '' AND old.text <> ''
    BEGIN DELETE FROM chat_passage WHERE message_id = new.id; END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_conversation_titled AFTER INSERT ON chat_conversation
    WHEN trim(new.title, {BLANKS}) <> '' AND NOT new.is_hidden BEGIN {_KEEP_TITLE} END
    """,
    f"""
    CREATE TRIGGER IF NOT EXISTS chat_conversation_renamed AFTER UPDATE OF title ON chat_conversation
    WHEN old.title <> new.title AND trim(new.title, {BLANKS}) <> '' AND NOT new.is_hidden
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
_DROP_SQLITE = tuple(
    f"DROP TRIGGER IF EXISTS {statement.split()[5]}" for statement in _SQLITE
)

_POSTGRESQL = (
    rf"""
    CREATE OR REPLACE FUNCTION chat_message_said() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.text !~ '\S' THEN
            DELETE FROM chat_passage WHERE message_id = NEW.id;
        ELSIF {IS_SHOWN} THEN
            INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
            VALUES (NEW.owner_id, NEW.conversation_id, NEW.id, chat_words(NEW.text))
            ON CONFLICT (message_id) DO UPDATE SET words = excluded.words;
        END IF;
        RETURN NULL;
    END $$
    """,
    "DROP TRIGGER chat_conversation_titled ON chat_conversation",
    """
    CREATE TRIGGER chat_conversation_titled AFTER INSERT ON chat_conversation
    FOR EACH ROW WHEN (NEW.title <> '' AND NOT NEW.is_hidden)
    EXECUTE FUNCTION chat_conversation_titled()
    """,
    "DROP TRIGGER chat_conversation_renamed ON chat_conversation",
    """
    CREATE TRIGGER chat_conversation_renamed AFTER UPDATE OF title ON chat_conversation
    FOR EACH ROW WHEN (OLD.title <> NEW.title AND NOT NEW.is_hidden)
    EXECUTE FUNCTION chat_conversation_titled()
    """,
)
_DROP_POSTGRESQL = (
    "DROP FUNCTION chat_message_said CASCADE",
    "DROP FUNCTION chat_conversation_titled CASCADE",
)


def make(apps: Any, editor: Editor) -> None:
    if editor.connection.vendor == "postgresql":
        _execute(editor, _POSTGRESQL)
    else:
        _execute(editor, _DROP_SQLITE)
        restore_triggers(apps, editor)


def drop(apps: Any, editor: Editor) -> None:
    """As before 0015."""
    if editor.connection.vendor == "postgresql":
        _execute(editor, (*_DROP_POSTGRESQL, *_search_postgresql._TRIGGERS))
    else:
        _execute(editor, (*_DROP_SQLITE, *_search_sqlite.TRIGGERS))


def restore_triggers(apps: Any, editor: Editor) -> None:
    """For later migrations, after any operation on chat_message or chat_conversation:
    SQLite makes most changes by copying the table, and the triggers of the old one are
    lost.
    """
    if editor.connection.vendor == "sqlite":
        _execute(editor, (*OF_THE_INDEX, *_SQLITE))
