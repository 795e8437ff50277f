"""The pages of imports: send a file, see what is in it, have it stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from chat.models import Conversation, ConversationImport, Reply, User
from chat.services.imports.runner import ImportRunner
from chatsite.mailbox import Mailbox
from tests.chat.services.imports.sample_files import SAMPLES
from tests.dom import dom

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("bee", None)


@pytest.fixture
def tab(account: User, client_of: Callable[[User], Client], box: Mailbox) -> Client:
    return client_of(account)


def send(tab: Client, content: bytes) -> HttpResponse:
    return tab.post("/imports/", {"file": SimpleUploadedFile("bees.json", content)})


def sweep() -> None:
    """As the keeper does, until nothing is left to do."""
    runner = ImportRunner()
    for _ in range(20):
        runner.run()


def test_a_file_is_sent_shown_confirmed_and_can_be_continued(
    tab: Client, account: User
) -> None:
    answer = send(tab, (SAMPLES / "chatgpt/06-images-and-voice.json").read_bytes())
    made = ConversationImport.objects.get()
    address = f"/imports/{made.pk}/"
    assert (answer.status_code, answer["Location"]) == (302, address)
    page = tab.get(address).content.decode()
    assert "is being read" in page
    assert f'hx-get="{address}"' in page
    sweep()
    page = tab.get(address).content.decode()
    assert "waits for you" in page
    assert "1 picture" in page
    assert "4 messages" in page
    assert not Conversation.objects.exists()
    confirmed = dom(page).one(f'form[action="{address}confirm/"]')
    tab.post(confirmed["action"])
    sweep()
    part = tab.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "imported" in part
    assert "hx-get" not in part
    conversation = Conversation.objects.get(owner=account)
    shown = tab.get(f"/c/{conversation.pk}/").content.decode()
    assert "[picture: bee.png]" in shown
    assert "gpt-4o" in shown or "Honey." in shown
    answer = tab.post(f"/c/{conversation.pk}/send/", {"text": "And?", "key": "k"})
    assert answer.status_code in (200, 303)
    assert conversation.messages.count() == 6
    assert "Pictures" in tab.get("/search/?q=voice OR bee").content.decode()


def test_a_reply_of_another_program_has_details_and_can_be_written_here(
    tab: Client, account: User
) -> None:
    content = (SAMPLES / "chatgpt/01-plain.json").read_bytes()
    send(tab, content.replace(b"gpt-4o", b"scripted"))
    sweep()
    tab.post(f"/imports/{ConversationImport.objects.get().pk}/confirm/")
    sweep()
    reply = Reply.objects.get(message__owner=account)
    assert "scripted" in tab.get(f"/r/{reply.pk}/details/").content.decode()
    for action in ("vary", "repeat"):
        assert tab.post(f"/r/{reply.pk}/{action}/").status_code in (200, 303, 422)
    assert Reply.objects.filter(state="queued").exists()


@pytest.mark.parametrize(
    ("name", "last"),
    [("open-webui/04-failed-reply", "user"), ("chatgpt/23-uneven-turns", "assistant")],
)
def test_odd_conversations_are_shown_and_go_on(
    tab: Client, account: User, name: str, last: str
) -> None:
    """One ends with a prompt, the other begins with a reply."""
    send(tab, (SAMPLES / f"{name}.json").read_bytes())
    sweep()
    tab.post(f"/imports/{ConversationImport.objects.get().pk}/confirm/")
    sweep()
    made = Conversation.objects.get(owner=account)
    assert made.path()[-1].role == last
    assert tab.get(f"/c/{made.pk}/").status_code == 200
    answer = tab.post(f"/c/{made.pk}/send/", {"text": "And wax?", "key": "k"})
    assert answer.status_code in (200, 303)
    assert Reply.objects.filter(state="queued").exists()


def test_the_same_file_again_brings_nothing_twice(tab: Client) -> None:
    content = (SAMPLES / "chatgpt/31-numbered.zip").read_bytes()
    for times in (1, 2):
        send(tab, content)
        sweep()
        made = ConversationImport.objects.latest("created_at")
        page = tab.get(f"/imports/{made.pk}/").content.decode()
        assert ("2 of them you have already" in page) == (times == 2)
        tab.post(f"/imports/{made.pk}/confirm/")
        sweep()
    assert Conversation.objects.count() == 2


def test_a_file_with_nothing_new_is_over_at_once(
    tab: Client, settings: Settings
) -> None:
    settings.IMPORTS_MAX = 1
    content = (SAMPLES / "chatgpt/31-numbered.zip").read_bytes()
    send(tab, content)
    sweep()
    tab.post(f"/imports/{ConversationImport.objects.get().pk}/confirm/")
    sweep()
    send(tab, content)
    sweep()
    made = ConversationImport.objects.latest("created_at")
    page = dom(tab.get(f"/imports/{made.pk}/"))
    assert page.one("#import [role=status]").text == "you have all of it already"
    assert "Discard" not in page.text
    listed = [one.text for one in dom(tab.get("/imports/")).all("li small")]
    assert listed == ["you have all of it already", "imported"]
    got = tab.get(f"/api/v1/imports/{made.pk}").json()
    assert (got["status"], got["conversations"]["duplicate"]) == ("done", 2)
    assert made.ended_at
    # None of them counts as unfinished any more.
    assert send(tab, b"[]").status_code == 302
    sweep()
    made = ConversationImport.objects.latest("created_at")
    assert "nothing was imported" in tab.get(f"/imports/{made.pk}/").content.decode()


def test_a_form_that_is_sent_twice_makes_one_import(tab: Client) -> None:
    page = dom(tab.get("/imports/"))
    [given] = page.values("input[name=id]", "value")
    content = (SAMPLES / "chatgpt/01-plain.json").read_bytes()
    answers = [
        tab.post("/imports/", {"file": SimpleUploadedFile("b", content), "id": given})
        for _ in range(2)
    ]
    made = ConversationImport.objects.get()
    assert [one["Location"] for one in answers] == [f"/imports/{made.pk}/"] * 2
    # After the Back button the same form is sent with another file.
    other = (SAMPLES / "chatgpt/31-numbered.zip").read_bytes()
    tab.post("/imports/", {"file": SimpleUploadedFile("c", other), "id": given})
    assert ConversationImport.objects.count() == 2
    # After an error the same form is sent with another file.
    assert send(tab, b"").status_code == 422


def test_a_call_with_one_key_makes_one_import(tab: Client) -> None:
    def call(content: bytes, key: str) -> HttpResponse:
        file = {"file": SimpleUploadedFile("a", content)}
        return tab.post("/api/v1/imports", file, headers={"Idempotency-Key": key})

    first, again = call(b"[]", "one"), call(b"[]", "one")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    refused = call(b"[ ]", "one")
    assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
    assert call(b"[]", "two").json()["id"] != first.json()["id"]
    assert ConversationImport.objects.count() == 2


def test_an_export_of_a_later_version_says_so_plainly(tab: Client) -> None:
    send(tab, b'{"format": "chatsite-export", "version": 2, "messages": []}')
    sweep()
    made = ConversationImport.objects.get()
    page = dom(tab.get(f"/imports/{made.pk}/"))
    assert "A newer version of this program wrote the file." in page.text
    assert "operator" in page.text
    error = tab.get(f"/api/v1/imports/{made.pk}").json()["error"]
    assert error["code"] == "newer_version"


def test_a_conversation_saved_as_markdown_is_not_called_broken(
    tab: Client, account: User
) -> None:
    content = (SAMPLES / "chatgpt/01-plain.json").read_bytes()
    send(tab, content)
    sweep()
    tab.post(f"/imports/{ConversationImport.objects.get().pk}/confirm/")
    sweep()
    talk = Conversation.objects.get(owner=account)
    saved = tab.get(f"/c/{talk.pk}/export.md")
    send(tab, b"".join(saved))  # type: ignore[arg-type]
    sweep()
    made = ConversationImport.objects.latest("created_at")
    page = dom(tab.get(f"/imports/{made.pk}/")).text
    assert "broken" not in page
    assert "Send what “Save as JSON” or “Download conversations” gave you" in page


def test_a_refused_file_says_why_and_can_be_removed(tab: Client) -> None:
    send(tab, b'{"bees": 1}')
    sweep()
    made = ConversationImport.objects.get()
    assert not made.pieces.exists()
    page = tab.get(f"/imports/{made.pk}/").content.decode()
    assert "no export that the site knows" in page
    assert tab.post(f"/imports/{made.pk}/delete/")["Location"] == "/imports/?deleted"
    assert not ConversationImport.objects.exists()


def test_too_many_and_empty_files_are_refused_on_the_page(
    tab: Client, settings: Settings
) -> None:
    settings.IMPORTS_MAX = 1
    send(tab, b"[]")
    answer = send(tab, b"[]")
    assert answer.status_code == 422
    assert "discard an unfinished import first" in answer.content.decode()
    assert send(tab, b"").status_code == 422
    settings.IMPORTS_MAX = 0
    assert "takes no imports" in tab.get("/imports/").content.decode()


def test_a_guest_is_told_that_an_account_is_needed(client: Client) -> None:
    assert "Guests cannot import" in client.get("/imports/").content.decode()


def test_markup_of_a_file_stays_text(tab: Client, account: User) -> None:
    send(tab, (SAMPLES / "chatgpt/18-markup.json").read_bytes())
    sweep()
    made = ConversationImport.objects.get()
    assert "<script>alert" not in tab.get(f"/imports/{made.pk}/").content.decode()
    tab.post(f"/imports/{made.pk}/confirm/")
    sweep()
    conversation = Conversation.objects.get(owner=account)
    page = tab.get(f"/c/{conversation.pk}/").content.decode()
    assert "<script>alert" not in page
    assert 'src="https://tracker' not in page
    assert 'href="javascript' not in page


def test_the_api_does_the_same(tab: Client) -> None:
    content = (SAMPLES / "chatgpt/02-branches.json").read_bytes()
    answer = tab.post("/api/v1/imports", {"file": SimpleUploadedFile("a", content)})
    assert answer.status_code == 201, answer.content
    path = answer.json()["url"].partition("testserver")[2]
    sweep()
    got = tab.get(path).json()
    assert (got["status"], got["messages"], got["other_versions"]) == ("ready", 4, 3)
    assert got["conversations"]["waiting"] == 1
    assert tab.post(f"{path}/confirm").status_code == 202
    sweep()
    (listed,) = tab.get(f"{path}/conversations").json()["conversations"]
    assert listed["state"] == "done"
    assert tab.get(f"/c/{listed['conversation']}/").status_code == 200
    assert tab.post(f"{path}/delete").json()["deleted"] is True
