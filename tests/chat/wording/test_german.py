"""In German: what is put into texts, and what answers outside of pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import Conversation, Message, Reply, User
from chatsite.mailbox import Mailbox
from tests.chat.admin.conftest import LISTS, make_account
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.chat.pages import poll_url, text_of
from tests.chat.wording.pseudo_pages import HTMX, page_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

GERMAN = {"Accept-Language": "de"}
#: Attributes that browsers and scripts read as numbers.
LOCALIZED = re.compile(
    r"""\b(?:value|min|max|low|high|optimum|step|data-[a-z-]+|hx-trigger)="[^"<>]*?"""
    r"""(?<![\d,.])\d+,\d+(?![\d,.])[^"<>]*\""""
)


@pytest.fixture
def german(tab: Client) -> Client:
    tab.post("/settings/", {"language": "de"})
    return tab


def test_numbers_for_browsers_stay_as_browsers_read_them(
    german: Client, owner: User, worker: Worker, sent: Any
) -> None:
    assert LOCALIZED.search('<meter value="0,25">')
    talk = long_conversation(owner, 4)
    Conversation.objects.update(model="smollm2")
    Reply.objects.update(prompt_tokens=1900, new_tokens=9)
    worker.announce(free=0)
    for address in ("/", "/settings/", f"/c/{talk.pk}/", f"/c/{talk.pk}/settings/"):
        assert LOCALIZED.search(text_of(german.get(address))) is None
    german.post("/settings/", {"temperature": "0.7", "top_p": "0.25"})
    fields = dom(german.get("/settings/"))
    assert fields.one("#id_temperature")["value"] == "0.7"


def test_numbers_for_people_and_polls_are_german(
    german: Client, owner: User, worker: Worker, sent: Any
) -> None:
    reply = sent(owner, "1 + 1")
    page = german.get(page_of(reply))
    answer = german.post(f"{page_of(reply)}send/", {"text": "1" * 8001}, headers=HTMX)
    assert "8.001 von 8.000 Zeichen" in text_of(answer)
    worker.claim()
    answer = german.get(poll_url(page))
    assert "Die Antwort hat begonnen." in text_of(answer)
    assert "Denkt nach\u00a0… 0\u00a0s" in text_of(german.get(poll_url(answer)))


def test_the_admin_is_german(owner: User, client_of: Any, box: Mailbox) -> None:
    staff = client_of(make_account("root", is_staff=True, is_superuser=True))
    index = dom(staff.get("/admin/", headers=GERMAN)).text
    for name in ("Antworten", "Einladungen", "Sitzungen", "Unterhaltungen"):
        assert name in index
    for address in LISTS:
        headings = dom(staff.get(address, headers=GERMAN)).all("thead th")
        shown = {heading.text for heading in headings}
        assert shown.isdisjoint({"Created at", "Seen at", "State", "Note", "Device"})


def test_errors_of_the_api_are_in_the_language_of_the_request(box: Mailbox) -> None:
    for language, said in (("de", "Inhalt"), ("en", "body")):
        answer = Client().post(
            "/api/v1/messages",
            {},
            content_type="application/json",
            headers={"Accept-Language": language},
        )
        error = answer.json()
        assert (answer.status_code, error["code"]) == (400, "bad_text")
        assert said in error["detail"]


def test_why_a_reply_failed_is_said_in_the_language_of_the_reader(
    german: Client, owner: User, box: Mailbox
) -> None:
    talk = long_conversation(owner, 2)
    Message.objects.filter(role="assistant").update(text="")
    Reply.objects.update(state="failed", error="worker_lost", losses=3)
    german_text = text_of(german.get(f"/c/{talk.pk}/"))
    assert "hat den Worker dreimal abstürzen lassen" in german_text
    german.post("/settings/", {"language": "en"})
    assert "crashed the worker three times" in text_of(german.get(f"/c/{talk.pk}/"))


def test_what_a_proxy_gets_wrong_is_said_in_german(
    box: Mailbox, settings: LazySettings
) -> None:
    answer = Client(SCRIPT_NAME="/talk").get("/", headers=GERMAN)
    assert answer.status_code == 400
    assert dom(answer).one("html")["lang"] == "de"
    assert "nicht für diese Adresse eingerichtet" in text_of(answer)
