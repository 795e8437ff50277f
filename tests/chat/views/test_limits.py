"""Limits as people and programs meet them: refused with the text kept, told what is
left, counted with the others of their network."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import Conversation, Reply, User
from tests.chat.conftest import Clock, Worker
from tests.chat.pages import form_data, text_of
from tests.chat.views.limit_requests import HTMX, send
from tests.dom import dom

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def test_without_javascript_the_text_stands_in_the_box_beside_the_reason(
    tab: Client, settings
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    path = send(tab).headers["Location"].partition("#")[0]
    for address in ("/send/", f"{path}send/"):
        answer = send(tab, "precious <text>", address)
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        text = text_of(answer)
        assert "precious <text>" in dom(text).raw_texts("textarea")
        assert "You’ve reached your limit of 1 message a minute." in text
        assert "send it again in 1 min." in text
        assert "0 of 1 message left this minute" in text
    assert Reply.objects.count() == 1
    assert Conversation.objects.count() == 1


def test_with_htmx_the_reason_and_what_is_left_are_put_into_the_page(
    tab: Client, settings
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    send(tab)
    answer = tab.post("/send/", form_data(tab.get("/"), "precious"), headers=HTMX)
    assert answer.status_code == 429
    said = dom(answer).one('[hx-swap-oob="innerHTML:#refusal"]')
    assert said.text.startswith("You’ve reached your limit")
    left = dom(answer).one('[hx-swap-oob="innerHTML:#little-left"]')
    assert "0 of 1 message left this minute" in left.text


def test_the_same_text_is_taken_once_more_came_back(
    tab: Client, clock: Clock, settings
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    send(tab)
    wait = int(send(tab, "again").headers["Retry-After"])
    assert wait == 24 * 3600
    clock.turn(wait)
    assert send(tab, "again").status_code == 303


def test_the_api_says_which_limit_it_was_and_when_to_come_back(
    tab: Client, settings
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 2
    call = {"content_type": "application/json"}
    for _ in range(2):
        assert tab.post("/api/v1/messages", {"text": "a"}, **call).status_code == 202
    answer = tab.post("/api/v1/messages", {"text": "a"}, **call)
    assert answer.status_code == 429
    assert answer.json()["code"] == "prompts_per_day"
    assert answer.headers["Retry-After"] == str(12 * 3600)


@pytest.mark.parametrize("act", ["vary", "repeat", "resume"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_further_reply_that_is_refused_says_so_and_shows_the_way_back(
    act: str,
    headers: dict[str, str],
    tab: Client,
    owner: User,
    worker: Worker,
    settings,
    sent,
) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    reply = sent(owner)
    worker.answer("yes", is_length_limited=True)
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    answer = tab.post(f"/r/{reply.pk}/{act}/", form_data(page, ""), headers=headers)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "60"
    assert "1 message a minute" in text_of(answer)
    assert "Try again in 1 min." in text_of(answer)
    assert Reply.objects.count() == 1


def test_the_same_form_sent_twice_is_never_refused(tab: Client, settings) -> None:
    settings.GUEST_MESSAGES_PER_MINUTE = 1
    assert send(tab).status_code == send(tab).status_code == 303
