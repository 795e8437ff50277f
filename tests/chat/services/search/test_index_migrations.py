"""The search index after migrations."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from chat.migrations._search_shown import restore_triggers
from chat.migrations._search_sqlite import TRIGGERS
from chat.models import Conversation, Message
from tests.chat.services.search.search_actions import IS_SQLITE, found


@pytest.fixture
def older_schema(transactional_db: None) -> Iterator[MigrationExecutor]:
    """As it was before there was a search; afterwards as it is."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate([("chat", "0003_history")])
    yield executor
    executor = MigrationExecutor(connection)
    executor.migrate(newest)


def test_what_was_there_before_is_found_after_the_migration(
    older_schema: MigrationExecutor,
) -> None:
    old = older_schema.loader.project_state([("chat", "0003_history")]).apps
    owner = old.get_model("chat", "User").objects.create(password="!")
    talk = old.get_model("chat", "Conversation")(owner_id=owner.pk, title="Knots")
    talk.save()
    for text in ("a clove hitch", "", "a half hitch"):
        old.get_model("chat", "Message")(
            conversation=talk, owner_id=owner.pk, role="user", text=text
        ).save()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert found(owner, "hitch") == ["a half hitch", "a clove hitch"]
    assert found(owner, "knots") == ["Knots"]
    Message.objects.filter(text="").update(text="a third hitch")
    assert len(found(owner, "hitch")) == 3


@pytest.mark.skipif(not IS_SQLITE, reason="only SQLite makes tables anew")
def test_no_migration_has_taken_the_triggers_away(db: None) -> None:
    """One that does ends with ``_search_shown.restore_triggers``."""
    assert set(re.findall(r"chat_\w+(?= AFTER)", " ".join(TRIGGERS))) <= triggers()


@pytest.mark.skipif(not IS_SQLITE, reason="only SQLite makes tables anew")
def test_triggers_that_went_with_a_table_can_be_mended(transactional_db: None) -> None:
    before = triggers()
    with connection.schema_editor() as editor:
        editor._remake_table(Message)
        editor._remake_table(Conversation)
    assert triggers() < before
    with connection.schema_editor() as editor:
        restore_triggers(apps, editor)
    assert triggers() == before


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in cursor.fetchall()}
