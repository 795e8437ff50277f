"""The list with pinned conversations, the archive, and the cursors of both."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, User
from chat.services import conversation_list
from chat.services.conversation_list import Cursor, ListPart, archived, newest, older
from tests.chat.conversation_data import make_conversations

pytestmark = pytest.mark.django_db


def ids(part: ListPart) -> list[UUID]:
    return [item.conversation.pk for item in part.items]


def keep(*conversations: Conversation, **fields: bool) -> None:
    for conversation in conversations:
        Conversation.objects.filter(pk=conversation.pk).update(**fields)


def every_part(owner: User) -> list[UUID]:
    part = newest(owner.pk)
    found = ids(part)
    while part.has_more:
        assert part.last is not None
        part = older(owner.pk, Cursor.parse(str(part.last)))
        found += ids(part)
    return found


def test_pinned_ones_come_first_and_each_once_whatever_the_parts(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_conversations(owner, 9)
    keep(made[2], made[5], made[8], is_pinned=True)
    keep(made[1], is_archived=True)
    expected = [made[n].pk for n in (2, 5, 8, 0, 3, 4, 6, 7)]
    for size in (1, 2, 3, 4, 8, 9):
        monkeypatch.setattr(conversation_list, "PART", size)
        assert every_part(owner) == expected


def test_headings_say_what_is_pinned_once(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_conversations(owner, 4, hours=0)
    keep(made[0], made[1], is_pinned=True)
    monkeypatch.setattr(conversation_list, "PART", 1)
    part, headings = newest(owner.pk), []
    while True:
        headings.append(part.items[0].heading)
        if not part.has_more:
            break
        assert part.last is not None
        part = older(owner.pk, part.last)
    assert headings == ["Pinned", "", "Today", ""]


def test_a_page_gets_all_down_to_its_cursor_when_something_is_pinned_below(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_list, "PART", 3)
    made = make_conversations(owner, 6)
    since = newest(owner.pk).last
    keep(made[5], is_pinned=True)
    assert ids(newest(owner.pk, since)) == [made[n].pk for n in (5, 0, 1, 2)]


@pytest.mark.parametrize("at_once", [1, 4, 5, 100])
def test_a_page_that_lists_very_many_gets_them_all(
    owner: User, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(conversation_list, "PART", 2)
    monkeypatch.setattr(conversation_list, "LISTED_AT_ONCE", at_once)
    made = make_conversations(owner, 6)
    part = older(owner.pk, older(owner.pk, newest(owner.pk).last).last)
    assert ids(newest(owner.pk, part.last)) == [each.pk for each in made]
    since = newest(owner.pk, older(owner.pk, newest(owner.pk).last).last)
    assert (ids(since), since.has_more) == ([each.pk for each in made[:4]], True)


def test_a_page_of_pinned_ones_alone_goes_on_with_the_others(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_list, "PART", 2)
    made = make_conversations(owner, 4)
    keep(made[2], made[3], is_pinned=True)
    since = newest(owner.pk).last
    assert since is not None
    assert str(since).startswith("p")
    keep(made[2], is_pinned=False)
    assert ids(newest(owner.pk, since)) == [made[3].pk, made[0].pk]


def test_the_archive_has_pages_by_time_even_of_pinned_ones(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_list, "PART", 2)
    made = make_conversations(owner, 4)
    keep(*made[1:], is_archived=True)
    keep(made[3], is_pinned=True)
    first = archived(owner.pk)
    assert (ids(first), first.has_more) == ([made[1].pk, made[2].pk], True)
    second = archived(owner.pk, first.last)
    assert (ids(second), second.has_more) == ([made[3].pk], False)
    assert every_part(owner) == [made[0].pk]


def test_parts_need_as_many_queries_with_pins_as_without(owner: User) -> None:
    made = make_conversations(owner, 60)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            part = newest(owner.pk)
            older(owner.pk, part.last or Cursor(made[0].updated_at, made[0].pk))
        counts.append(len(asked))
        keep(*made[::2], is_pinned=True)
        keep(*made[1:20:2], is_archived=True)
    assert counts[0] == counts[1]


@pytest.mark.parametrize("raw", ["p", "pp1-" + "f" * 32, "p-1", "1-p", "p1-x"])
def test_what_is_no_cursor_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"cursor|UUID"):
        Cursor.parse(raw)
