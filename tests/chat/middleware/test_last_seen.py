"""When a user was last seen, and with which device."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.models import Session, User
from chatsite.mailbox import Mailbox
from tests.chat.pages import poll_url
from tests.chat.user_agents import FIREFOX, PHONE

pytestmark = pytest.mark.django_db


def test_a_visit_is_noted_every_few_hours(tab: Client, account: User) -> None:
    tab.get("/", headers={"User-Agent": FIREFOX})
    first = Session.objects.get()
    assert first.device == "Firefox on Linux"
    tab.get("/", headers={"User-Agent": PHONE})
    assert Session.objects.get().seen_at == first.seen_at
    assert first.seen_at is not None
    long_ago = first.seen_at - timedelta(days=3)
    Session.objects.update(seen_at=long_ago)
    User.objects.update(seen_at=long_ago)
    tab.get("/")
    now = timezone.now()
    for row in (Session.objects.get(), User.objects.get()):
        assert row.seen_at is not None
        assert now - row.seen_at < timedelta(hours=1)


def test_a_poll_notes_nothing(
    tab: Client,
    account: User,
    box: Mailbox,
    sent,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    reply = sent(account)
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    tab.get(poll_url(page))
    Session.objects.update(seen_at=timezone.now() - timedelta(days=3))
    with django_assert_num_queries(0):
        tab.get(poll_url(page))


def test_a_guest_counts_as_seen_from_the_first_message_on(
    visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    assert User.objects.get().seen_at is not None
