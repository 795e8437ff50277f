"""Deleting a message with its reply, with htmx and without, and by a call."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from chat.accounts.data_export import export_user
from chat.models import Message, Reply, User
from tests.chat.conftest import Worker
from tests.chat.pages import form_data, poll_url, text_of
from tests.chat.services.version_actions import collected
from tests.dom import dom

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def replies(owner: User, worker: Worker, sent) -> list[Reply]:
    first = collected(worker, sent(owner, "one"), "first")
    second = sent(owner, "two", first.message.conversation)
    return [first, collected(worker, second, "second")]


def press(tab: Client, page: Any, path: str) -> Any:
    return tab.post(path, form_data(page, ""), headers=HTMX)


def test_a_turn_goes_and_comes_back_in_place(
    tab: Client, replies: list[Reply], committed
) -> None:
    first, second = replies
    url = f"/c/{first.message.conversation_id}/"
    page = tab.get(url)
    other_tab = tab.get(url)
    assert f"/m/{first.pk}/delete/" in text_of(page)
    for _ in range(2):  # pressed twice, deleted once
        with committed():
            gone = press(tab, page, f"/m/{first.pk}/delete/")
        assert "The message and its reply were deleted." in text_of(gone)
    assert dom(gone).one("#deleted-turn form")["action"] == f"/m/{first.pk}/restore/"
    shown = text_of(gone)
    assert f'id="reply-{second.pk}"' in shown
    assert f'id="reply-{first.pk}"' not in shown
    polled = text_of(tab.get(poll_url(other_tab), headers=HTMX))
    assert f'id="reply-{second.pk}"' in polled
    assert f'id="reply-{first.pk}"' not in polled
    back = press(tab, tab.get(url), f"/m/{first.pk}/restore/")
    assert f'id="reply-{first.pk}"' in text_of(back)
    assert not dom(back).all("#deleted-turn form")


def test_a_page_that_loads_again_still_offers_to_undo(
    tab: Client, replies: list[Reply]
) -> None:
    first = replies[0]
    url = f"/c/{first.message.conversation_id}/"
    gone = press(tab, tab.get(url), f"/m/{first.pk}/delete/")
    address = gone["HX-Replace-Url"]
    again = tab.get(address)
    assert dom(again).one("#deleted-turn form")["action"] == f"/m/{first.pk}/restore/"
    back = press(tab, again, f"/m/{first.pk}/restore/")
    assert back["HX-Replace-Url"] == url
    assert not dom(tab.get(address)).all("#deleted-turn form")


def test_the_last_turn_of_all_goes_in_place(tab: Client, replies: list[Reply]) -> None:
    url = f"/c/{replies[0].message.conversation_id}/"
    page = tab.get(url)
    for reply in replies:
        gone = press(tab, page, f"/m/{reply.pk}/delete/")
        assert gone.status_code == 200
        page = tab.get(url)
    assert not dom(page).all(".messages .turn")
    assert tab.get(poll_url(page), headers=HTMX).status_code == 200
    sent = tab.post(f"{url}send/", form_data(page, "three"), headers=HTMX)
    assert sent.status_code == 200
    assert [m.text for m in Message.objects.filter(role="user")] == ["three"]


def test_without_javascript_the_page_has_the_notice(
    tab: Client, replies: list[Reply]
) -> None:
    first = replies[0]
    page = tab.post(f"/m/{first.pk}/delete/", follow=True)
    assert "The message and its reply were deleted." in text_of(page)
    assert f'id="reply-{first.pk}"' not in text_of(page)
    back = tab.post(f"/m/{first.pk}/restore/", follow=True)
    assert f'id="reply-{first.pk}"' in text_of(back)
    again = tab.post(f"/m/{first.pk}/restore/")
    assert again.status_code == 303


def test_a_program_deletes_and_restores(tab: Client, replies: list[Reply]) -> None:
    path = f"/api/v1/messages/{replies[0].message.parent_id}"
    for _ in range(2):
        assert tab.post(f"{path}/delete").json()["deleted"] is True
    assert tab.get(path).status_code == 404
    for _ in range(2):
        assert tab.post(f"{path}/restore").json()["deleted"] is False
    assert tab.get(path).json()["text"] == "one"


def test_the_download_of_an_account_has_it(
    tab: Client, owner: User, replies: list[Reply]
) -> None:
    tab.post(f"/m/{replies[0].pk}/delete/")
    (talk,) = json.loads("".join(export_user(owner)))["conversations"]
    assert [message["text"] for message in talk["messages"]] == ["two", "second"]
    (turn,) = talk["deleted_turns"]
    assert [message["text"] for message in turn["messages"]] == ["one", "first"]
