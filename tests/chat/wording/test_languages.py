"""Which language a page is in: the chosen one, or the one that the browser prefers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from chat.models import User
from chat.services.limits.wording import number
from chat.wording.script_messages import script_texts
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker
from tests.chat.pages import poll_url
from tests.chat.wording.pseudo_pages import HTMX, page_of
from tests.cookie_names import LANGUAGE
from tests.dom import Element, dom

pytestmark = pytest.mark.django_db

GERMAN = {"Accept-Language": "de-AT,en;q=0.5"}


@pytest.fixture(autouse=True)
def _offered(settings: Any) -> None:
    settings.LANGUAGES = [("en", "English"), ("ar", "Arabic"), ("de", "Deutsch")]


def in_language(code: str, path: str = "/") -> Element:
    return dom(Client().get(path, headers={"Accept-Language": code}))


def language_of(answer: Any) -> str:
    return str(answer.headers["Content-Language"])


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_a_page_says_which_language_it_is_in(path: str, box: Mailbox) -> None:
    arabic = in_language("ar", path).one("html")
    assert (arabic["lang"], arabic["dir"]) == ("ar", "rtl")
    assert in_language("de-AT,en;q=0.5", path).one("html")["lang"] == "de"
    assert in_language("fr", path).one("html")["lang"] == "en"


def test_a_language_that_is_not_on_offer_gives_way(box: Mailbox) -> None:
    page = in_language("fr")
    assert page.one("html")["lang"] == "en"
    assert "What’s on your mind?" in page.text


def test_settings_show_and_refuse_numbers_in_the_language(tab: Client) -> None:
    shown = dom(tab.get("/settings/", headers=GERMAN)).one("[name=temperature]")
    assert "," in shown["placeholder"]
    refused = dom(tab.post("/settings/", {"temperature": "9"}, headers=GERMAN))
    assert refused.one(".errorlist").text.strip() == "Höchstens 2."


def test_errors_of_the_framework_are_in_our_words(box: Mailbox) -> None:
    form = {"name": "", "password": "12345678"}
    refused = dom(Client().post("/account/sign-up/", form, headers=GERMAN)).text
    form = {"name": "pemberton", "password": "pemberton1"}
    similar = dom(Client().post("/account/sign-up/", form, headers=GERMAN)).text
    assert "Zu ähnlich wie dein Name oder deine Adresse." in similar
    assert "Dieses Feld darf nicht leer sein." in refused
    assert "Dieses Passwort ist zu verbreitet. Wähle ein anderes." in refused


def test_scripts_group_digits_as_the_server_does() -> None:
    with translation.override("es"):
        assert f"8{script_texts()['group']}192" == number(8192)


def test_a_chosen_language_is_that_of_all_pages(tab: Client) -> None:
    tab.post("/settings/", {"language": "de"})
    for path in ("/", "/settings/", "/nowhere/"):
        answer = tab.get(path, headers={"Accept-Language": "ar"})
        assert dom(answer).one("html")["lang"] == language_of(answer) == "de"
        assert {"Accept-Language", "Cookie"} <= {*answer.headers["Vary"].split(", ")}
    chosen = dom(tab.get("/settings/")).one("#language option[selected]")
    assert (chosen["value"], chosen["lang"], chosen.text) == ("de", "de", "Deutsch")


def test_the_choice_can_be_left_to_the_browser_again(tab: Client) -> None:
    tab.post("/settings/", {"language": "ar"})
    tab.post("/settings/", {"language": ""})
    assert language_of(tab.get("/", headers=GERMAN)) == "de"
    chosen = dom(tab.get("/settings/")).one("#language option[selected]")
    assert (chosen["value"], chosen.text) == ("", "As my browser")


@pytest.mark.parametrize("language", ["fr", "../de", "de\r\nSet-Cookie: a=b"])
def test_a_language_that_does_not_exist_is_not_kept(tab: Client, language: str) -> None:
    tab.post("/settings/", {"language": language})
    assert LANGUAGE not in tab.cookies


def test_a_site_in_one_language_offers_no_choice(tab: Client, settings: Any) -> None:
    settings.LANGUAGES = [("en", "English")]
    assert dom(tab.get("/settings/")).all("#language") == []


def test_answers_to_a_script_are_in_the_language_of_its_page(
    tab: Client, owner: User, worker: Worker, sent
) -> None:
    """Also after another tab chose another one, and in a poll without a query."""
    reply = sent(owner, "1 + 1")
    page = tab.get(page_of(reply), headers=GERMAN)
    tab.post("/settings/", {"language": "ar"})
    of_page = {**HTMX, "Page-Language": "de"}
    worker.write(worker.claim(), "= 2")
    quiet = tab.get(poll_url(tab.get(poll_url(page), headers=of_page)), headers=of_page)
    assert "hx-swap-oob" in quiet.content.decode()
    assert language_of(quiet) == "de"
    assert language_of(tab.get("/model/", headers=of_page)) == "de"
    assert language_of(tab.get("/model/", headers={"Page-Language": "fr"})) == "ar"


def test_an_answer_leaves_no_language_to_the_next(box: Mailbox) -> None:
    assert language_of(Client().get("/", headers=GERMAN)) == "de"
    assert translation.get_language() == "en"
