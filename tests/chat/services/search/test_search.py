"""Search: what is found, in which order, and that nothing typed can break it."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chat.models import Conversation, Message, Passage, User
from chat.services.search.query_parser import ParsedQuery
from chat.services.search.results import PAGE, Hits, search
from chat.services.search.snippets import SnippetPart
from chatsite import wire
from tests.chat.services.search.search_actions import IS_SQLITE, found, say
from tests.environment import IS_SOAK


def test_every_word_must_occur_and_the_last_one_may_only_be_begun(
    owner: User, talk: Conversation
) -> None:
    say(talk, "Tie a bowline at the end of the rope")
    say(talk, "A rope and a sheet")
    assert found(owner, "rope bow") == ["Tie a bowline at the end of the rope"]
    assert len(found(owner, "rop")) == 2
    assert found(owner, "bow rope") == []
    assert found(owner, "bowline sheet") == []


def test_the_newest_comes_first_and_more_can_be_had(
    owner: User, talk: Conversation
) -> None:
    for number in range(2 * PAGE + 1):
        say(talk, f"knot {number}")
    pages, before = [], None
    while True:
        hits = search(owner.pk, "knot", before)
        pages.append(["".join(p.text for p in hit.snippet) for hit in hits.hits])
        if (before := hits.more) is None:
            break
    expected = [f"knot {number}" for number in reversed(range(2 * PAGE + 1))]
    assert [len(page) for page in pages] == [PAGE, PAGE, 1]
    # The title is the oldest of all, and its conversation has a hit on that page.
    assert [text for page in pages for text in page] == expected


def test_among_very_many_the_oldest_are_found_after_the_newest(
    owner: User, talk: Conversation
) -> None:
    texts = [f"needle {number}" for number in range(30)]
    texts[15:15] = ["hay"] * 1100
    Message.objects.bulk_create(
        Message(conversation=talk, owner=owner, role=wire.Role.USER, text=text)
        for text in texts
    )
    first = search(owner.pk, "needle")
    assert first.more is not None
    pages = found(owner, "needle") + found(owner, "needle", first.more)
    assert pages == [f"needle {number}" for number in reversed(range(30))]
    assert found(owner, "needle 3") == ["needle 3"]


def test_a_title_is_found_once_and_marked(owner: User, talk: Conversation) -> None:
    (hit,) = search(owner.pk, "knots").hits
    assert (hit.conversation, hit.title, hit.message) == (talk.pk, "Knots", None)
    assert hit.snippet == (SnippetPart("Knots", is_match=True),)
    message = say(talk, "Knots, please")
    (hit,) = search(owner.pk, "knots").hits
    assert (hit.message, hit.is_from_user) == (message.pk, True)


def test_a_reply_is_found_once_it_has_text_and_not_as_it_was_before(
    owner: User, talk: Conversation
) -> None:
    reply = say(talk, "", wire.Role.ASSISTANT)
    assert not Passage.objects.filter(message=reply).exists()
    Message.objects.filter(pk=reply.pk).update(text="A sheepshank shortens")
    (hit,) = search(owner.pk, "sheepshank").hits
    assert (hit.message, hit.is_from_user) == (reply.pk, False)
    Message.objects.filter(pk=reply.pk).update(text="A trucker's hitch")
    assert found(owner, "sheepshank") == []
    assert found(owner, "trucker") == ["A trucker's hitch"]
    Message.objects.filter(pk=reply.pk).update(text=" \n")
    assert found(owner, "trucker") == []
    assert not Passage.objects.filter(message=reply).exists()


def test_a_conversation_is_found_by_its_new_title_alone(
    owner: User, talk: Conversation
) -> None:
    Conversation.objects.filter(pk=talk.pk).update(title="Splices")
    assert (found(owner, "knots"), found(owner, "splices")) == ([], ["Splices"])
    talk.title = ""
    talk.save()
    assert found(owner, "splices") == []


def test_what_is_deleted_is_neither_found_nor_kept_in_the_index(
    owner: User, talk: Conversation
) -> None:
    say(talk, "A prusik grips")
    other = Conversation.objects.create(owner=owner, title="Another")
    assert "prusik" in indexed_words()
    talk.delete()
    assert found(owner, "prusik") == []
    assert "prusik" not in indexed_words()
    assert found(owner, "another") == ["Another"]
    other.messages.all().delete()
    owner.delete()
    assert indexed_words() == set()
    assert not Passage.objects.exists()


def indexed_words() -> set[str]:
    """All words of the index, whoever said them."""
    with connection.cursor() as cursor:
        if IS_SQLITE:
            cursor.execute(
                "CREATE VIRTUAL TABLE temp.terms "
                "USING fts5vocab(main, chat_passage_index, row)"
            )
            cursor.execute("SELECT term FROM temp.terms")
        else:
            # Each begins with two characters of its owner's id.
            words_of_all = "ts_stat('SELECT lexemes FROM chat_passage')"
            cursor.execute(f"SELECT substr(word, 3) FROM {words_of_all}")
        words = {word for (word, *_) in cursor.fetchall()}
        if IS_SQLITE:
            cursor.execute("DROP TABLE temp.terms")
    return words


def test_nobody_finds_what_another_owner_said(owner: User, talk: Conversation) -> None:
    say(talk, f"secret {owner.pk} {owner.pk.hex}")
    stranger = User.objects.guest(uuid.uuid4())
    for typed in ("secret", owner.pk.hex, str(owner.pk), f"@{owner.pk}", "knots"):
        assert search(stranger.pk, typed) == Hits()
        assert search(None, typed) == Hits()
    # Not even who writes the name of another owner into a message of their own.
    theirs = Conversation.objects.create(owner=stranger, title="Mine")
    say(theirs, f"{owner.pk.hex} secret")
    assert found(owner, "secret") == [f"secret {owner.pk} {owner.pk.hex}"]


@pytest.mark.parametrize("typed", ["", " ", '"', "*", "\x00", "🎉", "-:()^", "\ud800"])
def test_what_has_no_word_finds_nothing(
    owner: User, talk: Conversation, typed: str
) -> None:
    assert search(owner.pk, typed) == Hits(is_signs_only=bool(typed.strip()))


#: Characters that Unicode knows. What it does not may be of a word, or not.
KNOWN = st.text(st.characters(exclude_categories=("Cn", "Cs")), max_size=30)


SYNTAX = st.sampled_from(
    [
        *(
            '"',
            "'",
            "*",
            ":",
            "^",
            "-",
            "(",
            ")",
            "+",
            "\\",
            "&",
            "|",
            "!",
            "<->",
            ":*",
        ),
        *("NEAR", "AND", "OR", "NOT", "owner_id:", "text:", "%s", " ", "\x00"),
        *("🎉", "東京", "é", "e\u0301"),
    ]
)


@pytest.mark.django_db
@settings(
    max_examples=2000 if IS_SOAK else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    typed=st.lists(SYNTAX | st.text(max_size=5), max_size=12).map("".join), said=KNOWN
)
@example(typed='knot" OR "knots', said="\x00")
@example(typed="\u19b0\u0378", said="")
@example(typed="", said="\U0001d8000")
@example(typed="wow", said="wow\U0001f929 day")
def test_nothing_that_is_typed_can_break_a_search(
    owner: User, typed: str, said: str
) -> None:
    if not IS_SQLITE:
        said = said.replace("\x00", "")
    talk = Conversation.objects.create(owner=owner, title="knot")
    say(talk, said)
    search(owner.pk, typed)
    # Whatever was said is found by its own words.
    if ParsedQuery.parse(said) is not None:
        assert any(hit.message for hit in search(owner.pk, said).hits)
    talk.delete()


def test_a_long_message_is_saved_and_found_by_its_beginning(
    owner: User, talk: Conversation
) -> None:
    say(
        talk, "begin " + " ".join(f"word{n}" for n in range(200_000)) + " " + "y" * 9999
    )
    assert len(found(owner, "begin word7")) == 1


def test_what_an_owners_id_begins_with_finds_no_more_than_what_was_said(
    db: None,
) -> None:
    owner = User.objects.guest(uuid.UUID("3abcdef0-0000-4000-8000-000000000000"))
    talk = Conversation.objects.create(owner=owner, title="Knots")
    say(talk, "needle 30")
    say(talk, "needle 29")
    assert found(owner, "needle 3") == ["needle 30"]
    assert found(owner, "3abcdef0") == []
