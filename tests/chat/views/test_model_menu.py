"""The menu of models in the head of a page, and what picking one changes."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Conversation, User
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, known
from tests.dom import dom, is_whole_page

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def talk(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Bees")


def test_the_menu_says_which_models_are_ready_and_which_one_answers(
    tab: Client, talk: Conversation, worker: Worker
) -> None:
    worker.announce()
    answer = tab.get(f"/c/{talk.pk}/model/", headers=HTMX)
    assert not is_whole_page(answer)
    menu = dom(answer)
    chosen = menu.one('[aria-checked="true"]')
    assert chosen["value"] == "scripted"
    assert chosen.one("small").text == "ready"
    assert menu.one('[value="smollm2"] small').text == "offline"
    assert menu.one('a[role="menuitem"]')["href"] == f"/c/{talk.pk}/settings/"


def test_picking_changes_the_next_replies_and_the_head(
    tab: Client, owner: User, talk: Conversation, sent
) -> None:
    data = {**form_data(tab.get(f"/c/{talk.pk}/"), ""), "model": "smollm2"}
    answer = dom(tab.post(f"/c/{talk.pk}/model/", data, headers=HTMX))
    assert "SmolLM2" in answer.one("#chip button").text
    assert ("m", "smollm2") in known_of(answer)
    talk.refresh_from_db()
    assert sent(owner, "hi", talk).model == "smollm2"
    assert User.objects.get(pk=owner.pk).model == ""


def known_of(answer) -> list[tuple[str, str]]:
    fields = answer.one("#poller").all("input")
    return [(field["name"], field["value"]) for field in fields]


def test_on_the_first_page_it_is_the_model_of_new_conversations(
    tab: Client, owner: User, sent
) -> None:
    page = tab.get("/")
    data = {**form_data(page, ""), "model": "smollm2"}
    answer = dom(tab.post("/model/", data, headers=HTMX))
    assert "SmolLM2" in answer.one("#chip button").text
    owner.refresh_from_db()
    assert sent(owner, "hi").model == "smollm2"
    menu = dom(tab.get("/model/", headers=HTMX))
    assert menu.one('[aria-checked="true"]')["value"] == "smollm2"


def test_a_visitor_who_picks_a_model_becomes_a_guest(box: Mailbox) -> None:
    visitor = Client()
    page = visitor.get("/")
    data = {**dict(known(page)), "model": "smollm2"}
    answer = visitor.post("/model/", data, headers=HTMX)
    assert answer["HX-Refresh"] == "true"
    assert User.objects.get().model == "smollm2"
    assert "SmolLM2" in dom(visitor.get("/")).one("#chip button").text


def test_without_a_script_the_settings_are_the_menu(
    tab: Client, talk: Conversation
) -> None:
    for path, page in [
        (f"/c/{talk.pk}/", f"/c/{talk.pk}/settings/"),
        ("/", "/settings/"),
    ]:
        assert dom(tab.get(path)).one("#chip a")["href"] == page
        answer = tab.get(f"{path}model/")
        assert (answer.status_code, answer["Location"]) == (303, page)
        picked = tab.post(f"{path}model/", {"model": "smollm2"})
        assert (picked.status_code, picked["Location"]) == (303, path)


def test_a_model_that_is_not_offered_is_refused(
    tab: Client, talk: Conversation
) -> None:
    for path in (f"/c/{talk.pk}/model/", "/model/"):
        for name in ("", "no-such-model"):
            assert tab.post(path, {"model": name}).status_code == 400
    talk.refresh_from_db()
    assert talk.model == ""


def test_nobody_picks_for_another_person(talk: Conversation, client_of, box) -> None:
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    for headers in ({}, HTMX):
        assert stranger.get(f"/c/{talk.pk}/model/", headers=headers).status_code == 404
        posted = stranger.post(f"/c/{talk.pk}/model/", {"model": "smollm2"})
        assert posted.status_code == 404
