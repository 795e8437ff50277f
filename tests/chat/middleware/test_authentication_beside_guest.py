"""An account in a browser that also has a guest: nothing is sent as the guest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from chat.accounts.session_end import end_sessions
from chat.models import Conversation, Session, User
from tests.chat.accounts.conftest import log_in
from tests.chat.pages import known, poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(account: User, visitor: Client, say: Callable[..., None]) -> Client:
    """A browser in which a guest wrote before an account logged in."""
    say(visitor, "The guest's")
    log_in(visitor)
    say(visitor, "The account's")
    return visitor


@pytest.mark.parametrize("path", ["/", "/settings/", "the conversation"])
def test_an_account_learns_that_its_session_ended_even_beside_a_guest(
    path: str, shared: Client
) -> None:
    if path == "the conversation":
        path = f"/c/{Conversation.objects.get(title__contains='account').pk}/"
    page = shared.get(path)
    end_sessions(Session.objects.all())
    answer = shared.get(poll_url(page))
    assert (answer.status_code, answer["HX-Redirect"]) == (404, "/?ended")
    landed = text_of(shared.get("/?ended"))
    assert "You’ve been logged out." in landed
    assert "The guest" in landed
    assert "The account" not in landed


def test_a_message_of_an_account_is_not_sent_as_the_guest_of_the_browser(
    shared: Client,
) -> None:
    page = shared.get("/")
    state = {**dict(known(page)), "text": "Only as myself", "key": "k"}
    end_sessions(Session.objects.all())
    answer = shared.post("/send/", state, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "Log in to send this; your text is safe." in text_of(answer)
    assert not Conversation.objects.filter(title="Only as myself").exists()
    log_in(shared)
    assert shared.post("/send/", state).status_code == 303


def test_a_form_without_scripts_is_not_sent_as_the_guest_of_the_browser(
    shared: Client,
) -> None:
    hidden = dom(shared.get("/")).one("#composer input[type=hidden][name=u]")
    assert (hidden["value"], hidden["autocomplete"]) == ("1", "off")
    end_sessions(Session.objects.all())
    plain = {"u": "1", "text": "Only as myself", "key": "k"}
    answer = shared.post("/send/", plain)
    assert answer.status_code == 422
    page = dom(answer)
    assert "You’ve been logged out" in page.text
    assert page.one("textarea").raw_text == "Only as myself"
    assert "[name=u]" not in page
    assert not Conversation.objects.filter(title="Only as myself").exists()


def test_settings_of_an_account_are_not_saved_for_the_guest_of_the_browser(
    shared: Client,
) -> None:
    assert dom(shared.get("/settings/")).first("form [name=u]")["value"] == "1"
    end_sessions(Session.objects.all())
    form = {"u": "1", "instructions": "Answer in verse"}
    answer = shared.post("/settings/", form)
    assert answer.status_code == 422
    assert "You’ve been logged out." in text_of(answer)
    assert "Answer in verse" in text_of(answer)
    assert not User.objects.filter(instructions="Answer in verse").exists()
