"""The catalogues are complete, and say what the English texts say."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.catalog import Message
from django.conf import settings

from tests.translations import catalogs

LANGUAGES = catalogs.languages()
OFFERED = [code for code, _ in settings.LANGUAGES if code != "en"]
#: What is put in, tags and entities.
FIXED = re.compile(r"%\(\w+\)s|%s|%%|\{\w+\}|</?\w+[^>]*>|&\w+;")
COUNTS = {"%(count)s", "%(days)s", "%(left)s", "%(waiting)s", "%(limit)s", "%s"}


def forms_of(message: Message) -> tuple[str, ...]:
    return message.string if message.pluralizable else (message.string,)


def translated(language: str) -> list[Message]:
    catalog = catalogs.read(language)
    return [message for message in catalog if message.id and any(forms_of(message))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_all_texts_of_the_code_and_no_other(language: str) -> None:
    written = catalogs.catalog_path(language).read_bytes()
    assert written == catalogs.as_po(catalogs.updated(language)), "run make messages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_of_today(language: str) -> None:
    compiled = catalogs.catalog_path(language).with_suffix(".mo")
    assert compiled.read_bytes() == catalogs.as_mo(catalogs.read(language))


def test_languages_on_offer_are_complete() -> None:
    assert {*OFFERED} <= {*LANGUAGES}
    unfinished = [
        (language, message.id)
        for language in OFFERED
        for message in catalogs.read(language)
        if message.id and (message.fuzzy or not all(forms_of(message)))
    ]
    assert unfinished == []


def test_no_text_is_translated_alike_into_two_languages() -> None:
    """One language pasted into the catalogue of another is not seen otherwise."""
    german = {message.id: message for message in translated("de")}
    alike = [
        message.id
        for message in translated("es")
        if (other := german.get(message.id)) and is_pasted(message, other)
    ]
    assert alike == []


def is_pasted(message: Message, other: Message) -> bool:
    """Whether words are the same in both languages, and not those of the English."""
    form, its = forms_of(message)[0], forms_of(other)[0]
    words = re.search(r"[^\W\d]{3}", FIXED.sub("", form))
    return bool(words) and form == its and form not in message_texts(message)


def message_texts(message: Message) -> tuple[str, ...]:
    return message.id if message.pluralizable else (message.id,)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_as_many_forms_as_their_language(language: str) -> None:
    catalog = catalogs.read(language)
    plural = [message for message in catalog if message.pluralizable]
    assert {len(message.string) for message in plural} == {catalog.num_plurals}


def is_alike(message: Message, form: str, *, is_first: bool) -> bool:
    """Whether a form has what is fixed in its text; a form for one may leave it out."""
    english = message.id[-1] if message.pluralizable else message.id
    wanted, found = Counter(FIXED.findall(english)), Counter(FIXED.findall(form))
    if message.pluralizable and is_first:
        return found <= wanted and {*(wanted - found)} <= COUNTS
    return found == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_put_in_and_tags_stay(language: str) -> None:
    wrong = [
        form
        for message in translated(language)
        for number, form in enumerate(forms_of(message))
        if form and not is_alike(message, form, is_first=number == 0)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_begins_and_ends_like_its_text(language: str) -> None:
    """With the same spaces and, at the end of a label, the same colon or dots."""

    def edges(text: str) -> tuple[bool, bool, str]:
        end = text.strip()[-1:]
        is_open = end in (":", "…")
        return text[:1].isspace(), text[-1:].isspace(), end if is_open else ""

    wrong = [
        form
        for message in translated(language)
        for form in forms_of(message)
        for english in [message.id[0] if message.pluralizable else message.id]
        if form and edges(form) != edges(english)
    ]
    assert wrong == []
