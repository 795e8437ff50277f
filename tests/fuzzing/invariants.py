"""What holds in the database whatever was asked, and whether anything in it changed."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

from django.db import connection

from chat.models import Conversation, Message, Origin, Passage, Reply
from chat.services.message_text import is_blank
from chatsite import wire
from chatsite.search.tokens import index_words

#: Tables that note refused requests on purpose: attempts to log in, and what they cost.
OF_ATTEMPTS = ("axes", "attempt", "bucket")
#: Columns that note that somebody was here, whatever came of it.
OF_VISITS = {"seen_at", "device", "network"}
#: Replies that were finished when they came: they keep times of another row.
STORED_FINISHED = (Origin.EDITED, Origin.COPIED, Origin.IMPORTED)


def fingerprints() -> dict[str, str]:
    """Of each table, in whatever order its rows come."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        found = {}
        for table in names:
            if "passage_index" in table or any(word in table for word in OF_ATTEMPTS):
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            kept = [
                place for place, name in enumerate(columns) if name not in OF_VISITS
            ]
            rows = sorted(repr([row[at] for at in kept]) for row in cursor.fetchall())
            found[table] = sha256(
                "\n".join(rows).encode("utf-8", "replace")
            ).hexdigest()
    return found


def look() -> None:
    """Raises ``AssertionError`` where something is saved half."""
    messages = {
        message.pk: message
        for message in Message.objects.select_related("conversation")
    }
    replies = {reply.pk: reply for reply in Reply.objects.all()}
    answered = Counter(m.parent_id for m in messages.values() if not m.is_from_user)
    for pk, message in messages.items():
        parent = messages.get(message.parent_id) if message.parent_id else None
        assert message.owner_id == message.conversation.owner_id, pk
        assert message.is_from_user == (pk not in replies), (
            f"{pk} with or without reply"
        )
        assert message.parent_id is None or parent is not None, pk
        assert parent is None or parent.conversation_id == message.conversation_id, pk
        assert parent is None or parent.is_from_user != message.is_from_user, pk
        if message.is_from_user:
            assert answered[pk] >= 1, f"{pk} has no reply"
            assert not is_blank(message.text), pk
        else:
            assert parent is not None, f"{pk} answers nothing"
    _look_at_replies(replies, messages)
    _look_at_conversations(messages)
    _look_at_passages(messages)


def _look_at_replies(
    replies: dict[object, Reply], messages: dict[object, Message]
) -> None:
    for pk, reply in replies.items():
        assert pk in messages, pk
        state = wire.State(reply.state)
        assert state.is_terminal == (reply.finished_at is not None), (pk, state)
        if reply.origin not in STORED_FINISHED:
            assert (reply.published_at is None) == (
                reply.queued_at is None or reply.attempt == 0
            ), pk


def _look_at_conversations(messages: dict[object, Message]) -> None:
    of = Counter(message.conversation_id for message in messages.values())
    for conversation in Conversation.objects.all():
        leaf = messages.get(conversation.active_leaf_id)
        assert (leaf is None) == (not of[conversation.pk]), conversation.pk
        assert leaf is None or leaf.conversation_id == conversation.pk, conversation.pk
        assert leaf is None or not leaf.is_from_user, conversation.pk
        assert not is_blank(conversation.title), conversation.pk


def _look_at_passages(messages: dict[object, Message]) -> None:
    """Search finds each text and each title once, and nothing of hidden ones."""
    expected = {
        (pk, message.conversation_id, message.owner_id, index_words(message.text))
        for pk, message in messages.items()
        if message.text.strip() and not message.conversation.is_hidden
    } | {
        (None, conversation.pk, conversation.owner_id, index_words(conversation.title))
        for conversation in Conversation.objects.filter(is_hidden=False)
    }
    rows = Passage.objects.values_list("message", "conversation", "owner", "words")
    found = list(rows)
    assert len(found) == len(set(found))
    assert set(found) == expected
