"""The account page, and which pages need an account."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import Session, User
from tests.chat.accounts.conftest import log_in
from tests.chat.pages import text_of
from tests.chat.user_agents import FIREFOX, PHONE
from tests.dom import dom

pytestmark = pytest.mark.django_db


def test_the_page_shows_the_account_and_links_to_its_pages(
    tab: Client, account: User, sent
) -> None:
    sent(account, "Hello")
    page = dom(tab.get("/account/"))
    for said in ("bee", "bee@example.org", "1 conversation · since", "This device"):
        assert said in page.text
    assert page.first("main bdi").text == "bee"
    for name in ("email", "password", "download", "erase"):
        assert f'a[href="/account/{name}/"]' in page
    assert 'a[href^="/account/invitations/"]' not in page


def test_a_guest_sees_how_long_guests_are_kept_and_how_to_sign_up(
    visitor: Client,
) -> None:
    page = dom(visitor.get("/account/"))
    assert "after 30 days without a visit" in page.text
    assert 'a[href="/account/sign-up/"]' in page
    assert 'a[href="/account/log-in/"]' in page
    assert "Devices" not in page.text


@pytest.mark.parametrize("signup", ["invitation", "closed"])
def test_without_open_sign_up_no_page_links_to_it(
    signup: str, visitor: Client, settings: LazySettings
) -> None:
    settings.SIGNUP = signup
    for path in ("/", "/account/", "/account/log-in/"):
        page = dom(visitor.get(path))
        assert '[href^="/account/sign-up/"]' not in page
        if path != "/account/log-in/":
            assert '[href="/account/log-in/"]' in page


def test_the_page_names_the_retention_time(tab: Client, settings: LazySettings) -> None:
    said = "Conversations you don’t use for"
    assert said not in text_of(tab.get("/account/"))
    settings.RETENTION_DAYS = 90
    assert f"{said} 90 days are deleted." in text_of(tab.get("/account/"))


def test_without_guests_the_page_redirects_to_log_in(
    visitor: Client, settings: LazySettings
) -> None:
    settings.GUESTS = False
    answer = visitor.get("/account/")
    assert answer["Location"] == "/account/log-in/?next=%2Faccount%2F"


@pytest.mark.parametrize(
    "path", ["password", "email", "invitations", "merge", "sessions/x/end", "elsewhere"]
)
def test_pages_of_an_account_are_closed_to_guests(
    path: str, visitor: Client, owner: User, client_of: Callable[[User], Client]
) -> None:
    for client in (visitor, client_of(owner)):
        for answer in (
            client.get(f"/account/{path}/"),
            client.post(f"/account/{path}/"),
        ):
            if answer.status_code == 303:
                assert answer["Location"].startswith("/account/log-in/")
            else:
                assert answer.status_code in (404, 405)


def test_devices_are_listed_by_the_time_they_were_seen(
    account: User, visitor: Client
) -> None:
    log_in(visitor)
    visitor.get("/account/", headers={"User-Agent": FIREFOX})
    other = Client(headers={"User-Agent": PHONE})
    log_in(other)
    text = text_of(other.get("/account/"))
    assert text.index("Safari on iPhone") < text.index("This device")
    assert {*Session.objects.values_list("device", flat=True)} == {
        "",
        "Safari on iPhone",
    }
    account.refresh_from_db()
    assert account.seen_at is not None
