"""Logging out here, in one other browser or in all; polls notice it too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import Session, User
from chat.services.session_digest import session_digest
from chatsite.mailbox import Mailbox
from tests.chat.accounts.conftest import PASSWORD, is_logged_in, log_in
from tests.chat.pages import poll_url, text_of
from tests.cookie_names import GUEST, SESSION
from tests.dom import dom

pytestmark = pytest.mark.django_db


def name_of(client: Client) -> str:
    return session_digest(client.cookies[SESSION].value)


def test_after_log_out_nothing_of_the_account_is_shown(
    tab: Client, account: User, say: Callable[..., None]
) -> None:
    say(tab, "Hello")
    cookie = tab.cookies.get(GUEST)
    answer = tab.post("/account/log-out/")
    assert (answer.status_code, answer["Location"]) == (303, "/?left")
    landed = text_of(tab.get(answer["Location"]))
    assert "You’re logged out." in landed
    assert "Hello" not in landed
    assert tab.cookies[GUEST] != cookie
    assert not is_logged_in(tab)
    say(tab, "Somebody else")
    assert "Hello" not in text_of(tab.get("/"))
    assert User.objects.filter(username=None).count() == 1


def test_log_out_requires_a_post_request(tab: Client) -> None:
    assert tab.get("/account/log-out/").status_code == 405
    assert is_logged_in(tab)


def test_a_guest_is_not_logged_out(visitor: Client, say: Callable[..., None]) -> None:
    say(visitor, "Hello")
    assert visitor.post("/account/log-out/").status_code == 303
    assert "Hello" in text_of(visitor.get("/"))


def test_a_page_that_polls_is_sent_home_at_once(
    tab: Client,
    account: User,
    client_of: Callable[[User], Client],
    sent,
    box: Mailbox,
) -> None:
    reply = sent(account)
    other = client_of(account)
    page = other.get(f"/c/{reply.message.conversation_id}/")
    assert other.get(poll_url(page)).status_code == 200
    tab.post("/account/elsewhere/")
    answer = other.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended")
    landed = other.get(answer["HX-Redirect"])
    assert "You’ve been logged out." in dom(landed).text
    kept = dom(landed).one("#drafts-kept")
    assert kept.text.startswith("What you typed")
    assert not kept.has("hidden")
    assert answer["Clear-Site-Data"] == landed["Clear-Site-Data"] == '"cache"'
    # Not for a visitor who just opens the page, nor after a log-in.
    assert "logged out" not in text_of(other.get("/"))
    back = tab.get(answer["HX-Redirect"])
    assert "logged out" not in text_of(back)
    assert "Clear-Site-Data" not in back
    assert is_logged_in(tab)


def test_a_page_of_the_browser_that_logged_out_is_promised_no_drafts(
    tab: Client, account: User, sent
) -> None:
    page = tab.get(f"/c/{sent(account).message.conversation_id}/")
    tab.post("/account/log-out/")
    landed = dom(tab.get(tab.get(poll_url(page))["HX-Redirect"]))
    assert "You’ve been logged out." in landed.text
    # The script shows it if it finds a draft.
    assert landed.one("#drafts-kept").text.startswith("What you typed")
    assert landed.one("#drafts-kept").has("hidden")


def test_without_guests_the_log_in_page_says_that_the_session_ended(
    visitor: Client, settings: LazySettings
) -> None:
    settings.GUESTS = False
    said = "You’ve been logged out."
    assert said in text_of(visitor.get("/?ended", follow=True))
    assert said not in text_of(visitor.get("/", follow=True))


def test_without_guests_the_log_in_page_confirms_a_log_out(
    tab: Client, settings: LazySettings
) -> None:
    settings.GUESTS = False
    assert "You’re logged out." in text_of(tab.post("/account/log-out/", follow=True))


def test_a_page_of_one_account_does_not_stay_open_for_the_next(
    tab: Client, account: User, sent
) -> None:
    User.objects.create_user("wasp", PASSWORD)
    reply = sent(account, "Private")
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    tab.post("/account/log-out/")
    log_in(tab, "wasp")
    answer = tab.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended")
    assert "Private" not in text_of(answer)
    own = tab.get("/poll/", {"c": str(reply.message.conversation_id)})
    assert own.status_code == 404
    assert "HX-Redirect" not in own


def test_one_other_browser_is_logged_out(
    tab: Client, account: User, client_of: Callable[[User], Client]
) -> None:
    other, third = client_of(account), client_of(account)
    answer = tab.post(f"/account/sessions/{name_of(other)}/end/", follow=True)
    assert "That device was logged out." in text_of(answer)
    assert not is_logged_in(other)
    assert is_logged_in(third)
    assert is_logged_in(tab)


def test_ending_the_own_session_logs_out(tab: Client) -> None:
    answer = tab.post(f"/account/sessions/{name_of(tab)}/end/")
    assert answer["Location"] == "/?left"
    assert not is_logged_in(tab)


def test_a_user_cannot_end_sessions_of_another(
    tab: Client, client_of: Callable[[User], Client]
) -> None:
    other = client_of(User.objects.create_user("wasp", "x"))
    for name in (name_of(other), "x", other.cookies[SESSION].value):
        assert tab.post(f"/account/sessions/{name}/end/").status_code == 404
    assert is_logged_in(other)
    tab.post("/account/elsewhere/")
    assert is_logged_in(other)


def test_no_page_shows_the_key_of_a_session(tab: Client, account: User) -> None:
    text = text_of(tab.get("/account/"))
    assert not [row.pk for row in Session.objects.all() if row.pk in text]
