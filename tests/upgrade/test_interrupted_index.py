"""A start that was killed while an index was built is completed by the next one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from django.apps import apps
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ProjectState
from pytest_django.plugin import DjangoDbBlocker

from chat.migrations._add_index import AddIndexWithoutLock
from chat.migrations._remove_index import RemoveIndexWithoutLock
from chatsite.databases import postgresql_settings
from tests.postgres import empty_database
from tests.upgrade.visitor import wait_until

TABLE = "CREATE TABLE chat_reply (id integer primary key, finished_at {})"
BUILD = "CREATE INDEX CONCURRENTLY reply_finished ON chat_reply (finished_at)"
ALIAS = "interrupted"
STATE = (
    "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('reply_finished')"
)
RUNNING = (
    "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"
)


@pytest.fixture
def connection(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[BaseDatabaseWrapper]:
    """Django's connection to a database with one table; ``param`` names the vendor."""
    if request.param == "postgresql":
        url = empty_database(request.getfixturevalue("postgres_server"))
        settings = postgresql_settings(url, "DATABASE_URL")
        with psycopg.connect(url, autocommit=True) as link:
            link.execute(TABLE.format("timestamptz"))
    else:
        file = tmp_path / "chat.sqlite3"
        settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(file)}
        with closing(sqlite3.connect(file)) as link:
            link.execute(TABLE.format("datetime"))
        url = str(file)
    with django_db_blocker.unblock():
        connections.settings[ALIAS] = {
            **connections.configure_settings({**connections.settings, ALIAS: settings})[
                ALIAS
            ],
        }
        made = connections[ALIAS]
        made.url = url
        yield made
        made.close()
        del connections[ALIAS], connections.settings[ALIAS]


def migrate(connection: BaseDatabaseWrapper) -> None:
    """Do what the migration of the index does."""
    index = models.Index(fields=["finished_at"], name="reply_finished")
    state = ProjectState.from_apps(apps)
    with connection.schema_editor(atomic=False) as editor:
        AddIndexWithoutLock("reply", index).database_forwards(
            "chat", editor, state, state
        )


def indexes(connection: BaseDatabaseWrapper) -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "chat_reply")
    return {name for name, one in found.items() if one["index"]}


on_both = pytest.mark.parametrize("connection", ["sqlite", "postgresql"], indirect=True)
on_postgresql = pytest.mark.parametrize("connection", ["postgresql"], indirect=True)


@on_both
def test_an_index_that_was_made_and_not_noted_is_kept(
    connection: BaseDatabaseWrapper,
) -> None:
    for _ in range(2):
        migrate(connection)
        assert "reply_finished" in indexes(connection)


@pytest.mark.parametrize("connection", ["sqlite"], indirect=True)
def test_an_index_that_was_removed_and_not_noted_stays_removed(
    connection: BaseDatabaseWrapper,
) -> None:
    state = ProjectState.from_apps(apps)
    removal = RemoveIndexWithoutLock("reply", "reply_finished")
    migrate(connection)
    for _ in range(2):
        with connection.schema_editor(atomic=False) as editor:
            removal.database_forwards("chat", editor, state, state)
        assert "reply_finished" not in indexes(connection)


@on_postgresql
@pytest.mark.parametrize("is_ended", [True, False])
def test_an_index_that_was_being_built_is_completed(
    connection: BaseDatabaseWrapper, *, is_ended: bool
) -> None:
    """The build waits for an old transaction; PostgreSQL may have been killed too."""
    url = str(connection.url)
    with psycopg.connect(url) as old, psycopg.connect(url, autocommit=True) as look:
        old.execute("INSERT INTO chat_reply VALUES (1, now())")
        builder = Thread(target=_build, args=[url])
        builder.start()
        wait_until(lambda: look.execute(STATE).fetchone() == (False,), "a build")
        [pid] = look.execute(RUNNING).fetchone()
        if is_ended:
            look.execute("SELECT pg_terminate_backend(%s)", [pid])
            builder.join()
            assert look.execute(STATE).fetchone() == (False,)
            old.commit()
            migrate(connection)
        else:
            next_start = Thread(target=migrate, args=[connection])
            connection.inc_thread_sharing()
            next_start.start()
            old.commit()
            next_start.join()
            builder.join()
        assert look.execute(STATE).fetchone() == (True,)


def _build(url: str) -> None:
    try:
        with psycopg.connect(url, autocommit=True) as link:
            link.execute(BUILD)
    except psycopg.OperationalError:
        pass  # It was ended.
