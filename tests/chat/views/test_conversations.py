"""A conversation's page: a window of its messages, however many there are."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, Message, Reply, User
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import form_data, known, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def page_of(conversation: Conversation) -> str:
    return f"/c/{conversation.pk}/"


def numbers(page: Any) -> list[int]:
    """Which messages are shown."""
    return [int(text.split()[1]) for text in dom(page).texts(".turn .text")]


def test_the_newest_messages_are_shown_and_the_earlier_ones_on_demand(
    tab: Client, owner: User
) -> None:
    conversation = long_conversation(owner, 120)
    shown = tab.get(page_of(conversation))
    seen = numbers(shown)
    assert seen == list(range(70, 120))
    while earlier := dom(shown).values('[hx-get*="/earlier/?before="]', "hx-get"):
        shown = tab.get(earlier[0])
        seen = numbers(shown) + seen
    assert seen == list(range(120))


def test_without_a_script_earlier_messages_have_a_page_of_their_own(
    tab: Client, owner: User
) -> None:
    conversation = long_conversation(owner, 120)
    page = dom(tab.get(page_of(conversation)))
    earlier = tab.get(page.first('a[href*="?before="]')["href"])
    assert numbers(earlier) == list(range(20, 70))
    assert "Jump to the latest" in text_of(earlier)
    assert dict(known(earlier))["leaf"] == ""
    assert numbers(tab.get(poll_url(earlier))) == []


def test_a_message_is_shown_among_its_neighbours(tab: Client, owner: User) -> None:
    conversation = long_conversation(owner, 300)
    message = Message.objects.get(text="reply 101")
    page = tab.get(page_of(conversation), {"at": message.pk})
    assert numbers(page) == list(range(76, 126))
    last = Message.objects.get(text="reply 299")
    page = tab.get(page_of(conversation), {"at": last.pk})
    assert numbers(page) == list(range(250, 300))
    assert dict(known(page))["leaf"] == str(last.pk)


@pytest.mark.parametrize("query", ["at", "before", "edit"])
def test_no_other_conversations_message_is_shown(
    query: str, tab: Client, owner: User
) -> None:
    mine = long_conversation(owner, 4)
    theirs = long_conversation(User.objects.guest(uuid.uuid4()), 4)
    for message in (theirs.active_leaf_id, uuid.uuid4(), "nonsense"):
        assert tab.get(page_of(mine), {query: message}).status_code == 404


@pytest.mark.parametrize("count", [50, 2000])
def test_the_queries_do_not_grow_with_the_conversation(
    count: int, tab: Client, owner: User
) -> None:
    conversation = long_conversation(owner, count)
    tab.get(page_of(conversation))
    with CaptureQueriesContext(connection) as queries:
        page = tab.get(page_of(conversation))
    assert len(queries) == 9
    url = poll_url(page).replace("n=", "n=stale")
    with CaptureQueriesContext(connection) as queries:
        tab.get(url)
    assert len(queries) <= 12


def test_a_prompt_to_be_changed_stands_in_the_form(tab: Client, owner: User) -> None:
    conversation = long_conversation(owner, 6)
    prompt = Message.objects.get(text="prompt 2")
    page = tab.get(page_of(conversation), {"edit": prompt.pk})
    assert "prompt 2" in dom(page).raw_texts("textarea")
    answer = tab.post(
        f"{page_of(conversation)}send/",
        form_data(page, "another 2") | {"instead_of": str(prompt.pk)},
    )
    assert answer.status_code == 303
    conversation.refresh_from_db()
    texts = [message.text for message in conversation.path()]
    assert texts == ["prompt 0", "reply 1", "another 2", ""]
    assert Message.objects.filter(text="reply 5").exists()


def test_another_persons_prompt_is_not_changed(tab: Client, owner: User) -> None:
    mine = long_conversation(owner, 4)
    theirs = long_conversation(User.objects.guest(uuid.uuid4()), 4)
    page = tab.get(page_of(mine))
    foreign = theirs.messages.first()
    assert foreign
    data = form_data(page, "x") | {"instead_of": str(foreign.pk)}
    assert tab.post(f"{page_of(mine)}send/", data).status_code == 404


def test_a_message_of_another_version_is_shown_as_such(
    tab: Client, owner: User
) -> None:
    conversation = long_conversation(owner, 4)
    old = Message.objects.get(text="prompt 2")
    page = tab.get(page_of(conversation))
    data = form_data(page, "instead") | {"instead_of": str(old.pk)}
    tab.post(f"{page_of(conversation)}send/", data)
    page = tab.get(page_of(conversation), {"at": old.pk})
    assert numbers(text_of(page)) == [0, 1, 2, 3]
    assert "viewing another version" in text_of(page)
    assert dict(known(page))["leaf"] == ""


def test_a_reply_far_up_that_is_tried_again_is_shown_and_asked_after(
    tab: Client, owner: User
) -> None:
    conversation = long_conversation(owner, 120)
    failed = Message.objects.get(text="reply 21")
    Reply.objects.filter(pk=failed.pk).update(state="failed")
    page = tab.get(page_of(conversation))
    data = dict(known(page))
    asked = tab.post(f"/r/{failed.pk}/retry/", data, headers={"HX-Request": "true"})
    fresh = Reply.objects.get(state="queued")
    address = asked.headers["HX-Redirect"]
    assert address == f"{page_of(conversation)}?at={fresh.pk}#reply-{fresh.pk}"
    assert tab.post(f"/r/{failed.pk}/retry/").headers["Location"] == address
    place = tab.get(address)
    assert ("r", f"{fresh.pk}:0:0") in known(place)
    assert f"#reply-{fresh.pk}" in dom(place)
