from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, Message, User
from chat.services.search.results import PAGE
from chatsite.mailbox import Mailbox
from tests.chat.pages import text_of
from tests.dom import dom, is_whole_page

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
API = "/api/v1/search"


@pytest.fixture
def talk(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="About <knots>")


def say(talk: Conversation, text: str, role: str = "user", **more: Any) -> Message:
    """The next message, which follows the last one."""
    before = {"parent": talk.messages.order_by("created_at").last()}
    return Message.objects.create(
        conversation=talk, owner=talk.owner, role=role, text=text, **{**before, **more}
    )


def test_the_page_shows_what_was_found_and_leads_to_it(
    tab: Client, talk: Conversation
) -> None:
    prompt = say(talk, "How is a <b>bowline</b> tied?")
    reply = say(talk, "The bowline begins with a loop", "assistant")
    page = dom(tab.get("/search/", {"q": "bowl"}))
    newest, older = page.all("a.hit")
    assert older.one(".snippet").text == "How is a <b>bowline</b> tied?"
    assert older.one("mark").text == "bowline"
    assert older.one("b").text == "About <knots>"
    address = f"/c/{talk.pk}/"
    assert older["href"] == f"{address}?at={prompt.pk}#message-{prompt.pk}"
    assert newest["href"] == f"{address}?at={reply.pk}#reply-{reply.pk}"
    assert page.one("#hits")
    assert page.one("#q")["value"] == "bowl"


def test_a_title_leads_to_its_conversation(tab: Client, talk: Conversation) -> None:
    hit = dom(tab.get("/search/", {"q": "knots"})).one("a.hit")
    assert hit.one("b").text == "About <knots>"
    assert hit.one("b mark").text == "knots"
    assert hit["href"] == f"/c/{talk.pk}/"


def test_htmx_is_answered_with_the_hits_alone(tab: Client, talk: Conversation) -> None:
    say(talk, "A bowline")
    answer = tab.get("/search/", {"q": "bowline"}, headers=HTMX)
    assert not is_whole_page(answer)
    assert dom(answer).texts("mark") == ["bowline"]
    assert "1 result." in text_of(answer)
    assert "HX-Request" in answer.headers["Vary"]


def test_a_page_brought_back_by_htmx_is_whole(tab: Client) -> None:
    headers = {**HTMX, "HX-History-Restore-Request": "true"}
    assert is_whole_page(tab.get("/search/", {"q": "x"}, headers=headers))


def test_older_hits_follow_with_and_without_a_script(
    tab: Client, talk: Conversation
) -> None:
    for number in range(PAGE + 3):
        say(talk, f"knot & {number}")
    page = dom(tab.get("/search/", {"q": "& knot"}))
    assert len(page.all(".hit")) == PAGE
    address = page.one('a[href^="/search/"][href*="before="]')["href"]
    assert "q=%26%20knot&" in address
    for headers in ({}, HTMX):
        older = dom(tab.get(address, headers=headers))
        assert len(older.all(".hit")) == 3
        assert '[href*="before="]' not in older
        assert " result" not in older.text


def test_versions_of_one_message_are_one_hit(tab: Client, talk: Conversation) -> None:
    question = say(talk, "How is a bowline tied?")
    for number in range(4):
        say(talk, f"A bowline {number}", "assistant", parent=question)
    say(talk, "And without a bowline?")
    shown = dom(tab.get("/search/", {"q": "bowline"})).texts(".snippet")
    assert shown == [
        "And without a bowline?",
        "A bowline 3",
        "How is a bowline tied?",
    ]


def test_a_snippet_of_a_reply_shows_no_markdown(
    tab: Client, talk: Conversation
) -> None:
    say(talk, "**Which** knot?")
    say(
        talk,
        "## The knots\n\n| knot | use |\n|---|---|\n| **Bowline** | a loop |",
        "assistant",
    )
    reply, message = dom(tab.get("/search/", {"q": "knot"})).texts(".snippet")
    assert reply == "The knots knot · use Bowline · a loop"
    assert message == "**Which** knot?"  # a message is shown as it was written
    say(talk, "[A page](https://example.org/knots)", "assistant")
    (linked,) = dom(tab.get("/search/", {"q": "example.org"})).texts(".snippet")
    assert "https://example.org/knots" in linked


