"""The part of the email page that asks for mail when a reply is ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import User
from tests.chat.accounts.conftest import link_in
from tests.chat.accounts.passwords import PASSWORD
from tests.dom import dom

pytestmark = pytest.mark.django_db


@pytest.fixture
def bee(client_of: Callable[[User], Client], settings: LazySettings) -> Client:
    settings.HAS_READY_MAIL = True
    return client_of(User.objects.create_user("bee", PASSWORD))


def asked(client: Client, **fields: str) -> str:
    """Save the form; return the language of the mail from then on."""
    assert client.post("/account/ready-mail/", fields).status_code == 303
    return User.objects.get(username="bee").ready_mail_language


def hint(client: Client) -> str:
    return dom(client.get("/account/email/")).one("#ready-mail-hint").text


def test_only_a_confirmed_address_may_ask_for_mail(
    bee: Client, sent_mails: Callable[[], list[Any]]
) -> None:
    assert hint(bee) == "Add an email address first."
    assert asked(bee, ready_mail="1") == ""
    typed = {"email": "bee@example.org", "password": PASSWORD}
    User.objects.update(email=typed["email"])
    assert hint(bee).startswith("Your address isn’t confirmed yet")
    assert asked(bee, ready_mail="1") == ""
    assert bee.post("/account/email/", typed).status_code == 303
    bee.post(link_in(sent_mails()[0].body))
    assert hint(bee).startswith("If it took 5 minutes or longer")
    assert asked(bee, ready_mail="1") == "en"
    page = dom(bee.get("/account/email/"))
    assert page.one("[name=ready_mail]").has("checked")
    assert asked(bee) == ""


def test_without_a_least_time_no_minutes_are_named(
    bee: Client, settings: LazySettings
) -> None:
    settings.READY_MAIL_MINUTES = 0
    User.objects.update(email="bee@example.org", confirmed_email="bee@example.org")
    assert hint(bee).startswith("Whenever you have no page of this site open.")
    label = dom(bee.get("/account/email/")).one(".ready-mail label").text.strip()
    assert label.startswith("Email me when a reply is ready")


def test_mail_comes_in_the_language_of_the_page(bee: Client) -> None:
    User.objects.update(email="bee@example.org", confirmed_email="bee@example.org")
    answer = bee.post(
        "/account/ready-mail/", {"ready_mail": "1"}, headers={"Accept-Language": "es"}
    )
    assert answer.status_code == 303
    assert User.objects.get(username="bee").ready_mail_language == "es"


def test_a_site_without_mail_says_so(bee: Client, settings: LazySettings) -> None:
    settings.HAS_READY_MAIL = False
    assert hint(bee) == "This site sends no such emails."


def test_a_program_asks_for_mail_and_learns_what_is_missing(bee: Client) -> None:
    url = "/api/v1/settings/ready-mail"

    def put(*, is_wanted: bool) -> Any:
        body = {"is_wanted": is_wanted}
        headers = {"Accept-Language": "de"}
        return bee.put(url, body, content_type="application/json", headers=headers)

    nothing = {"is_wanted": False, "language": None}
    assert bee.get(url).json() == {**nothing, "missing": "address"}
    assert put(is_wanted=True).json()["code"] == "no_mail"
    User.objects.update(email="bee@example.org", confirmed_email="bee@example.org")
    wanted = {"is_wanted": True, "language": "de", "missing": None}
    assert put(is_wanted=True).json() == bee.get(url).json() == wanted
    assert put(is_wanted=False).json() == {**nothing, "missing": None}
    assert Client().get(url).json() == {**nothing, "missing": "account"}


def test_another_address_gets_no_mail_until_it_is_confirmed(bee: Client) -> None:
    User.objects.update(
        email="bee@example.org",
        confirmed_email="bee@example.org",
        ready_mail_language="en",
    )
    user = User.objects.get(username="bee")
    assert user.has_confirmed_email
    bee.post("/account/email/", {"email": "b@example.org", "password": PASSWORD})
    user.refresh_from_db()
    assert (user.email, user.has_confirmed_email) == ("b@example.org", False)
