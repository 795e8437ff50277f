"""Which language a page is in: the one that the browser prefers, of those there are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from chatsite.mailbox import Mailbox
from tests.dom import Element, dom

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_language_stays() -> Iterator[None]:
    yield
    translation.deactivate()


def in_language(code: str, path: str = "/") -> Element:
    return dom(Client().get(path, headers={"Accept-Language": code}))


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_page_says_which_language_it_is_in(path: str, box: Mailbox, settings) -> None:
    settings.LANGUAGES = [("en", "English"), ("ar", "Arabic"), ("de", "German")]
    arabic = in_language("ar", path).one("html")
    assert (arabic["lang"], arabic["dir"]) == ("ar", "rtl")
    assert in_language("de-AT,en;q=0.5", path).one("html")["lang"] == "de"
    assert in_language("fr", path).one("html")["lang"] == "en"


def test_a_language_that_is_not_on_offer_gives_way(box: Mailbox) -> None:
    page = in_language("de")
    assert page.one("html")["lang"] == "en"
    assert "What’s on your mind?" in page.text