def test_the_palette_finds_titles_and_messages(tab: Client, talk: Conversation) -> None:
    say(talk, "About <knots>")
    message = say(talk, "Which knots hold?")
    found = dom(tab.get("/search/", {"q": "kno", "palette": "1"}, headers=HTMX))
    title, hit, rest = found.all('[role="option"]')
    assert (title.text, title["href"]) == ("About <knots>", f"/c/{talk.pk}/")
    assert hit.one(".snippet mark").text == "knots"
    assert hit["href"] == f"/c/{talk.pk}/?at={message.pk}#message-{message.pk}"
    assert rest["href"] == "/search/?q=kno"
    assert found.one('[hx-swap-oob="innerHTML:#palette-status"]').text == "2 results"
    none = dom(tab.get("/search/", {"q": "splice", "palette": "1"}, headers=HTMX))
    assert "No results for “splice”" in none.text
    assert '[role="option"]' not in none


def test_the_palette_begins_with_the_newest_conversations(
    tab: Client, talk: Conversation, client_of: Callable[[User], Client]
) -> None:
    answer = tab.get("/search/", {"q": "", "palette": "1"}, headers=HTMX)
    assert dom(answer).texts('[role="option"]') == ["About <knots>"]
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    for client in (stranger, Client()):
        answer = client.get("/search/", {"palette": "1"}, headers=HTMX)
        assert '[role="option"]' not in dom(answer)


def test_nothing_found_is_said_with_what_to_try(
    tab: Client, talk: Conversation
) -> None:
    for headers in ({}, HTMX):
        answer = dom(tab.get("/search/", {"q": "<splice>"}, headers=headers))
        assert "No results for “<splice>”" in answer.text
        assert "<splice>" in answer.texts("bdi")


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("splice", "Try fewer words."),
        ("splice in:archive", "Try fewer words or filters."),
        ("in:archive", "Try other filters, or words alone."),
    ],
)
def test_the_advice_fits_what_was_typed(
    tab: Client, talk: Conversation, query: str, advice: str
) -> None:
    for more in ({}, {"palette": "1"}):
        page = dom(tab.get("/search/", {"q": query, **more}, headers=HTMX))
        assert page.one(".empty").text.strip().endswith(advice)


def test_filters_search_further_back_until_all_was_looked_at(
    tab: Client, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.search.index.WALKED", 1)
    for number in range(6):
        say(talk, f"knot {number}")
    query = {"q": "in:pinned"}
    for headers in ({}, HTMX):
        first = dom(tab.get("/search/", query, headers=headers))
        assert "No results" not in first.text
        assert first.one(".more a").text == "Search further back"
    assert (
        "searching further back" in first.one('[hx-swap-oob="innerHTML:#status"]').text
    )
    rest = dom(tab.get(first.one(".more a")["href"], headers=HTMX))
    assert rest.texts(".empty") == ["No more results."]
    assert ".more" not in rest
    found = dom(tab.get("/search/", {**query, "palette": "1"}, headers=HTMX))
    assert found.texts('[role="option"]') == ["Search further back"]


def test_a_filter_is_added_by_its_link(tab: Client, talk: Conversation) -> None:
    page = dom(tab.get("/search/", {"q": "knots & co", "in": str(talk.pk)}))
    address = page.first(".filters a")["href"]
    assert address == f"/search/?q=knots%20%26%20co%20in:archive&in={talk.pk}"
    assert (
        dom(tab.get("/search/")).first(".filters a")["href"] == "/search/?q=in:archive"
    )


@pytest.mark.parametrize("signs", ["😀", "→", "✓", "€", "=", "« ! »", "\u0301"])
def test_signs_alone_are_said_not_to_be_searched(
    tab: Client, talk: Conversation, signs: str
) -> None:
    say(talk, f"knots {signs} and more")
    for client in (tab, Client()):
        for headers in ({}, HTMX):
            page = dom(client.get("/search/", {"q": signs}, headers=headers))
            assert f"“{signs}” has no letter or digit" in page.text
            assert "No results" not in page.text
            assert " result" not in page.text
        refused = client.get(API, {"q": signs})
        assert refused.status_code == 422
        assert refused.json()["code"] == "no_words"
    page = dom(tab.get("/search/", {"q": f"knots {signs}"}))
    assert "knots" in page.texts("mark")


def test_without_words_there_is_only_the_form(tab: Client, talk: Conversation) -> None:
    assert "No results" not in text_of(tab.get("/search/"))
    assert "li" not in dom(tab.get("/search/", {"q": " "}, headers=HTMX))


@pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 19, "9" * 5000])
def test_a_cursor_of_no_search_is_refused(tab: Client, before: str) -> None:
    page = tab.get("/search/", {"q": "a", "before": before})
    call = tab.get(API, {"q": "a", "cursor": before})
    assert (page.status_code, call.status_code) == (400, 422)


