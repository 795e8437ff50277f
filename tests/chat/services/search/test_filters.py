"""Filters among the words of a search, and search within one conversation."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from chat.models import Conversation, Message, User
from chat.services.search import index, results
from chat.services.search.filters import FilterRefused, split_filters
from chat.services.search.results import Hit, search
from chatsite import wire
from tests.chat.services.search.search_actions import found, say

pytestmark = pytest.mark.django_db
CODE = "A knot:\n```py\ntie()\n```\n"
FILE = '```py title="knot.py"\ntie()\n```\n\nWhat does this knot do?'


@pytest.fixture
def talk(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Ropes")


@pytest.fixture
def other(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Sails")


def said_on(message: Message, day: datetime) -> None:
    Message.objects.filter(pk=message.pk).update(created_at=day)


def texts(owner: User, typed: str) -> set[str]:
    return {text.split("\n")[0] for text in found(owner, typed)}


def test_words_that_only_look_like_filters_are_searched(
    owner: User, talk: Conversation
) -> None:
    say(talk, "See http://knots.example/a and say: from: Ada")
    for typed in ("http://knots.example", "say: from: ada", "from: ada"):
        assert len(found(owner, typed)) == 1
    assert split_filters("tied IN:Archive well")[1] == "tied   well"


def test_archived_and_pinned_conversations(
    owner: User, talk: Conversation, other: Conversation
) -> None:
    say(talk, "knot one")
    say(other, "knot two")
    Conversation.objects.filter(pk=talk.pk).update(is_archived=True, is_pinned=True)
    assert texts(owner, "knot") == {"knot one", "knot two"}
    for typed in ("knot in:archive", "in:pinned knot", "in:pinned in:archive kn"):
        assert texts(owner, typed) == {"knot one"}
    Conversation.objects.filter(pk=talk.pk).update(deleted_at=timezone.now())
    assert texts(owner, "knot in:archive") == set()


def test_who_wrote_it(owner: User, talk: Conversation) -> None:
    say(talk, "my knot")
    say(talk, "its knot", wire.Role.ASSISTANT)
    assert texts(owner, "knot from:me") == {"my knot"}
    assert texts(owner, "knot from:model") == {"its knot"}
    assert texts(owner, "ropes from:me") == set()


def test_code_and_attached_files(owner: User, talk: Conversation) -> None:
    say(talk, "plain knot with a `word`")
    say(talk, CODE, wire.Role.ASSISTANT)
    say(talk, FILE)
    coded = [hit.is_from_user for hit in search(owner.pk, "knot has:code").hits]
    assert coded == [True, False]
    filed = [hit.is_from_user for hit in search(owner.pk, "has:file knot").hits]
    assert filed == [True]


def test_days_are_those_of_the_person_and_are_left_out_themselves(
    owner: User, talk: Conversation
) -> None:
    for day, text in ((30, "April knot"), (1, "Mayday knot"), (2, "second knot")):
        month = 4 if day == 30 else 5
        # Just after midnight in Berlin, which is still the day before in UTC.
        midnight = datetime(2026, month, day, tzinfo=ZoneInfo("Europe/Berlin"))
        said_on(say(talk, text), midnight.astimezone(UTC))
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert texts(owner, "knot before:2026-05-01") == {"April knot"}
        assert texts(owner, "knot after:2026-05-01") == {"second knot"}
        between = "knot after:2026-04-30 before:2026-05-02"
        assert texts(owner, between) == {"Mayday knot"}
    Conversation.objects.filter(pk=talk.pk).update(
        created_at=datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert texts(owner, "ropes before:2026-02-01") == {"Ropes"}
    assert texts(owner, "ropes after:2026-02-01") == set()


def test_filters_alone_find_the_newest(
    owner: User, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.services.search.results.PAGE", 2)
    said = [say(talk, f"{number}") for number in range(5)]
    say(talk, "a reply", wire.Role.ASSISTANT)
    before, got = None, []
    while True:
        hits = search(owner.pk, "from:me", before)
        got += [hit.message for hit in hits.hits]
        before = hits.more
        if before is None:
            break
    assert got == [message.pk for message in reversed(said)]


def test_within_one_conversation(
    owner: User, talk: Conversation, other: Conversation
) -> None:
    mine = say(talk, "ropes and knots")
    say(other, "knots elsewhere")
    hits = search(owner.pk, "knots", conversation=talk.pk).hits
    assert [hit.message for hit in hits] == [mine.pk]
    assert search(owner.pk, "sails", conversation=talk.pk).hits == ()
    assert search(owner.pk, "ropes from:model", conversation=talk.pk).hits == ()
    empty = Conversation.objects.create(owner=owner, title="")
    assert search(owner.pk, "knots", conversation=empty.pk).hits == ()
    stranger = User.objects.guest(empty.pk)
    assert search(stranger.pk, "knots", conversation=talk.pk).hits == ()


def all_found(owner: User, typed: str) -> list[Hit]:
    """The hits of all pages."""
    hits = search(owner.pk, typed)
    found = [*hits.hits]
    while hits.more is not None:
        hits = search(owner.pk, typed, hits.more)
        found += hits.hits
    return found


@pytest.mark.parametrize("common", [1, 20])
@pytest.mark.parametrize("typed", ["knot has:code", "has:code"])
def test_a_rare_match_far_back_is_found_in_several_looks(
    owner: User,
    talk: Conversation,
    other: Conversation,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    common: int,
) -> None:
    """PostgreSQL looks at the newest passages first, and at its index for rare words."""
    monkeypatch.setattr(index, "NEWEST", 2)
    monkeypatch.setattr(index, "WALKED", 3)
    monkeypatch.setattr(index, "COMMON", common)
    monkeypatch.setattr(results, "ROUNDS", 1)
    first = say(talk, CODE)
    for _ in range(20):
        say(other, "knot")
    second = say(talk, CODE)
    assert [hit.message for hit in all_found(owner, typed)] == [second.pk, first.pk]


def test_one_look_ends_where_filters_fit_to_nothing(
    owner: User, talk: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "WALKED", 3)
    for _ in range(17):
        say(talk, "knot")
    hits = search(owner.pk, "has:file")
    assert (hits.hits, hits.more is None) == ((), False)
    assert search(owner.pk, "has:file", hits.more).more is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "in:attic",
            "There is no filter “in:attic”. Use one of: in:archive, in:pinned.",
        ),
        ("x has:wheels", "has:code, has:file"),
        ("from:ada", "from:me, from:model"),
        ("before:yesterday", "“before:yesterday” has no date."),
        ("after:2026-13-01", "as in before:2026-05-01"),
        ("after:20260501", "has no date"),
        ("before:9999-12-31", "has no date"),
        ("after:0001-01-01", "has no date"),
    ],
)
def test_a_wrong_value_is_named_with_the_right_ones(
    owner: User, typed: str, said: str
) -> None:
    with pytest.raises(FilterRefused):
        split_filters(typed)
    assert said in search(owner.pk, typed).problem
