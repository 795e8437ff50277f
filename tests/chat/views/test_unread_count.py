"""The title of a page says how many conversations are unread."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, User
from chat.services import conversation_list
from chat.services.conversation_keeping import archive
from chat.services.jobs import reconcile
from chatsite import wire
from tests.chat.conftest import Worker
from tests.chat.conversation_data import make_conversations
from tests.chat.pages import poll_url
from tests.dom import dom

pytestmark = pytest.mark.django_db


def title_of(answer) -> str:
    return dom(answer).one("title").text


def news_of(answer) -> tuple[str, str, bool]:
    """What is unread, what is ready, and whether a reply is to come."""
    found = dom(answer).one("#conversations")
    return found["data-unread"], found["data-ready"], found.has("data-awaited")


def test_every_page_counts_what_was_not_read(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    talk = reply.message.conversation_id
    page = tab.get("/")
    assert title_of(page) == "New conversation · chatsite"
    assert news_of(page) == ("", "", True)
    worker.answer("It is so.")
    reconcile.collect_finished()
    name = f"{talk.hex[:8]}-{reply.pk.hex[:8]}"
    assert news_of(tab.get(poll_url(page))) == ("1", name, False)
    for path in ("/", "/search/", "/settings/", "/account/", "/history/"):
        assert title_of(tab.get(path)).startswith("(1) ")
    assert not title_of(tab.get(f"/c/{talk}/")).startswith("(")
    assert news_of(tab.get("/")) == ("", "", False)


def test_a_failure_counts_but_is_not_ready(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    sent(owner)
    worker.finish(worker.claim(), "So", wire.Outcome.FAILED)
    reconcile.collect_finished()
    assert news_of(tab.get("/")) == ("1", "", False)


def test_only_what_the_list_shows_counts_and_only_of_its_owner(
    tab: Client, owner: User
) -> None:
    stranger = User.objects.create(username="stranger")
    make_conversations(stranger, 1)
    kept, archived, hidden = make_conversations(owner, 3)
    Conversation.objects.update(has_unread=True)
    archive(archived, is_archived=True)
    Conversation.objects.filter(pk=hidden.pk).update(is_hidden=True)
    assert news_of(tab.get("/")) == ("1", "", False)
    tab.post(f"/c/{kept.pk}/delete/")
    assert news_of(tab.get("/")) == ("", "", False)


def test_the_count_ends_at_ninety_nine(tab: Client, owner: User) -> None:
    made = make_conversations(owner, 101)
    Conversation.objects.update(has_unread=True)
    assert title_of(tab.get("/")) == "(99+) New conversation · chatsite"
    for conversation in made[:2]:
        tab.get(f"/c/{conversation.pk}/")
    assert news_of(tab.get("/"))[0] == "99"


def test_the_count_costs_no_query_and_reads_its_index(owner: User) -> None:
    make_conversations(owner, 3)
    with CaptureQueriesContext(connection) as captured:
        conversation_list.newest(owner.pk)
    assert len(captured) == 2
    with connection.cursor() as cursor:
        explain = "EXPLAIN QUERY PLAN"
        if connection.vendor == "postgresql":
            explain = "EXPLAIN"
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} {captured[-1]['sql']}")
        assert "conversation_unread" in str(cursor.fetchall())
