from __future__ import annotations

import uuid

import pytest
from django.test import Client

from chat.models import Conversation, User
from chatsite.mailbox import Mailbox
from tests.chat.conversation_data import make_conversations
from tests.chat.pages import form_data, poll_url, text_of
from tests.dom import dom, is_whole_page

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def talk(owner: User) -> Conversation:
    return make_conversations(owner, 2)[1]


def title_of(talk: Conversation) -> str:
    return Conversation.objects.get(pk=talk.pk).title


def test_a_title_is_changed_and_the_place_in_the_list_stays(
    tab: Client, talk: Conversation
) -> None:
    answer = tab.post(f"/c/{talk.pk}/rename/", {"title": "  A\n better\tone\x00 "})
    assert (answer.status_code, answer["Location"]) == (303, f"/c/{talk.pk}/")
    renamed = Conversation.objects.get(pk=talk.pk)
    assert (renamed.title, renamed.updated_at) == ("A better one", talk.updated_at)


def test_without_a_script_a_page_asks_for_the_title(
    tab: Client, talk: Conversation
) -> None:
    text = text_of(tab.get(f"/c/{talk.pk}/rename/"))
    assert "Rename conversation" in text
    assert '[value="Talk 1"]' in dom(text)


def test_in_the_page_only_the_form_comes(tab: Client, talk: Conversation) -> None:
    answer = tab.get(f"/c/{talk.pk}/rename/", headers=HTMX)
    assert not is_whole_page(answer)
    assert 'form [value="Talk 1"]' in dom(answer)


def test_in_the_page_list_heading_and_title_follow(
    tab: Client, owner: User, sent, committed
) -> None:
    reply = sent(owner, "An old title")
    path = f"/c/{reply.message.conversation_id}/"
    page = tab.get(path)
    data = {**form_data(page, ""), "title": "New & better"}
    with committed():
        answer = dom(tab.post(f"{path}rename/", data, headers=HTMX))
    assert answer.one("title").text == "New & better · chatsite"
    assert answer.one("h1#heading[hx-swap-oob=true]").text == "New & better"
    assert answer.texts(".entry .title") == ["New & better"]
    assert "#poller" in answer
    # Another page with this conversation hears of it.
    other = dom(tab.get(poll_url(page)))
    assert other.one("title").text == "New & better · chatsite"


def test_another_conversation_leaves_the_heading_as_it_is(
    tab: Client, owner: User, talk: Conversation, sent
) -> None:
    page = tab.get(f"/c/{sent(owner, 'Open').message.conversation_id}/")
    data = {**form_data(page, ""), "title": "Renamed"}
    answer = dom(tab.post(f"/c/{talk.pk}/rename/", data, headers=HTMX))
    assert answer.one("title").text == "Open · chatsite"
    assert "Renamed" in answer.texts(".entry .title")


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("", "Write a title first."),
        (" \n\x00", "Write a title first."),
        ("x" * 201, "Too long: 201 of 200 characters."),
    ],
)
def test_a_title_that_cannot_be_used_is_refused_and_kept_in_the_form(
    title: str, words: str, tab: Client, talk: Conversation
) -> None:
    url = f"/c/{talk.pk}/rename/"
    page = tab.post(url, {"title": title})
    assert page.status_code == 422
    assert words in text_of(page)
    fragment = tab.post(url, {"title": title}, headers=HTMX)
    assert fragment.status_code == 422
    assert f"innerHTML:#title-refusal-{talk.pk}" in text_of(fragment)
    assert words in text_of(fragment)
    assert title_of(talk) == "Talk 1"


def test_the_longest_title_is_kept_whole(tab: Client, talk: Conversation) -> None:
    tab.post(f"/c/{talk.pk}/rename/", {"title": "é" * 200})
    assert title_of(talk) == "é" * 200


def test_nobody_renames_what_is_not_theirs_or_gone(
    tab: Client, talk: Conversation, client_of, box: Mailbox
) -> None:
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    url = f"/c/{talk.pk}/rename/"
    for who in (stranger, Client()):
        assert who.get(url).status_code == 404
        assert who.post(url, {"title": "Mine"}).status_code == 404
    tab.post(f"/c/{talk.pk}/delete/")
    assert tab.post(url, {"title": "Gone"}).status_code == 404
    assert title_of(talk) == "Talk 1"


def test_a_page_out_of_date_is_told_so(tab: Client, talk: Conversation) -> None:
    data = {"title": "New", "r": "x"}
    answer = tab.post(f"/c/{talk.pk}/rename/", data, headers=HTMX)
    assert answer.status_code == 400


def test_the_program_interface_renames(tab: Client, talk: Conversation) -> None:
    def rename(body: str):
        url = f"/api/v1/conversations/{talk.pk}/rename"
        return tab.post(url, body, content_type="application/json")

    answer = rename('{"title": "By a program"}')
    assert answer.status_code == 200
    assert answer.json() == {"id": str(talk.pk), "title": "By a program"}
    assert rename('{"title": " "}').json()["code"] == "blank_title"
    assert rename('{"title": 5}').status_code == 400
