"""A word in every text of one user, and the places where it can be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from chat.keeper import Keeper
from chat.models import (
    Conversation,
    User,
)
from chatsite.mailbox import Mailbox
from tests.chat.accounts.passwords import PASSWORD
from tests.chat.conftest import Worker
from tests.valkey import Valkey

CANARY = "zwitscherkanarienvogel"


def redis_keys_with(valkey: Valkey, text: str = CANARY) -> list[str]:
    """Keys whose name or value contains a text."""
    client = valkey.client
    found = []
    for key in client.keys("*"):
        kind = client.type(key)
        kind = kind.decode() if isinstance(kind, bytes) else kind
        read = {
            "string": client.get,
            "hash": client.hgetall,
            "set": client.smembers,
            "zset": lambda key: client.zrange(key, 0, -1),
            "list": lambda key: client.lrange(key, 0, -1),
        }[kind]
        if text in f"{key} {read(key)}":
            found.append(str(key))
    return found


def tables_with_canary() -> list[str]:
    """Tables with the canary in any column."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            if any(CANARY in str(row).lower() for row in cursor.fetchall()):
                found.append(table)
    return found


def files_with_canary() -> list[str]:
    """Files of SQLite with the canary, as text or in the search index."""
    name = Path(str(connection.settings_dict["NAME"]))
    files = [name, name.with_name(f"{name.name}-wal")]
    return [
        file.name
        for file in files
        if file.exists() and CANARY.encode() in file.read_bytes().lower()
    ]


@pytest.fixture
def saved_rows(transactional_db: None, box: Mailbox) -> Iterator[None]:
    """Commit rows, so that files and other connections have them."""
    yield
    Conversation.objects.all().delete()
    User.objects.all().delete()


@pytest.fixture
def canary_user(
    saved_rows: None, worker: Worker, client_of: Callable[[User], Client]
) -> User:
    """A user with the canary in every text, and with replies in every state."""
    from chat.services.messages import send_message

    user = User.objects.create_user("bee", PASSWORD, f"{CANARY}@example.org")
    user.instructions = f"Speak of {CANARY}"
    user.save()
    first = send_message(user, f"ended {CANARY}", "one")
    claim = worker.claim()
    worker.finish(claim, f"about {CANARY}")
    Keeper().sweep()
    send_message(user, f"written {CANARY}", "two")
    worker.write(worker.claim(), f"half of {CANARY}")
    waiting = send_message(user, f"waits {CANARY}", "three")
    send_message(user, f"held {CANARY}", "four", waiting.message.conversation)
    client = client_of(user)
    client.post(f"/c/{first.message.conversation_id}/rename/", {"title": CANARY})
    client.get("/")
    return user
