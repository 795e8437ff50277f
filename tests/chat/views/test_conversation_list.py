"""The list of conversations: its order, its parts, its marks."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, User
from chat.services import conversation_list
from chat.services.conversation_list import PART, Cursor
from chatsite.mailbox import Mailbox, open_mailbox
from tests.chat.conversation_data import make_conversations, set_last_activity
from tests.chat.pages import known, poll_url, text_of
from tests.chat.views.list_requests import listed
from tests.cookie_names import LIST, ZONE
from tests.dom import dom

pytestmark = pytest.mark.django_db


HTMX = {"HX-Request": "true"}


NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def headings(answer) -> list[str]:
    return dom(answer).texts("li.period h2")


def load_older(tab: Client, page):
    """What the page asks for when a reader comes near the end of its list."""
    address = dom(page).one('[hx-get^="/history/?before="]')["hx-get"]
    return tab.get(f"{address}&{urlencode(known(page))}", headers=HTMX)


def test_conversations_are_listed_under_their_periods_the_newest_first(
    tab: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    made = make_conversations(owner, 6)
    days = [0, 1, 3, 20, 60, 400]
    for conversation, ago in zip(made, days, strict=True):
        set_last_activity(conversation, NOON - timedelta(days=ago))
    page = tab.get("/history/")
    assert listed(page) == [str(conversation.pk) for conversation in made]
    assert headings(page) == [
        "Today",
        "Yesterday",
        "Previous 7 days",
        "Previous 30 days",
        "January 2026",
        "February 2025",
    ]


@pytest.mark.parametrize(
    ("zone", "heading"),
    [
        ("America/Los_Angeles", "Yesterday"),
        ("Nowhere/Land", "Today"),
        ("", "Today"),
    ],
)
def test_days_are_those_of_the_persons_time_zone(
    zone: str,
    heading: str,
    tab: Client,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    make_conversations(owner, 1, newest=NOON - timedelta(hours=11))
    tab.cookies[ZONE] = zone
    assert headings(tab.get("/history/")) == [heading]


def test_nobody_is_shown_another_persons_history(
    tab: Client, owner: User, client_of, box: Mailbox
) -> None:
    make_conversations(owner, 60)
    stranger = client_of(User.objects.guest(uuid.uuid4()))
    for who in (stranger, Client()):
        for path in ("/", "/history/", "/history/?before=1-" + "f" * 32):
            assert listed(who.get(path)) == []
        assert "Talk" not in text_of(who.get("/history/", headers=HTMX))


def test_a_page_lists_the_newest_and_loads_the_next_without_a_gap(
    tab: Client, owner: User
) -> None:
    made = [str(conversation.pk) for conversation in make_conversations(owner, 120)]
    page = tab.get("/")
    assert listed(page) == made[:PART]
    second = load_older(tab, page)
    assert listed(second) == made[PART : 2 * PART]
    third = load_older(tab, second)
    assert listed(third) == made[2 * PART :]
    assert "#more" not in dom(third)
    # No heading stands twice.
    under = headings(page) + headings(second) + headings(third)
    assert len(under) == len(set(under))


def test_without_a_script_the_parts_are_pages(tab: Client, owner: User) -> None:
    made = [str(conversation.pk) for conversation in make_conversations(owner, 60)]
    page = tab.get("/history/")
    second = tab.get(dom(page).one('a[href^="/history/?before="]')["href"])
    assert listed(page) + listed(second) == made
    assert text_of(second).startswith("<!doctype html>")


def test_equal_times_lose_nothing_between_two_parts(tab: Client, owner: User) -> None:
    made = make_conversations(owner, 120, hours=0)
    page = tab.get("/")
    second = load_older(tab, page)
    third = load_older(tab, second)
    everything = listed(page) + listed(second) + listed(third)
    assert sorted(everything) == sorted(str(each.pk) for each in made)


def test_a_change_keeps_what_was_loaded_further(tab: Client, owner: User) -> None:
    made = make_conversations(owner, 120)
    second = load_older(tab, tab.get("/"))
    set_last_activity(made[70], timezone.now())
    set_last_activity(made[110], timezone.now())
    open_mailbox().touch(str(owner.pk))
    answer = tab.get(poll_url(second))
    entries = listed(answer)
    assert len(entries) == len(set(entries)) == 101
    assert entries[:2] == [str(made[110].pk), str(made[70].pk)]
    under = headings(answer)
    assert len(under) == len(set(under))
    # And the rest follows without a gap.
    rest = load_older(tab, answer)
    assert sorted(entries + listed(rest)) == sorted(str(each.pk) for each in made)


def test_the_place_itself_may_move_or_vanish(tab: Client, owner: User) -> None:
    made = make_conversations(owner, 60)
    page = tab.get("/")
    set_last_activity(made[49], timezone.now())
    Conversation.objects.filter(pk=made[48].pk).update(deleted_at=timezone.now())
    open_mailbox().touch(str(owner.pk))
    answer = tab.get(poll_url(page))
    assert len(listed(answer)) == PART
    rest = load_older(tab, answer)
    everything = listed(answer) + listed(rest)
    expected = {str(each.pk) for each in made} - {str(made[48].pk)}
    assert (len(everything), set(everything)) == (59, expected)


def test_the_number_of_queries_does_not_grow_with_the_history(
    tab: Client, owner: User, sent
) -> None:
    def queries() -> list[int]:
        counts = []
        page = tab.get("/")
        for url in ("/", "/history/", poll_url(page)):
            open_mailbox().touch(str(owner.pk))
            with CaptureQueriesContext(connection) as captured:
                assert tab.get(url).status_code == 200
            counts.append(len(captured))
        return counts

    sent(owner)
    make_conversations(owner, 4)
    few = queries()
    assert few == [5, 3, 3]
    make_conversations(owner, 495)
    assert queries() == few


@pytest.mark.parametrize(
    "raw", ["x", "1", "1-x", "²-" + "0" * 32, "9" * 17 + "-" + "0" * 32]
)
def test_a_place_that_makes_no_sense_is_refused(raw: str, tab: Client) -> None:
    assert tab.get("/history/", {"before": raw}).status_code == 400
    assert tab.get("/poll/", {"since": raw}).status_code == 400


def test_a_place_survives_being_written_and_read() -> None:
    place = Cursor(datetime(2026, 3, 10, 12, 0, 0, 123456, UTC), uuid.uuid4())
    assert Cursor.parse(str(place)) == place


def test_an_empty_history_says_what_will_be_there(tab: Client) -> None:
    for path in ("/", "/history/"):
        assert "No conversations yet." in text_of(tab.get(path))


def test_a_title_is_escaped_wherever_it_stands(tab: Client, owner: User) -> None:
    [talk] = make_conversations(owner, 1)
    Conversation.objects.filter(pk=talk.pk).update(title="<b>\"&'")
    page = dom(tab.get("/"))
    entry = page.one(f"#entry-{talk.pk}")
    assert entry["title"] == entry.one(".title").raw_text == "<b>\"&'"


def test_only_get_is_answered(tab: Client) -> None:
    assert tab.post("/history/").status_code == 405


def test_the_parts_agree_with_the_whole(owner: User, box: Mailbox) -> None:
    """However the history is cut, it reads the same."""
    make_conversations(owner, 130, hours=7)
    whole = conversation_list.newest(
        owner.pk, Cursor(NOON - timedelta(days=9999), uuid.uuid4())
    )
    part = conversation_list.newest(owner.pk)
    items = list(part.items)
    while part.has_more and part.last:
        part = conversation_list.older(owner.pk, part.last)
        items += part.items
    assert [(i.conversation.pk, i.heading) for i in items] == [
        (i.conversation.pk, i.heading) for i in whole.items
    ]


def test_the_list_is_hidden_and_shown_again_without_a_script(
    tab: Client, owner: User
) -> None:
    (talk,) = make_conversations(owner, 1)
    path = f"/c/{talk.pk}/"
    assert not dom(tab.get(path)).one("html").has("data-list")
    answer = tab.post("/history/toggle/", {"c": str(talk.pk)})
    assert (answer.status_code, answer["Location"]) == (303, path)
    for page in (path, "/", "/settings/"):
        assert dom(tab.get(page)).one("html")["data-list"] == "hidden"
    assert tab.post("/history/toggle/")["Location"] == "/"
    assert not dom(tab.get("/")).one("html").has("data-list")


def test_a_cookie_of_the_list_that_is_unknown_hides_nothing(tab: Client) -> None:
    tab.cookies[LIST] = '"><script>'
    assert not dom(tab.get("/")).one("html").has("data-list")
