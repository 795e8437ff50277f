"""The mark of a conversation in the list: waiting, running, failed, unread."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, Message, Reply, User
from chat.services.jobs import reconcile
from chat.services.reply_versions import retry
from chatsite import wire
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conftest import Worker
from tests.chat.conversation_data import make_conversations
from tests.chat.pages import poll_url
from tests.chat.views.list_requests import listed
from tests.dom import dom
from tests.valkey import Valkey

pytestmark = pytest.mark.django_db


def mark_of(answer, conversation: uuid.UUID) -> str:
    """The words beside a title; empty where there are none."""
    labels = (
        dom(answer).one(f"#entry-{conversation}").values("[aria-label]", "aria-label")
    )
    return labels[0] if labels else ""


def test_an_entry_says_what_becomes_of_its_reply(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    talk = reply.message.conversation_id
    assert mark_of(tab.get("/"), talk) == "reply on its way"
    claim = worker.claim()
    assert mark_of(tab.get("/"), talk) == "reply being written"
    worker.finish(claim, "It is so.")
    assert mark_of(tab.get("/"), talk) == "reply being written"
    reconcile.collect_finished()
    assert mark_of(tab.get("/"), talk) == "new reply"
    tab.get(f"/c/{talk}/")
    assert mark_of(tab.get("/"), talk) == ""


def test_an_entry_says_that_its_reply_failed_until_it_is_tried_again(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    talk = reply.message.conversation_id
    worker.finish(worker.claim(), "So", wire.Outcome.FAILED)
    page = tab.get(f"/c/{talk}/")
    assert mark_of(page, talk) == "last reply failed"
    retry(Reply.objects.with_path().get(pk=reply.pk))
    assert mark_of(tab.get("/"), talk) == "reply on its way"


def test_a_stop_is_no_news(tab: Client, owner: User, worker: Worker, sent) -> None:
    reply = sent(owner)
    worker.finish(worker.claim(), "So", wire.Outcome.STOPPED)
    reconcile.collect_finished()
    assert mark_of(tab.get("/"), reply.message.conversation_id) == ""


def test_an_idle_page_hears_that_a_reply_started_or_went_back_into_line(
    tab: Client, owner: User, worker: Worker, box: Mailbox, sent
) -> None:
    talk = sent(owner).message.conversation_id
    page = tab.get("/")
    claim = worker.claim()
    started = tab.get(poll_url(page))
    assert mark_of(started, talk) == "reply being written"
    assert listed(tab.get(poll_url(started))) == []
    box.hand_back(claim.reply, claim.token)
    back = tab.get(poll_url(started))
    assert mark_of(back, talk) == "reply on its way"
    worker.claim(lease_seconds=0)
    assert mark_of(tab.get(poll_url(back)), talk) == "reply being written"
    lost = tab.get("/")
    box.take_back(3)
    assert mark_of(tab.get(poll_url(lost)), talk) == "reply on its way"


def test_the_poll_that_brings_the_end_has_shown_it(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    talk = reply.message.conversation_id
    page, other = tab.get(f"/c/{talk}/"), tab.get("/")
    worker.answer("It is so.")
    reconcile.collect_finished()
    unread = tab.get(poll_url(other))
    assert mark_of(unread, talk) == "new reply"
    shown = tab.get(poll_url(page))
    assert mark_of(shown, talk) == ""
    assert not Conversation.objects.get(pk=talk).has_unread
    # The other page hears of it.
    assert mark_of(tab.get(poll_url(unread)), talk) == ""


def test_nothing_is_written_where_nothing_is_unread(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    talk = sent(owner).message.conversation_id
    worker.answer("It is so.")
    tab.get(f"/c/{talk}/")
    with CaptureQueriesContext(connection) as captured:
        tab.get(f"/c/{talk}/")
    assert not [q for q in captured if q["sql"].startswith("UPDATE")]


def test_without_redis_whatever_is_to_come_shows_as_waiting(
    tab: Client, owner: User, valkey: Valkey, worker: Worker, sent
) -> None:
    talk = sent(owner).message.conversation_id
    worker.claim()
    valkey.stop()
    try:
        page = tab.get("/")
    finally:
        valkey.start()
        open_mailbox().connection.forgive()
    assert mark_of(page, talk) == "reply on its way"


def test_replies_beyond_those_asked_about_show_as_waiting(
    tab: Client, owner: User, worker: Worker, sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.conversation_badges.ASKED_MAX", 0)
    talk = sent(owner).message.conversation_id
    worker.claim()
    assert mark_of(tab.get("/"), talk) == "reply on its way"


def test_a_conversation_without_messages_has_no_mark(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    assert Message.objects.count() == 0
    assert mark_of(tab.get("/"), talk.pk) == ""
