"""Search: what is found, in which order, and that nothing typed can break it."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from chat.migrations._search import restore_triggers
from chat.migrations._search_sqlite import TRIGGERS
from chat.models import Conversation, Message, Passage, User
from chat.services.search.query_parser import ParsedQuery
from chat.services.search.results import PAGE, Hits, search
from chat.services.search.snippets import SnippetPart, snippet
from chatsite import wire
from chatsite.search.folding import Folded
from chatsite.search.tokens import index_words
from tests.environment import IS_SOAK

IS_SQLITE = connection.vendor == "sqlite"


@pytest.fixture
def talk(owner: User) -> Conversation:
    return Conversation.objects.create(owner=owner, title="Knots")


def say(talk: Conversation, text: str, role: str = wire.Role.USER) -> Message:
    return Message.objects.create(
        conversation=talk, owner=talk.owner, role=role, text=text
    )


def found(owner: User, text: str, before: int | None = None) -> list[str]:
    """The texts found, without what stands for something left out."""
    hits = search(owner.pk, text, before).hits
    return ["".join(piece.text for piece in hit.snippet) for hit in hits]


def marks(hits: Hits) -> list[str]:
    return [piece.text for piece in hits.hits[0].snippet if piece.is_match]


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


@pytest.mark.parametrize(
    ("said", "typed"),
    [
        ("Crème brûlée", "creme BRU"),
        ("creme brulee", "Crème brûlée"),
        ("cafe\u0301 au lait", "café"),
        ("See a/b.example.com", "example"),
        ("don't panic", "don't"),
        ("snake_case_name", "case"),
        ("C-3PO", "3po"),
        ("Москва", "МОСК"),
        ("東京タワーへ行く", "東京"),
        ("हिन्दी में", "हिन्दी"),
        ("great ❤️there", "there"),
        ("“Quoted”", "quoted"),
        ("x" * 300, "x" * 200),
    ],
)
def test_case_accents_and_punctuation_do_not_matter(
    owner: User, talk: Conversation, said: str, typed: str
) -> None:
    say(talk, said)
    assert len(found(owner, typed)) == 1


#: Typed, said, and what of that is marked.
ALIKE = [
    *(("елка", "Новогодняя ёлка", "ёлка"), ("ЁЛКА", "елка", "елка")),
    ("한국어", unicodedata.normalize("NFD", "한국어를"), None),
    (unicodedata.normalize("NFD", "한국어"), "한국어를", "한국어"),
    *(("국어", "한국어를", "국어"), ("한구", "한국어를", "한국")),
    *(("strasse", "Die Straße", "Straße"), ("STRAẞE", "Strasse", "Strasse")),
    *(("istanbul", "İSTANBUL", "İSTANBUL"), ("ısparta", "Isparta", "Isparta")),
    *(("file", "A ﬁle", "ﬁle"), ("abc", "ＡＢＣ", "ＡＢＣ"), ("m2", "5 m²", "m²")),
    *(("ガム", "ｶﾞﾑ", "ｶﾞﾑ"), ("会社", "㍿東", "㍿"), ("株式", "㍿東", "㍿")),
    *(("كتاب", "كتــاب", "كتــاب"), ("محمد", "مُحَمَّد", "مُحَمَّد"), ("123", "١٢٣", "١٢٣")),
    *(("שלום", "שָׁלוֹם", "שָׁלוֹם"), ("duong", "đường", "đường"), ("lodz", "Łódź", "Łódź")),
    *(("σισυφος", "ΣΊΣΥΦΟΣ", "ΣΊΣΥΦΟΣ"), ("फिल्म", "फ़िल्म", "फ़िल्म")),
    *(("don't", "don’t", "don"), ("softly", "soft\u00adly", "soft\u00adly")),
    *(("cafe", "cafe\u0301 au", "cafe\u0301"), ("windows", "Windows™ x", "Windows")),
    *(("タワー", "東京タワーへ行く", "タワー"), ("行", "東京タワーへ行く", "行")),
    *(("東京タ", "東京タワーへ行く", "東京タ"), ("iphone", "新iPhoneを", "iPhone")),
    *(("北京 大学", "我在北京上大学", "北京"), ("ข้าว", "กินข้าวแล้ว", "ข้าว")),
    *(
        ("ខ្មែរ", "ភាសាខ្មែរ", "ខ្មែរ"),
        ("ລາວ", "ພາສາລາວ", "ລາວ"),
        ("မာစာ", "မြန်မာစာ", "မာစာ"),
    ),
]


@pytest.mark.parametrize(("typed", "said", "marked"), ALIKE)
def test_words_of_all_scripts_are_folded_and_found_inside_text_without_spaces(
    owner: User, talk: Conversation, typed: str, said: str, marked: str | None
) -> None:
    say(talk, f"See: {said}.")
    hits = search(owner.pk, typed)
    assert len(hits.hits) == 1
    assert marks(hits)[0] == (marked or unicodedata.normalize("NFD", typed))


def test_letters_of_a_run_must_stand_together(owner: User, talk: Conversation) -> None:
    say(talk, "東京と京大学")
    assert found(owner, "東京大学") == []
    assert found(owner, "京大学") == ["東京と京大学"]


@pytest.mark.django_db
@settings(
    max_examples=1000 if IS_SOAK else 50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    said=st.text(
        st.characters(exclude_categories=("Cs",), exclude_characters="\x00")
        | st.sampled_from("ßﬁİẞ한국어ｶﾞ東京กินข้าวहिन्दीكتــabc \u0e49\u0e39\u094d\u3099"),
        max_size=40,
    )
)
def test_every_database_keeps_the_words_of_the_program(
    owner: User, talk: Conversation, said: str
) -> None:
    message = say(talk, said)
    words = Passage.objects.filter(message=message).values_list("words", flat=True)
    assert "".join(words) == index_words(said)
    message.delete()


@pytest.mark.skipif(IS_SQLITE, reason="SQLite asks the program")
def test_every_character_is_folded_by_postgresql_as_by_the_program(db: None) -> None:
    # Behind these planes are hardly any letters.
    codes = range(1, 0x110000 if IS_SOAK else 0x40000)
    characters = [chr(code) for code in codes if not 0xD800 <= code < 0xE000]
    with connection.cursor() as cursor:
        for first in range(0, len(characters), 40_000):
            said = " ".join(characters[first : first + 40_000])
            cursor.execute("SELECT chat_words(%s)", [said])
            assert cursor.fetchone()[0] == index_words(said)


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


def test_the_snippet_shows_where_most_words_stand_together() -> None:
    text = "rope " + "filler " * 60 + "the bowline holds a rope well " + "more " * 60
    typed = ParsedQuery.parse("rope bowline")
    assert typed is not None
    pieces = snippet(text, Folded.of(text), typed)
    assert [piece.text for piece in pieces if piece.is_match] == ["bowline", "rope"]
    assert (pieces[0], pieces[-1]) == (SnippetPart("… "), SnippetPart(" …"))
    assert sum(len(piece.text) for piece in pieces) < 200


@given(text=st.text(), typed=st.text(min_size=1))
@settings(deadline=None)
def test_a_snippet_is_a_part_of_the_text_as_it_is(text: str, typed: str) -> None:
    read = ParsedQuery.parse(typed)
    if read is None:
        return
    whole = "".join(piece.text for piece in snippet(text, Folded.of(text), read))
    assert whole.removeprefix("… ").removesuffix(" …") in text


def test_a_long_message_is_saved_and_found_by_its_beginning(
    owner: User, talk: Conversation
) -> None:
    say(
        talk, "begin " + " ".join(f"word{n}" for n in range(200_000)) + " " + "y" * 9999
    )
    assert len(found(owner, "begin word7")) == 1


@pytest.fixture
def older_schema(transactional_db: None) -> Iterator[MigrationExecutor]:
    """As it was before there was a search; afterwards as it is."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate([("chat", "0003_history")])
    yield executor
    executor = MigrationExecutor(connection)
    executor.migrate(newest)


