"""Temporary chats: begun on the empty page, in no list, erased soon, or kept."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from chat.accounts.account_deletion import (
    erase_temporary_chats,
    erase_unkept_calls,
)
from chat.models import Conversation, User
from chat.services import temporary_chats
from chat.services.limits import usage
from chatsite.mailbox import Mailbox
from tests.chat.pages import form_data, known, poll_url
from tests.chat.views.list_requests import listed
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sassafras"


@pytest.fixture
def chat(tab: Client, owner: User) -> Conversation:
    """One that was begun without a script."""
    page = tab.get("/?temporary=1")
    field = dom(page).one("#composer input[name=temporary]")
    form = {**form_data(page, SECRET), field["name"]: field["value"]}
    answer = tab.post("/send/", form)
    assert answer.status_code == 303
    return Conversation.objects.get()


def end(chat: Conversation, ago: timedelta) -> None:
    """As if the last page had been closed so long ago."""
    gone = timezone.now() - ago
    Conversation.objects.filter(pk=chat.pk).update(temporary_until=gone)
    for reply in chat.messages.exclude(reply=None):
        reply.reply.finished_at = gone
        reply.reply.save(update_fields=["finished_at"])


def test_the_empty_page_has_the_switch_and_says_what_it_means(tab: Client) -> None:
    home = dom(tab.get("/"))
    assert "#composer input[name=temporary]" not in home
    on = dom(tab.get(home.one("p.temporary a")["href"] or ""))
    assert "erased 60 minutes after its last page was closed" in on.text
    assert on.one("#composer input[name=temporary]")["value"] == "1"


def test_it_has_a_page_and_is_in_no_list_and_no_search(
    tab: Client, chat: Conversation, worker
) -> None:
    worker.answer(f"more {SECRET}")
    page = tab.get(f"/c/{chat.pk}/")
    assert SECRET in dom(page).one("#messages").text
    assert "Temporary chat" in dom(page).one("#archived-note").text
    assert listed(page) == []
    assert "a.hit" not in dom(tab.get(f"/search/?q={SECRET}"))
    assert tab.get("/api/v1/conversations").json()["conversations"] == []


def test_a_page_hears_of_its_reply(tab: Client, chat: Conversation, worker) -> None:
    page = tab.get(f"/c/{chat.pk}/")
    worker.answer("ended")
    assert "ended" in dom(tab.get(poll_url(page))).text


def test_an_open_page_is_noted_once_a_minute(
    tab: Client, chat: Conversation, worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.answer("ended")
    page = tab.get(f"/c/{chat.pk}/")
    early = timezone.now() + timedelta(minutes=59, seconds=30)
    Conversation.objects.filter(pk=chat.pk).update(temporary_until=early)
    answer = tab.get(poll_url(page))
    chat.refresh_from_db()
    assert chat.temporary_until == early
    later = usage.clock() + temporary_chats.LOOK_SECONDS + 1
    monkeypatch.setattr(usage, "clock", lambda: later)
    answer = tab.get(poll_url(answer))
    chat.refresh_from_db()
    assert chat.temporary_until is not None
    assert chat.temporary_until > early
    assert float(dict(known(answer))["k"]) > later


def test_it_is_erased_after_its_last_page_and_not_before(
    tab: Client, chat: Conversation, worker, settings
) -> None:
    settings.API_UNKEPT_MINUTES = 1
    end(chat, timedelta(hours=2))
    assert not erase_temporary_chats()  # its reply is still to come
    worker.answer("ended")
    tab.get(f"/c/{chat.pk}/")
    old = timezone.now() - timedelta(hours=3)
    Conversation.objects.filter(pk=chat.pk).update(updated_at=old)
    assert not erase_temporary_chats()
    assert not erase_unkept_calls()
    end(chat, timedelta(minutes=61))
    assert erase_temporary_chats()
    assert not Conversation.objects.exists()


def test_a_kept_one_is_listed_and_found_whole(
    tab: Client, chat: Conversation, worker
) -> None:
    worker.answer(f"more {SECRET}")
    page = tab.get(f"/c/{chat.pk}/")
    button = dom(page).one("#archived-note button")
    assert tab.post(button["formaction"]).status_code == 303
    assert tab.post(button["formaction"]).status_code == 303
    page = tab.get(f"/c/{chat.pk}/")
    assert listed(page) == [str(chat.pk)]
    assert "Temporary" not in dom(page).one("#archived-note").text
    hits = tab.get("/api/v1/search", {"q": SECRET}).json()["hits"]
    assert {hit["role"] for hit in hits} == {"user", "assistant"}
    end(chat, timedelta(hours=2))
    Conversation.objects.filter(pk=chat.pk).update(temporary_until=None)
    assert not erase_temporary_chats()


def test_nobody_else_sees_or_keeps_it(
    chat: Conversation, client_of, box: Mailbox
) -> None:
    for who in (client_of(User.objects.guest(uuid.uuid4())), Client()):
        assert who.get(f"/c/{chat.pk}/").status_code == 404
        assert who.post(f"/c/{chat.pk}/keep/").status_code == 404
    chat.refresh_from_db()
    assert chat.is_temporary


def test_delete_all_takes_it_along(tab: Client, chat: Conversation) -> None:
    tab.post("/delete-all/")
    assert not Conversation.objects.not_deleted().exists()
