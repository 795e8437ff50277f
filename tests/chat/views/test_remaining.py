"""Where a user is told what remains of a limit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from chat.models import User
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Clock, Worker
from tests.chat.pages import form_data, poll_url, text_of
from tests.chat.views.limit_requests import HTMX, send
from tests.dom import dom

#: Time stands still until a test turns the clock.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def due_in(response: Any, clock: Clock) -> int:
    """In how many seconds what it says of a limit wants to be looked at again."""
    return int(dom(response).first("[name=l]")["value"]) - int(clock.now)


def test_the_settings_page_says_all_that_is_left(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 30
    settings.GUEST_MESSAGES_PER_MINUTE = None
    sent(owner)
    text = text_of(tab.get("/settings/"))
    assert "29 of 30 messages left today" in text
    assert "1 more every 48 min" in text
    assert "1,000,000 of 1,000,000 tokens left today" in text
    assert "1 of 100 replies waiting" in text
    assert "Your network: 300 of 300 messages" in text
    assert "this minute" not in text.replace("300 of 300 messages left this minute", "")


def test_limits_are_shown_where_less_than_half_is_left(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 3
    sent(owner)
    page = dom(tab.get("/settings/"))
    assert "less than half of every limit" in page.one("#limits > .muted").text
    assert "2 of 3 messages left today" in page.one("#limits > details").text
    assert "#limits" not in dom(tab.get("/account/"))
    sent(owner, "another")
    for path in ("/settings/", "/account/"):
        page = dom(tab.get(path))
        (shown,) = page.texts("#limits > ul > li")
        assert "1 of 3 messages left today" in shown
        assert "1,000,000 of 1,000,000 tokens" in page.one("#limits > details").text


def test_a_visitor_sees_what_a_new_guest_has_and_becomes_none(box: Mailbox) -> None:
    text = text_of(Client().get("/settings/"))
    assert "60 of 60 messages left this minute" in text
    assert not User.objects.exists()


def test_beside_the_box_it_is_said_only_when_it_is_little(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 10
    for number in range(8):
        assert "left today" not in text_of(tab.get("/"))
        sent(owner, f"{number}")
    assert "2 of 10 messages left today" not in text_of(tab.get("/"))
    reply = sent(owner, "another")
    for path in ("/", f"/c/{reply.message.conversation_id}/"):
        assert "1 of 10 messages left today" in text_of(tab.get(path))


def test_polls_ask_the_database_nothing_until_more_came_back(
    tab: Client,
    owner: User,
    clock: Clock,
    worker: Worker,
    settings,
    sent,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    sent(owner)
    page = tab.get("/")
    assert due_in(page, clock) == 24 * 3600
    url = f"{poll_url(page)}&l={int(clock.now) + 24 * 3600}"
    tab.get(url, headers=HTMX)
    with django_assert_num_queries(0):
        quiet = tab.get(url, headers=HTMX)
    assert "little-left" not in text_of(quiet).replace(', #little-left"', "")
    clock.turn(24 * 3600)
    answer = dom(tab.get(url, headers=HTMX))
    assert '[hx-swap-oob="innerHTML:#little-left"] input[name=l]' in answer


def test_what_is_taken_in_another_tab_is_said_in_this_one(
    tab: Client, owner: User, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    url = f"{poll_url(tab.get('/'))}&l=0"
    sent(owner)
    answer = dom(tab.get(url, headers=HTMX))
    left = answer.one('[hx-swap-oob="innerHTML:#little-left"]')
    assert "0 of 1 message left today" in left.text
    said = answer.one('[hx-swap-oob="innerHTML:#status"]')
    assert said.text == "0 of 1 message left today"


def test_sending_itself_says_what_is_left(
    tab: Client, owner: User, worker: Worker, settings, sent
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 2
    reply = sent(owner)
    worker.answer("yes")
    path = f"/c/{reply.message.conversation_id}/"
    answer = tab.post(f"{path}send/", form_data(tab.get(path), "two"), headers=HTMX)
    assert "0 of 2 messages left today" in text_of(answer)


def test_a_page_without_a_box_is_told_nothing(
    tab: Client, owner: User, settings
) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 1
    send(tab)
    page = tab.get("/settings/")
    stale = re.sub(r"&n=[^&]*", "&n=1", poll_url(page))
    assert "little-left" not in text_of(tab.get(stale, headers=HTMX)).replace(
        ', #little-left"', ""
    )


@pytest.mark.parametrize("due", ["x", "-1", "1.5", "9" * 20])
def test_a_time_that_is_none_is_no_poll(due: str, tab: Client) -> None:
    url = f"{poll_url(tab.get('/'))}&l={due}"
    assert tab.get(url, headers=HTMX).status_code == 400


def test_a_program_reads_what_is_left(tab: Client, owner: User, settings, sent) -> None:
    settings.GUEST_MESSAGES_PER_DAY = 4
    sent(owner)
    found = tab.get("/api/v1/allowances").json()["allowances"]
    assert {
        "kind": "prompts_per_day",
        "whose": "guest",
        "limit": 4,
        "left": 3,
        "wait_seconds": 0,
        "full_seconds": 6 * 3600,
    } in found
    assert {one["whose"] for one in found} == {"guest", "network"}
    waiting = next(one for one in found if one["kind"] == "replies_waiting")
    assert (waiting["left"], waiting["wait_seconds"]) == (99, None)
    assert tab.post("/api/v1/allowances").status_code == 405


def test_where_there_is_no_limit_the_page_says_so(tab: Client, settings) -> None:
    for whose in ("GUEST", "NETWORK"):
        for kind in (
            "MESSAGES_PER_MINUTE",
            "MESSAGES_PER_DAY",
            "REPLIES_WAITING",
            "TOKENS_PER_DAY",
        ):
            setattr(settings, f"{whose}_{kind}", None)
    assert "There are no limits here." in text_of(tab.get("/settings/"))
    assert tab.get("/api/v1/allowances").json() == {"allowances": []}
