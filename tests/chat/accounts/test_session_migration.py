"""Migration 0006 keeps the sessions that existed before."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from chat.accounts.guests import BACKEND
from chat.migrations._sessions import SessionStore
from chat.models import Session, User
from chatsite.mailbox import Mailbox
from tests.chat.pages import text_of

BEFORE = [("chat", "0005_model_picked")]
#: The table as ``django.contrib.sessions`` creates it on each database.
OLD_TABLE = (
    "CREATE TABLE django_session (session_key varchar(40) NOT NULL PRIMARY KEY,"
    " session_data text NOT NULL, expire_date {time} NOT NULL)"
)


@pytest.fixture
def before(transactional_db: None) -> Iterator[MigrationExecutor]:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(BEFORE)
    is_postgres = connection.vendor == "postgresql"
    kind = "timestamp with time zone" if is_postgres else "datetime"
    with connection.cursor() as cursor:
        cursor.execute(OLD_TABLE.format(time=kind))
    yield executor
    MigrationExecutor(connection).migrate(newest)


def keep(key: str, owner: object, password: str, *, days: float = 1) -> None:
    said = {}
    if owner:
        hashed = User(password=password).get_session_auth_hash()
        said = {SESSION_KEY: str(owner), BACKEND_SESSION_KEY: BACKEND}
        said |= {HASH_SESSION_KEY: hashed}
    expires = connection.ops.adapt_datetimefield_value(
        timezone.now() + timedelta(days=days)
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_session VALUES (%s, %s, %s)",
            [key, SessionStore().encode(said), expires],
        )


def test_a_user_who_was_logged_in_stays_logged_in(
    before: MigrationExecutor, box: Mailbox
) -> None:
    old = before.loader.project_state(BEFORE).apps
    person = old.get_model("chat", "User").objects.create(password="!abc")
    old.get_model("chat", "Conversation").objects.create(owner=person, title="Bees")
    keep("k" * 32, person.pk, "!abc")
    keep("e" * 32, person.pk, "!abc", days=-1)
    keep("n" * 32, None, "")
    keep("g" * 32, uuid.uuid4(), "!abc")  # of somebody who is gone
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert {row.pk[0] for row in Session.objects.all()} == {"k", "n"}
    assert "django_session" not in connection.introspection.table_names()
    tab = Client()
    tab.cookies[settings.SESSION_COOKIE_NAME] = "k" * 32
    assert "Bees" in text_of(tab.get("/"))
    assert Session.objects.get(pk="k" * 32).user_id == person.pk
    seen_at = User.objects.get(pk=person.pk).seen_at
    assert seen_at is not None  # nobody counts as idle for not having been noticed
    assert timezone.now() - seen_at < timedelta(hours=1)
