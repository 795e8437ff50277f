from __future__ import annotations

import json
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.test import Client

from chat.models import Conversation, User
from tests.chat.conversation_data import long_conversation
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(owner: User) -> Conversation:
    conversation = long_conversation(owner, 4)
    conversation.title = 'Bees "and" wüx'
    conversation.save()
    return conversation


def test_the_menu_of_a_conversation_leads_to_both_files(
    tab: Client, talk: Conversation
) -> None:
    page = dom(tab.get(f"/c/{talk.pk}/").content.decode())
    menu = page.one("#head-menu")
    found = {link["href"] for link in menu.all("a[download]")}
    assert found == {f"/c/{talk.pk}/export.md", f"/c/{talk.pk}/export.json"}
    answers = {path[-4:]: tab.get(path) for path in found}
    data = json.loads(b"".join(answers["json"].streaming_content))
    assert [one["text"] for one in data["messages"]][:2] == ["prompt 0", "reply 1"]
    assert b"reply 3" in b"".join(answers["t.md"].streaming_content)


def test_a_file_is_a_download_that_no_cache_keeps(
    tab: Client, talk: Conversation
) -> None:
    for end, content_type in (
        ("json", "application/json"),
        ("md", "text/markdown; charset=utf-8"),
    ):
        answer = tab.get(f"/c/{talk.pk}/export.{end}")
        name = f"bees-and-wüx-{talk.pk.hex[:12]}.{end}"
        described = answer["Content-Disposition"]
        assert described.startswith(f'attachment; filename="{name.replace("ü", "")}"; ')
        assert f"bees-and-w%C3%BCx-{talk.pk.hex[:12]}.{end}" in described
        assert answer["Content-Type"] == content_type
        assert "no-store" in answer["Cache-Control"]


def test_all_conversations_come_as_an_archive(tab: Client, talk: Conversation) -> None:
    page = dom(tab.get("/account/").content.decode())
    link = page.one('a[href="/account/download/conversations/"]')
    answer = tab.get(link["href"])
    assert answer["Content-Type"] == "application/zip"
    content = b"".join(answer.streaming_content)
    (line,) = ZipFile(BytesIO(content)).read("conversations.jsonl").splitlines()
    assert json.loads(line)["id"] == str(talk.pk)


def test_a_visitor_without_conversations_is_asked_to_log_in(client: Client) -> None:
    answer = client.get("/account/download/conversations/")
    assert answer["Location"].startswith("/account/log-in/")


def test_the_api_returns_the_same_files(tab: Client, talk: Conversation) -> None:
    def content(path: str) -> bytes:
        return b"".join(tab.get(path).streaming_content)

    of_api = f"/api/v1/conversations/{talk.pk}"
    assert content(f"{of_api}/export") == content(f"/c/{talk.pk}/export.json")
    assert content(f"{of_api}/markdown") == content(f"/c/{talk.pk}/export.md")
    assert ZipFile(BytesIO(content("/api/v1/export"))).testzip() is None
