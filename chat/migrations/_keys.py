"""The keys of messages, copied into the table of keys and back (0011)."""

from hashlib import sha256
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor

# What a message without anything before it was sent into is not known: a new
# conversation, nearly always. The reply that its key gives is the first one.
COPY = """
INSERT INTO chat_idempotencykey (owner_id, key, request_digest, conversation_id, reply)
SELECT
    owner_id,
    idempotency_key,
    {digest},
    conversation_id,
    (
        SELECT reply.id FROM chat_message AS reply
        WHERE reply.parent_id = chat_message.id ORDER BY reply.created_at LIMIT 1
    )
FROM chat_message WHERE idempotency_key IS NOT NULL
"""
# The same as ``request_digest`` in chat/services/idempotency.py.
ASKED = """
    'send' || chr(10) || CASE WHEN parent_id IS NULL THEN '' ELSE {conversation} END
    || chr(10) || text
"""
SQLITE = f"chat_sha256({ASKED.format(conversation='conversation_id')})".replace(
    "chr(", "char("
)
POSTGRESQL = (
    "encode(sha256(convert_to("
    + ASKED.format(conversation="replace(conversation_id::text, '-', '')")
    + ", 'UTF8')), 'hex')"
)


def copy(apps: Any, editor: Editor) -> None:
    connection = editor.connection
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.create_function("chat_sha256", 1, _sha256)
    digest = SQLITE if connection.vendor == "sqlite" else POSTGRESQL
    editor.execute(COPY.format(digest=digest), params=None)


def put_back(apps: Any, editor: Editor) -> None:
    """A key that no message can have is forgotten; of two for one message, one stays."""
    editor.execute(
        """
        UPDATE chat_message SET idempotency_key = (
            SELECT min(given.key) FROM chat_idempotencykey AS given
            JOIN chat_message AS reply ON reply.id = given.reply
            WHERE reply.parent_id = chat_message.id
        )
        WHERE role = 'user'
        """,
        params=None,
    )


def _sha256(text: str) -> str:
    return sha256(text.encode()).hexdigest()
