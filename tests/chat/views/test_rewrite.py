"""Editing a reply, with htmx and without, and by a call."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import Message, Reply, User
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, text_of
from tests.chat.services.version_actions import collected
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def done(owner: User, worker: Worker, sent) -> Reply:
    return collected(worker, sent(owner), "An answer")


def test_an_editor_in_place_saves_another_version(tab: Client, done: Reply) -> None:
    page = tab.get(f"/c/{done.message.conversation_id}/")
    url = f"/r/{done.pk}/rewrite/"
    assert dom(page).one(f'a.change[hx-get="{url}"]')
    editor = tab.get(url, headers=HTMX)
    assert dom(editor).one("textarea").text.strip() == "An answer"
    data = {
        **form_data(page, "My answer"),
        "key": dom(editor).one("[name=key]")["value"],
    }
    for _ in range(2):  # sent twice, saved once
        answer = tab.post(url, data, headers=HTMX)
        assert "My answer" in text_of(answer)
        assert "edited" in text_of(answer)
    assert Message.objects.count() == 3


def test_without_javascript_a_page_has_the_form(tab: Client, done: Reply) -> None:
    url = f"/r/{done.pk}/rewrite/"
    assert "An answer" in text_of(tab.get(url))
    refused = tab.post(url, {"text": " ", "key": "k"})
    assert refused.status_code == 422
    assert "Write a message first." in text_of(refused)
    saved = tab.post(url, {"text": "My answer", "key": "k"})
    assert "My answer" in text_of(tab.get(saved.headers["Location"].split("#")[0]))


def test_a_refused_text_stays_in_its_editor(tab: Client, done: Reply, settings) -> None:
    settings.MESSAGE_MAX_CHARACTERS = 5
    url = f"/r/{done.pk}/rewrite/"
    answer = tab.post(url, {"text": "My answer", "key": "k"}, headers=HTMX)
    assert answer.status_code == 422
    assert dom(answer).one("textarea").text.strip() == "My answer"


def test_an_unfinished_reply_has_no_editor(tab: Client, owner: User, sent) -> None:
    assert tab.get(f"/r/{sent(owner).pk}/rewrite/").status_code == 404


def test_a_program_rewrites_a_reply(tab: Client, done: Reply) -> None:
    path = f"/api/v1/replies/{done.pk}/rewrite"
    body = {"text": "My answer"}
    answer = tab.post(path, body, content_type="application/json")
    assert answer.status_code == 201
    assert answer.json()["origin"] == "edited"
    assert answer.json()["text"] == "My answer"
    assert tab.get(f"/api/v1/replies/{done.pk}").json()["origin"] == "generated"


def test_the_details_of_an_edited_reply_name_no_model(tab: Client, done: Reply) -> None:
    Reply.objects.update(instructions="Be brief.")
    tab.post(f"/r/{done.pk}/rewrite/", {"text": "My answer", "key": "k"})
    edited = Reply.objects.get(origin="edited")
    fork = tab.post(f"/m/{edited.pk}/fork/", {"key": "f"})
    copy = Reply.objects.get(message__conversation=fork["Location"].split("/")[2])
    for reply in (edited, copy):
        page = dom(tab.get(f"/r/{reply.pk}/details/"))
        assert page.texts(".panel dt") == ["Written by", "Saved"]
        assert page.texts(".panel dd")[0] == "a person, not a model"
        for said in ("Re-run with the same settings", "Be brief.", "scripted"):
            assert said not in page.one(".panel").text


def test_the_details_of_a_reply_of_another_program_invent_nothing(
    tab: Client, done: Reply
) -> None:
    Reply.objects.update(
        origin="imported", settings={}, seed=0, worker="", model="gpt-x"
    )
    panel = dom(tab.get(f"/r/{done.pk}/details/")).one(".panel")
    assert "Settings unknown" in " ".join(panel.text.split())
    assert "gpt-x" in panel.text
    for said in ("Seed", "Attempt", "Re-run with the same settings"):
        assert said not in panel.text
