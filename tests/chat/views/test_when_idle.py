"""Messages that wait until workers are idle: sent by the composer, shown, and let go."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from chat.keeper import Keeper
from chat.models import Reply, User
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
SWITCH = "#composer input[name=when_idle]"


@pytest.fixture
def late(owner: User, worker: Worker, sent) -> Reply:
    """One that waits for a worker which is busy."""
    worker.announce(free=0)
    return sent(owner, "late", when_idle=True)


def page_of(tab: Client, reply: Reply):
    return tab.get(f"/c/{reply.message.conversation_id}/")


@pytest.fixture
def send(tab: Client, committed) -> Callable[..., HttpResponse]:
    """Send a message by the form of a page."""

    def send_now(path: str = "/", **fields: str) -> HttpResponse:
        form = {**form_data(tab.get(path), "something long"), **fields}
        with committed():
            return tab.post(f"{path}send/", form)

    return send_now


def test_the_switch_is_off_until_it_is_used(tab: Client) -> None:
    switch = dom(tab.get("/")).one(SWITCH)
    assert not switch.has("checked")


def test_without_javascript_it_sends_one_message_and_is_off_again(
    tab: Client, send, worker: Worker
) -> None:
    worker.announce(free=0)
    answer = send(when_idle="1")
    assert worker.claim().is_helper
    page = tab.get(answer["Location"])
    assert not dom(page).one(SWITCH).has("checked")
    send(answer["Location"].partition("#")[0])
    assert sorted(reply.is_helper for reply in Reply.objects.all()) == [False, True]


def test_a_refused_message_keeps_its_switch(tab: Client) -> None:
    refused = tab.post("/send/", {"text": " ", "key": "k", "when_idle": "1"})
    assert refused.status_code == 422
    assert dom(refused).one(SWITCH).has("checked")


def test_a_message_whose_conversation_is_gone_keeps_its_wish(tab: Client) -> None:
    gone = "/c/00000000-0000-4000-8000-000000000000/send/"
    answer = tab.post(gone, {"text": "late", "key": "k", "when_idle": "1"})
    assert dom(answer).one(SWITCH.replace("#composer ", ""))["value"] == "1"


def test_its_ticket_names_no_place_and_no_time(
    tab: Client, late: Reply, worker: Worker, sent
) -> None:
    ticket = dom(page_of(tab, late)).one(".ticket")
    assert "Runs when the workers are idle" in ticket.text
    assert "when idle" in ticket.text
    assert "ahead of you" not in ticket.text
    assert "Next" not in ticket.text
    assert "Starts in" not in ticket.text


def test_a_poll_shows_the_same_ticket(tab: Client, late: Reply) -> None:
    answer = tab.get(poll_url(page_of(tab, late)))
    assert "Runs when the workers are idle" in text_of(answer)


def test_where_a_row_is_free_it_just_starts(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    worker.announce(free=1)
    page = page_of(tab, sent(owner, when_idle=True))
    assert "Starting…" in text_of(page)


def test_the_button_gives_it_an_ordinary_place(
    tab: Client, late: Reply, worker: Worker
) -> None:
    page = page_of(tab, late)
    button = dom(page).one("button.run-now")
    answer = tab.post(button["formaction"], form_data(page, ""), headers=HTMX)
    assert "Next" in text_of(answer)
    assert "idle" not in dom(answer).one(".ticket").text
    assert not worker.claim().is_helper


def test_the_button_leads_back_to_the_conversation_without_javascript(
    tab: Client, late: Reply
) -> None:
    for _ in range(2):
        answer = tab.post(f"/r/{late.pk}/run-now/")
        assert answer.status_code == 303
        assert f"#reply-{late.pk}" in answer["Location"]


def test_an_ordinary_reply_has_no_such_button(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    worker.announce(free=0)
    assert "button.run-now" not in dom(page_of(tab, sent(owner)))


def test_it_is_hidden_once_the_reply_is_being_written(
    tab: Client, late: Reply, worker: Worker
) -> None:
    """The styles show it beside a ticket alone."""
    worker.claim()
    page = dom(page_of(tab, late))
    assert ".ticket" not in page
    assert "button.run-now" in page


def test_the_details_say_that_it_let_all_others_go_first(
    tab: Client, late: Reply, worker: Worker
) -> None:
    worker.answer("Honey.")
    Keeper().sweep()
    assert "when idle" in text_of(tab.get(f"/r/{late.pk}/details/"))


def test_a_temporary_chat_can_wait_as_well(send, worker: Worker) -> None:
    send(temporary="1", when_idle="1")
    assert worker.claim().is_helper
    assert Reply.objects.get().message.conversation.is_temporary
