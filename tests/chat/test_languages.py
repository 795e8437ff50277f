"""Which language a page is in: the one that the browser prefers, of those there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from chatsite.mailbox import Mailbox
from tests.chat.pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_language_stays() -> Iterator[None]:
    yield
    translation.deactivate()


def in_language(code: str, path: str = "/") -> str:
    return text_of(Client().get(path, headers={"Accept-Language": code}))


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_page_says_which_language_it_is_in(path: str, box: Mailbox, settings) -> None:
    settings.LANGUAGES = [("en", "English"), ("ar", "Arabic"), ("de", "German")]
    assert '<html lang="ar" dir="rtl">' in in_language("ar", path)
    assert '<html lang="de">' in in_language("de-AT,en;q=0.5", path)
    assert '<html lang="en">' in in_language("fr", path)


def test_a_language_that_is_not_on_offer_gives_way(box: Mailbox) -> None:
    text = in_language("de")
    assert '<html lang="en">' in text
    assert "Ask, and carry on with your day." in text
