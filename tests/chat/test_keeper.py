"""Sweeps of an idle site cost little, and the next thing to do is not missed.

``services/jobs/test_reconcile.py`` runs its sweeps with a keeper that idled before, too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.accounts.retention import TIDY_SECONDS
from chat.keeper import Keeper
from chat.models import Batch, BatchFile, Conversation, LimitBucket, Reply, User
from chat.models.batch import OPEN_STATUSES
from chat.models.pending_work import QUERY
from chat.models.sql_rows import rows
from chat.services.limits.usage import KEPT_SECONDS
from chatsite.mailbox import Mailbox
from chatsite.mailbox.connection import Connection
from chatsite.model_choice import FILE_NAME
from tests.chat.conftest import Worker
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


class Site:
    """A keeper, its clock, and how many whole rounds it has done."""

    def __init__(self) -> None:
        self.now, self.rounds = 0.0, 0
        self.keeper = Keeper(lambda: self.now, more=self._count)

    def _count(self) -> None:
        self.rounds += 1

    def is_idle(self) -> bool:
        """Sweep; return whether the keeper found nothing to do."""
        before = self.rounds
        self.keeper.sweep()
        return self.rounds == before


@pytest.fixture
def idle(box: Mailbox) -> Site:
    """A site whose keeper has done all that it does at its start."""
    site = Site()
    while not site.is_idle():
        pass
    return site


def test_an_idle_sweep_asks_the_database_and_redis_one_question_each(
    idle: Site,
    valkey: Valkey,
    box: Mailbox,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    worker.announce()
    valkey.client.delete("mailbox:keeper", "mailbox:choice")
    trips, call = [], Connection.call

    def counted(self: Connection, send: Callable[[], Any]) -> Any:
        trips.append(send)
        return call(self, send)

    with monkeypatch.context() as patch, django_assert_num_queries(1):
        patch.setattr(Connection, "call", counted)
        assert idle.is_idle()
    assert len(trips) == 1
    assert box.has_keeper()
    assert box.served_model() == "scripted"


def test_a_deleted_conversation_is_removed_by_the_next_sweep(
    idle: Site, owner: User, settings: LazySettings
) -> None:
    deleted = timezone.now() - timedelta(hours=settings.DELETED_KEEP_HOURS)
    soon = deleted + timedelta(minutes=1)
    Conversation.objects.create(owner=owner, deleted_at=soon)
    assert idle.is_idle()
    Conversation.objects.update(deleted_at=deleted)
    assert not idle.is_idle()
    assert not Conversation.objects.exists()


def test_an_unused_limit_is_removed_by_the_next_sweep(idle: Site) -> None:
    full_at = timezone.now() - timedelta(seconds=KEPT_SECONDS)
    LimitBucket.objects.create(
        subject="network:a", kind="messages_per_day", full_at=full_at
    )
    assert not idle.is_idle()
    assert not LimitBucket.objects.exists()


@pytest.mark.parametrize("status", OPEN_STATUSES)
def test_an_open_batch_is_advanced_by_the_next_sweep(
    idle: Site, owner: User, status: str
) -> None:
    now = timezone.now()
    file = BatchFile.objects.create(
        owner=owner, name="a", purpose="batch", expires_at=now
    )
    batch = Batch.objects.create(
        owner=owner, input_id=file.pk, status=status, expires_at=now
    )
    assert not idle.is_idle()
    Batch.objects.filter(pk=batch.pk).update(status="completed")
    assert idle.is_idle()


def test_another_choice_of_the_model_is_noted_by_the_next_sweep(
    idle: Site, box: Mailbox, settings: LazySettings, tmp_path: Path
) -> None:
    settings.CHAT_MODEL, settings.DATA_DIR = "", tmp_path
    (tmp_path / FILE_NAME).write_text('{"model":"gpt2","wanted":"gpt2","reason":""}')
    assert idle.is_idle()
    assert box.served_model() == "gpt2"


def test_retention_is_due_once_a_minute(idle: Site) -> None:
    idle.now = TIDY_SECONDS - 1
    assert idle.is_idle()
    idle.now = TIDY_SECONDS
    assert not idle.is_idle()


def test_held_replies_that_wait_for_their_user_leave_the_keeper_idle(
    idle: Site, owner: User, worker: Worker, sent: Callable[..., Reply]
) -> None:
    first = sent(owner)
    sent(owner, "two", first.message.conversation)
    worker.answer("", outcome="failed")
    assert not idle.is_idle()
    assert Reply.objects.held().exists()
    assert idle.is_idle()


def test_a_reply_does_not_wait_for_the_time_in_which_the_keeper_idled(
    idle: Site,
    owner: User,
    valkey: Valkey,
    worker: Worker,
    sent: Callable[..., Reply],
) -> None:
    """The clock by which replies expire counts no time before they were sent."""
    sent(owner)
    worker.announce(free=0)
    idle.keeper.sweep()
    worker.answer("done")
    while not idle.is_idle():
        pass
    before = valkey.client.hgetall("mailbox:clock:scripted")
    sent(owner)
    idle.keeper.sweep()
    assert valkey.client.hget("mailbox:clock:scripted", "seconds") == before["seconds"]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL counts its rows")
def test_the_question_to_the_database_reads_no_table_as_a_whole(db: None) -> None:
    now = timezone.now()
    plan = [row[3] for row in rows(f"EXPLAIN QUERY PLAN {QUERY}", (now, now))]
    assert not [
        step
        for step in plan
        if step.startswith("SCAN")
        and "INDEX" not in step
        and step != "SCAN CONSTANT ROW"
    ]
