"""Recent failures by reason, and trying them again for their owners."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from chat.models import Conversation, Reply, User
from chat.services.jobs.collect import collect
from chat.services.operation.failures import recent_failures, retry_failures
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(owner: User, worker: Worker, sent: Callable[..., Reply]) -> Reply:
    reply = sent(owner, "hello")
    claim = worker.claim()
    worker.finish(claim, "", wire.Outcome.FAILED)
    collect(claim.reply)
    reply.refresh_from_db()
    return reply


def test_failures_are_counted_by_reason(failed: Reply) -> None:
    [kind] = recent_failures()
    assert (kind.error, kind.model, kind.count) == ("model_error", "scripted", 1)
    assert kind.retriable == 1
    late = timezone.now() - timedelta(days=2)
    Reply.objects.update(finished_at=late)
    assert recent_failures() == []


def test_a_retry_makes_a_new_version_for_the_owner_once(
    failed: Reply, box: Mailbox
) -> None:
    assert retry_failures("model_error", "scripted") == (1, 0)
    new = Reply.objects.exclude(pk=failed.pk).get()
    assert new.state == wire.State.QUEUED
    assert new.message.conversation == failed.message.conversation
    assert retry_failures("model_error", "scripted") == (0, 0)
    assert recent_failures()[0].retriable == 0


def test_what_its_owner_deleted_or_left_behind_is_not_tried_again(
    failed: Reply, owner: User, sent: Callable[..., Reply], worker: Worker
) -> None:
    Conversation.objects.update(deleted_at=timezone.now())
    assert retry_failures("model_error", "scripted") == (0, 0)
    Conversation.objects.update(deleted_at=None)
    conversation = failed.message.conversation
    sent(owner, "never mind", conversation)
    assert retry_failures("model_error", "scripted") == (0, 0)


def test_where_the_line_is_full_a_retry_is_refused(
    failed: Reply, sent: Callable[..., Reply], settings: LazySettings
) -> None:
    settings.QUEUE_REPLIES_MAX = 1
    sent(User.objects.guest(uuid.uuid4()), "another")
    assert retry_failures("model_error", "scripted") == (0, 1)
