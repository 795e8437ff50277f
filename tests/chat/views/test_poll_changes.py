"""What a poll changes on the page."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Reply, User
from chat.services.jobs.stop import stop_reply
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import known, poll_url, text_of, text_parts
from tests.chat.views.poll_requests import page_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_the_finished_reply_takes_the_place_of_the_growing_one(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    page = page_of(tab, reply)
    worker.answer("All <said>\n  and done.")
    answer = tab.get(poll_url(page))
    fragment = dom(answer)
    text = fragment.one(f"#reply-{reply.pk}[hx-swap-oob=true] .text.markdown")
    assert (text["dir"], text.text) == ("auto", "All <said> and done.")
    assert "The reply is ready." in fragment.text
    assert not [value for name, value in known(answer) if name == "r"]
    settled = tab.get(poll_url(answer))
    assert "The reply is ready." not in text_of(settled)


def test_a_reply_begun_anew_replaces_its_text(
    tab: Client, owner: User, worker: Worker, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    worker.announce()
    first = worker.claim(lease_seconds=0.001)
    page = page_of(tab, reply)
    worker.write(first, "An older text")
    grown = tab.get(poll_url(page))
    box.hand_back(first.reply, first.token)
    waiting = tab.get(poll_url(grown))
    assert "older text" not in text_of(waiting)
    worker.write(worker.claim(), "Another")
    answer = tab.get(poll_url(waiting))
    settled, tail = text_parts(answer, reply)
    assert settled.has("data-replaces")
    assert tail.text == "Another"


def test_a_reply_published_anew_replaces_its_text(
    tab: Client, owner: User, worker: Worker, box: Mailbox, sent
) -> None:
    reply = sent(owner)
    claim = worker.claim()
    worker.write(claim, "Half of the first text")
    page = page_of(tab, reply)
    box.connection.client.flushall()
    from chat.services.jobs.publish import publish

    fresh = Reply.objects.with_path().get(pk=reply.pk)
    assert fresh.publish_again()
    publish(fresh)
    worker.announce()
    worker.write(worker.claim(), "A whole second text, longer than it")
    answer = tab.get(poll_url(page))
    assert text_parts(answer, reply)[0].has("data-replaces")
    assert "A whole second text, longer than it" in text_of(answer)


def test_another_tab_gets_the_messages_it_lacks(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    worker.answer("1")
    page = page_of(tab, first)
    second = sent(owner, "two", conversation=first.message.conversation)
    answer = tab.get(poll_url(page))
    assert '[hx-swap-oob="beforeend:#messages"]' in dom(answer)
    assert f"#reply-{second.pk}" in dom(answer)
    assert ("leaf", str(second.pk)) in known(answer)
    again = tab.get(poll_url(answer))
    assert "beforeend:#messages" not in text_of(again)


def test_a_page_on_another_path_is_loaded_afresh(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    reply = sent(owner)
    answer = tab.get(
        "/poll/",
        {"c": str(reply.message.conversation_id), "leaf": str(uuid.uuid4())},
    )
    assert '[hx-swap-oob="innerHTML:#messages"]' in dom(answer)
    assert f"#reply-{reply.pk}" in dom(answer)
    assert dict(known(answer))["leaf"] == str(reply.pk)


def test_a_held_reply_is_shown_as_queued_when_its_turn_comes(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", conversation=first.message.conversation)
    page = page_of(tab, first)
    assert "Sends after this reply" in text_of(page)
    assert ("h", str(second.pk)) in known(page)
    worker.answer("1")
    answer = tab.get(poll_url(page))
    assert ("r", f"{second.pk}:0:0") in known(answer)
    assert not [value for name, value in known(answer) if name == "h"]
    assert f"#reply-{second.pk}[hx-swap-oob=true]" in dom(answer)


def test_a_held_reply_stopped_elsewhere_is_shown_as_stopped(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    first = sent(owner, "one")
    second = sent(owner, "two", conversation=first.message.conversation)
    page = page_of(tab, first)
    stop_reply(second)
    answer = tab.get(poll_url(page))
    assert "Stopped" in text_of(answer)
