"""The health checks."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.keeper import Keeper
from chatsite.mailbox import open_mailbox
from tests.valkey import Valkey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]


def readiness() -> tuple[int, str]:
    answer = Client().get("/readyz")
    return answer.status_code, answer.content.decode()


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
def test_a_live_process_needs_neither_redis_nor_the_database(
    path: str, valkey: Valkey, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    valkey.stop()
    try:
        with django_assert_num_queries(0):
            answer = Client().get(path)
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert (answer.status_code, answer.content) == (200, b"ok")


def test_a_site_is_ready_once_a_keeper_has_swept() -> None:
    assert readiness() == (503, "keeper: has not swept lately")
    Keeper().sweep()
    assert readiness() == (200, "ok")


def test_without_redis_no_site_is_ready(valkey: Valkey) -> None:
    Keeper().sweep()
    valkey.stop()
    try:
        assert readiness() == (503, "queue: cannot be reached")
    finally:
        valkey.start()
        open_mailbox().connection.forgive()


def test_without_its_database_no_site_is_ready() -> None:
    def refuse(*_: Any) -> None:
        raise OperationalError

    Keeper().sweep()
    with connection.execute_wrapper(refuse):
        assert readiness() == (503, "database: cannot be reached")


def test_a_site_before_its_migrations_is_not_ready() -> None:
    Keeper().sweep()
    MigrationRecorder(connection).record_unapplied("chat", "0003_history")
    assert readiness() == (503, "migrations: 1 not applied")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_probes_are_answered_under_any_name_and_without_https(
    path: str, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["chat.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    settings.GUESTS = False
    Keeper().sweep()
    browser = Client()
    assert browser.get(path, headers={"Host": "10.1.2.3:8000"}).content == b"ok"
    assert browser.head(path).headers["Content-Length"] == "2"
    assert browser.post(path).status_code == 405
