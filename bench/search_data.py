"""Fills a database with very many messages for ``bench.search`` and indexes them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from bench.random_texts import han_texts, han_vocabulary, texts, vocabulary

#: A word in every fifth of the older half of the one owner's messages.
OLD_TOPIC = "quaternion"
OWNER = "owner {}"
SEED = 7
BATCH = 5000
PER_CONVERSATION = 10
#: Approximate number of messages of each other owner.
PER_OTHER = 300
#: The share of messages that end with a sentence without spaces.
WITH_HAN = 0.1
#: Fills the passages as they are before the migration makes their words.
PASSAGES = """
INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
SELECT owner_id, conversation_id, message_id, '' FROM (
    SELECT owner_id, id AS conversation_id, NULL AS message_id, created_at
    FROM chat_conversation
    UNION ALL
    SELECT owner_id, conversation_id, id, created_at FROM chat_message
) AS said ORDER BY created_at
"""


def fill(messages: int, of_one: int) -> None:
    """Save the messages of all users, without indexing them."""
    from django.db import transaction

    from chat.models import Conversation, Message, User

    random = Random(SEED)
    words = vocabulary(random)
    people = [User(username=OWNER.format(n)) for n in range(messages // PER_OTHER + 2)]
    User.objects.bulk_create(people)
    switch_triggers(is_on=False)
    rows = _rows(random, words, people, messages, messages // of_one)
    done = 0
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            new = {message.conversation_id: message.conversation for message in batch}
            Conversation.objects.bulk_create(new.values(), ignore_conflicts=True)
            Message.objects.bulk_create(batch)
        done += len(batch)
        _progress(f"{done:,} of {messages:,} messages")
    switch_triggers(is_on=True)


def index() -> float:
    """Make the passages of all messages; return how many seconds it took."""
    from django.db import connection

    from chat.migrations._search import OF_VENDOR

    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if not is_postgres:
            _switch_index_triggers(is_on=False)
        cursor.execute(PASSAGES)
        if is_postgres:
            cursor.execute("ALTER TABLE chat_passage DROP COLUMN lexemes")
            cursor.execute("DROP FUNCTION chat_passage_lexemes")
        began = time.monotonic()
        for statement in OF_VENDOR[connection.vendor].FILL:
            cursor.execute(statement)
        if is_postgres:
            for statement in OF_VENDOR["postgresql"].INDEXED:
                cursor.execute(statement)
        seconds = time.monotonic() - began
        # PostgreSQL does this by itself within minutes.
        cursor.execute("VACUUM ANALYZE" if is_postgres else "ANALYZE")
    if not is_postgres:
        _switch_index_triggers(is_on=True)
    return seconds


def _rows(
    random: Random, words: list[str], people: list[Any], messages: int, every: int
) -> Iterator[Any]:
    """Generate unsaved messages; one of ``every`` belongs to the first user."""
    from chat.models import Conversation, Message

    began = datetime(2026, 1, 1, tzinfo=UTC)
    in_han, choice = han_texts(Random(SEED), han_vocabulary(Random(SEED))), Random(SEED)
    current: dict[Any, tuple[Any, int]] = {}
    for number, text in enumerate(islice(texts(random, words), messages)):
        is_one = number % every == 0
        owner = people[0] if is_one else random.choice(people[1:])
        conversation, count = current.get(owner.pk, (None, 0))
        if conversation is None or count == PER_CONVERSATION:
            conversation, count = Conversation(owner=owner, title=text[:60]), 0
        current[owner.pk] = (conversation, count + 1)
        if is_one and number < messages / 2 and number // every % 5 == 0:
            text = f"{text} {OLD_TOPIC}"  # noqa: PLW2901 - adds one word
        if choice.random() < WITH_HAN:
            text = f"{text} {next(in_han)}"  # noqa: PLW2901
        created_at = began + timedelta(seconds=number)
        yield Message(
            conversation=conversation,
            owner=owner,
            role="user",
            text=text,
            created_at=created_at,
        )


def switch_triggers(*, is_on: bool) -> None:
    """Switch the triggers that fill the passages on or off."""
    from django.db import connection

    from chat.migrations import _search_sqlite

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            change = "ENABLE" if is_on else "DISABLE"
            for table in ("chat_message", "chat_conversation"):
                cursor.execute(f"ALTER TABLE {table} {change} TRIGGER USER")
            return
        for trigger in _search_sqlite.OF_WHAT_IS_SAID:
            name = trigger.split()[5]
            cursor.execute(trigger if is_on else f"DROP TRIGGER IF EXISTS {name}")


def _switch_index_triggers(*, is_on: bool) -> None:
    from django.db import connection

    from chat.migrations import _search_sqlite

    with connection.cursor() as cursor:
        for trigger in _search_sqlite.OF_THE_INDEX:
            name = trigger.split()[5]
            cursor.execute(trigger if is_on else f"DROP TRIGGER IF EXISTS {name}")


def _progress(text: str) -> None:
    print(f"\r{text}", end="", file=sys.stderr, flush=True)
