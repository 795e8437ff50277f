"""Case, accents and scripts: which words are the same for search."""

from __future__ import annotations

import unicodedata

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.models import Conversation, Message, Passage, User
from chat.services.search.results import Hits, search
from chatsite.search.tokens import index_words
from tests.chat.services.search.search_actions import IS_SQLITE, found, say
from tests.environment import IS_SOAK


def marks(hits: Hits) -> list[str]:
    return [piece.text for piece in hits.hits[0].snippet if piece.is_match]


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


def test_a_pile_of_accents_is_saved_and_found(owner: User, sent) -> None:
    """A database that sorted all of them at once would take minutes."""
    reply = sent(owner)
    pile = "\u0301\u0316" * 50_000
    Message.objects.filter(pk=reply.pk).update(text=f"tower{pile} beside")
    assert [hit.message for hit in search(owner.pk, "tower").hits] == [reply.pk]
