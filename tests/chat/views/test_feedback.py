"""Thumbs below a reply, with htmx and without."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import Reply, User
from tests.chat.conftest import Worker
from tests.chat.pages import text_of
from tests.chat.services.version_actions import collected
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def done(owner: User, worker: Worker, sent) -> Reply:
    return collected(worker, sent(owner), "An answer")


def pressed(response, reply: Reply) -> tuple[str, str]:
    buttons = [dom(response).one(f'[id="{way}-{reply.pk}"]') for way in ("up", "down")]
    return tuple(button["aria-pressed"] for button in buttons)


def test_a_thumb_asks_for_the_reason_in_place(tab: Client, done: Reply) -> None:
    url = f"/r/{done.pk}/feedback/"
    page = tab.get(f"/c/{done.message.conversation_id}/")
    assert pressed(page, done) == ("false", "false")
    rated = tab.post(url, {"rating": "down"}, headers=HTMX)
    assert pressed(rated, done) == ("false", "true")
    assert "What was wrong?" in text_of(rated)
    saved = tab.post(url, {"rating": "down", "reason": "Not <b>"}, headers=HTMX)
    assert "textarea" not in text_of(saved)
    assert "Not &lt;b&gt;" in text_of(tab.get(url, headers=HTMX))
    page = tab.get(f"/c/{done.message.conversation_id}/")
    assert pressed(page, done) == ("false", "true")
    assert "Reason for your rating" in text_of(page)
    # The pressed thumb withdraws.
    assert dom(page).one(f'[id="down-{done.pk}"]')["value"] == ""
    withdrawn = tab.post(url, {"rating": ""}, headers=HTMX)
    assert pressed(withdrawn, done) == ("false", "false")
    assert Reply.objects.get().rating_reason == ""


def test_without_javascript_a_page_asks_for_the_reason(
    tab: Client, done: Reply
) -> None:
    url = f"/r/{done.pk}/feedback/"
    assert "You haven’t rated this reply." in text_of(tab.get(url))
    page = tab.post(url, {"rating": "up"}, follow=True)
    assert page.redirect_chain == [(url, 303)]
    assert "What was good?" in text_of(page)
    after = tab.post(url, {"rating": "up", "reason": "Short"})
    conversation = f"/c/{done.message.conversation_id}/"
    assert after.headers["Location"] == f"{conversation}#reply-{done.pk}"
    assert Reply.objects.get().rating_reason == "Short"


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_reason_that_is_too_long_is_refused(
    tab: Client, done: Reply, settings, headers: dict[str, str]
) -> None:
    settings.FEEDBACK_MAX_CHARACTERS = 3
    sent = {"rating": "up", "reason": "Long"}
    tab.post(f"/r/{done.pk}/feedback/", {"rating": "up"})
    answer = tab.post(f"/r/{done.pk}/feedback/", sent, headers=headers)
    assert answer.status_code == 422
    assert "Too long: 4 of 3 characters. Shorten the reason." in text_of(answer)
    assert headers or "Long</textarea>" in text_of(answer)


def test_what_cannot_be_rated_is_not_found(
    tab: Client, owner: User, sent, done: Reply
) -> None:
    assert tab.post(f"/r/{done.pk}/feedback/", {"rating": "great"}).status_code == 404
    growing = sent(owner)
    answer = tab.post(f"/r/{growing.pk}/feedback/", {"rating": "up"})
    assert answer.status_code == 404
