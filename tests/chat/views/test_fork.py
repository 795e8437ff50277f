"""Fork from here, in the menu of a reply and by a call."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import Conversation, Reply, User
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.chat.services.version_actions import collected
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def done(owner: User, worker: Worker, sent) -> Reply:
    return collected(worker, sent(owner), "An answer")


def test_a_button_that_is_pressed_twice_makes_one_fork(
    tab: Client, done: Reply
) -> None:
    page = tab.get(f"/c/{done.message.conversation_id}/")
    button = dom(page).one('button[name="fork"]')
    assert button["formaction"] == f"/m/{done.pk}/fork/"
    sent = {"fork": button["value"]}
    first = tab.post(button["formaction"], sent)
    again = tab.post(button["formaction"], sent, headers=HTMX)
    assert first.headers["Location"] == again.headers["HX-Redirect"]
    assert Conversation.objects.count() == 2
    assert "An answer" in text_of(tab.get(first.headers["Location"]))
    # A page that was loaded again forks again.
    page = tab.get(f"/c/{done.message.conversation_id}/")
    tab.post(button["formaction"], {"fork": dom(page).one('[name="fork"]')["value"]})
    assert Conversation.objects.count() == 3


def test_a_fork_that_was_deleted_is_said(tab: Client, done: Reply) -> None:
    url = f"/m/{done.pk}/fork/"
    made = tab.post(url, {"fork": "k"}).headers["Location"]
    tab.post(f"{made}delete/")
    answer = tab.post(url, {"fork": "k"}, headers=HTMX)
    assert answer.status_code == 422
    assert "This conversation was deleted." in text_of(answer)


def test_a_program_forks_once_for_its_key(tab: Client, done: Reply) -> None:
    path = f"/api/v1/messages/{done.pk}/fork"
    headers = {"Idempotency-Key": "once"}
    answers = [tab.post(path, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert tab.post(path).json()["id"] != answers[0].json()["id"]