def test_what_was_there_before_is_found_after_the_migration(
    older_schema: MigrationExecutor,
) -> None:
    old = older_schema.loader.project_state([("chat", "0003_history")]).apps
    owner = old.get_model("chat", "User").objects.create(password="!")
    talk = old.get_model("chat", "Conversation")(owner_id=owner.pk, title="Knots")
    talk.save()
    for text in ("a clove hitch", "", "a half hitch"):
        old.get_model("chat", "Message")(
            conversation=talk, owner_id=owner.pk, role="user", text=text
        ).save()
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert found(owner, "hitch") == ["a half hitch", "a clove hitch"]
    assert found(owner, "knots") == ["Knots"]
    Message.objects.filter(text="").update(text="a third hitch")
    assert len(found(owner, "hitch")) == 3


@pytest.mark.skipif(not IS_SQLITE, reason="only SQLite makes tables anew")
def test_no_migration_has_taken_the_triggers_away(db: None) -> None:
    """One that does ends with ``_search.restore_triggers``."""
    assert set(re.findall(r"chat_\w+(?= AFTER)", " ".join(TRIGGERS))) <= triggers()


@pytest.mark.skipif(not IS_SQLITE, reason="only SQLite makes tables anew")
def test_triggers_that_went_with_a_table_can_be_mended(transactional_db: None) -> None:
    before = triggers()
    with connection.schema_editor() as editor:
        editor._remake_table(Message)
        editor._remake_table(Conversation)
    assert triggers() < before
    with connection.schema_editor() as editor:
        restore_triggers(apps, editor)
    assert triggers() == before


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in cursor.fetchall()}


def test_what_an_owners_id_begins_with_finds_no_more_than_what_was_said(
    db: None,
) -> None:
    owner = User.objects.guest(uuid.UUID("3abcdef0-0000-4000-8000-000000000000"))
    talk = Conversation.objects.create(owner=owner, title="Knots")
    say(talk, "needle 30")
    say(talk, "needle 29")
    assert found(owner, "needle 3") == ["needle 30"]
    assert found(owner, "3abcdef0") == []


def test_a_pile_of_accents_is_saved_and_found(owner: User, sent) -> None:
    """A database that sorted all of them at once would take minutes."""
    reply = sent(owner)
    pile = "\u0301\u0316" * 50_000
    Message.objects.filter(pk=reply.pk).update(text=f"tower{pile} beside")
    assert [hit.message for hit in search(owner.pk, "tower").hits] == [reply.pk]