def test_only_reading_is_allowed(tab: Client) -> None:
    assert tab.post("/search/").status_code == 405


def test_nobody_finds_anything_and_is_made_nobody(
    talk: Conversation, box: Mailbox
) -> None:
    visitor = Client()
    assert "No results" in text_of(visitor.get("/search/", {"q": "knots"}))
    assert visitor.get(API, {"q": "knots"}).json() == {"hits": [], "next": None}
    assert User.objects.count() == 1


def test_another_person_finds_nothing(
    talk: Conversation, client_of: Callable[[User], Client], box: Mailbox
) -> None:
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    for path in ("/search/", API):
        answer = text_of(stranger.get(path, {"q": "knots"}))
        assert "About" not in answer
        assert str(talk.pk) not in answer


def test_the_api_tells_the_same(tab: Client, talk: Conversation) -> None:
    for number in range(PAGE):
        say(talk, f"knot {number}")
    body = tab.get(API, {"q": "knot"}).json()
    assert body["hits"][0] == {
        "conversation": str(talk.pk),
        "title": talk.title,
        "message": str(talk.messages.latest("created_at").pk),
        "role": "user",
        "snippet": [
            {"text": "knot", "is_match": True},
            {"text": f" {PAGE - 1}", "is_match": False},
        ],
        "said": body["hits"][0]["said"],
    }
    (title,) = tab.get(body["next"]).json()["hits"]
    assert (title["message"], title["role"]) == (None, None)
    assert tab.post(API).json()["code"] == "method_not_allowed"


def test_filters_are_explained_and_a_wrong_one_is_said(
    tab: Client, talk: Conversation
) -> None:
    page = dom(tab.get("/search/", {"q": "in:attic"}))
    assert "There is no filter “in:attic”." in page.one("#hits").text
    assert "in:archive" in page.one("#filters").text
    live = tab.get("/search/", {"q": "in:attic", "palette": "1"}, headers=HTMX)
    assert "There is no filter “in:attic”." in text_of(live)
    refused = tab.get(API, {"q": "in:attic"})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_filter")


def test_within_a_conversation_only_its_messages_are_found_in_pages(
    tab: Client, talk: Conversation, owner: User
) -> None:
    other = Conversation.objects.create(owner=owner, title="Other")
    say(other, "A bowline elsewhere")
    for number in range(PAGE + 1):
        say(talk, f"bowline {number}", parent=None)
    query = {"q": "bowline", "in": str(talk.pk)}
    page = dom(tab.get("/search/", query))
    assert "Searches the messages of “About <knots>”" in page.text
    assert page.one("input[name=in]")["value"] == str(talk.pk)
    more = page.one("#hits li.more a")["href"]
    assert f"in={talk.pk}" in more
    rest = dom(tab.get(more))
    assert "elsewhere" not in page.one("#hits").text + rest.one("#hits").text
    found = tab.get(API, {"q": "bowline", "conversation": str(talk.pk)}).json()
    rest = tab.get(found["next"]).json()
    assert len(found["hits"]) + len(rest["hits"]) == PAGE + 1


def test_the_palette_of_a_conversation_finds_in_it_first(
    tab: Client, talk: Conversation, owner: User
) -> None:
    mine = say(talk, "A bowline here")
    other = Conversation.objects.create(owner=owner, title="Other")
    say(other, "A bowline elsewhere")
    query = {"q": "bowline", "palette": "1", "in": str(talk.pk)}
    answer = dom(tab.get("/search/", query, headers=HTMX))
    here = answer.one('[aria-labelledby="palette-here"]')
    assert "A bowline here" in here.text
    assert f'a[href="/c/{talk.pk}/?at={mine.pk}#message-{mine.pk}"]' in here
    assert f'a[href="/search/?q=bowline&in={talk.pk}"]' in here
    elsewhere = answer.one('[aria-labelledby="palette-messages"]').text
    assert "A bowline elsewhere" in elsewhere
    assert "here" not in elsewhere.replace("elsewhere", "")


def test_no_one_searches_in_anothers_conversation(
    tab: Client, talk: Conversation, client_of, box: Mailbox
) -> None:
    say(talk, "A bowline")
    query = {"q": "bowline", "in": str(talk.pk)}
    for who in (client_of(User.objects.guest(uuid.uuid4())), Client()):
        assert who.get("/search/", query).status_code == 404
        palette = who.get("/search/", {**query, "palette": "1"}, headers=HTMX)
        assert palette.status_code == 404
    assert tab.get("/search/", {**query, "in": "x"}).status_code == 404
