"""The account page, what the rail says, and who was seen when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from chat.accounts.devices import device_name
from chat.models import Session, User
from chatsite.mailbox import Mailbox
from tests.chat.accounts.conftest import log_in
from tests.chat.pages import poll_url, text_of
from tests.dom import dom

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/6"


def test_the_page_shows_the_account_and_links_to_its_pages(
    tab: Client, account: User, sent
) -> None:
    sent(account, "Hello")
    page = dom(tab.get("/account/"))
    for said in ("bee", "bee@example.org", "1 conversation · here since", "this one"):
        assert said in page.text
    assert page.first("main bdi").text == "bee"
    for name in ("email", "password", "download", "erase"):
        assert f'a[href="/account/{name}/"]' in page
    assert 'a[href^="/account/invitations/"]' not in page


def test_a_guest_sees_how_long_guests_are_kept_and_how_to_sign_up(
    newcomer: Client,
) -> None:
    page = dom(newcomer.get("/account/"))
    assert "if you do not come back for 30 days" in page.text
    assert 'a[href="/account/sign-up/"]' in page
    assert 'a[href="/account/log-in/"]' in page
    assert "Where you are logged in" not in page.text


@pytest.mark.parametrize("signup", ["invitation", "closed"])
def test_without_open_sign_up_no_page_links_to_it(
    signup: str, newcomer: Client, settings: LazySettings
) -> None:
    settings.SIGNUP = signup
    for path in ("/", "/account/", "/account/log-in/"):
        page = dom(newcomer.get(path))
        assert '[href^="/account/sign-up/"]' not in page
        if path != "/account/log-in/":
            assert '[href="/account/log-in/"]' in page


def test_the_page_names_the_retention_time(tab: Client, settings: LazySettings) -> None:
    said = "Conversations that you do not touch for"
    assert said not in text_of(tab.get("/account/"))
    settings.RETENTION_DAYS = 90
    assert f"{said} 90 days are deleted." in text_of(tab.get("/account/"))


def test_without_guests_the_page_redirects_to_log_in(
    newcomer: Client, settings: LazySettings
) -> None:
    settings.GUESTS = False
    answer = newcomer.get("/account/")
    assert answer["Location"] == "/account/log-in/?next=%2Faccount%2F"


@pytest.mark.parametrize(
    "path", ["password", "email", "invitations", "merge", "sessions/x/end", "elsewhere"]
)
def test_pages_of_an_account_are_closed_to_guests(
    path: str, newcomer: Client, owner: User, client_of: Callable[[User], Client]
) -> None:
    for client in (newcomer, client_of(owner)):
        for answer in (
            client.get(f"/account/{path}/"),
            client.post(f"/account/{path}/"),
        ):
            if answer.status_code == 303:
                assert answer["Location"].startswith("/account/log-in/")
            else:
                assert answer.status_code in (404, 405)


# Who was seen, and with what


def test_devices_are_listed_by_the_time_they_were_seen(
    account: User, newcomer: Client
) -> None:
    log_in(newcomer)
    newcomer.get("/account/", headers={"User-Agent": FIREFOX})
    other = Client(headers={"User-Agent": PHONE})
    log_in(other)
    text = text_of(other.get("/account/"))
    assert text.index("Safari on iPhone") < text.index("this one")
    assert {*Session.objects.values_list("device", flat=True)} == {
        "",
        "Safari on iPhone",
    }
    account.refresh_from_db()
    assert account.seen_at is not None


def test_a_visit_is_noted_every_few_hours(tab: Client, account: User) -> None:
    tab.get("/", headers={"User-Agent": FIREFOX})
    first = Session.objects.get()
    assert first.device == "Firefox on Linux"
    tab.get("/", headers={"User-Agent": PHONE})
    assert Session.objects.get().seen_at == first.seen_at
    assert first.seen_at is not None
    long_ago = first.seen_at - timedelta(days=3)
    Session.objects.update(seen_at=long_ago)
    User.objects.update(seen_at=long_ago)
    tab.get("/")
    now = timezone.now()
    for row in (Session.objects.get(), User.objects.get()):
        assert row.seen_at is not None
        assert now - row.seen_at < timedelta(hours=1)


def test_a_poll_notes_nothing(
    tab: Client,
    account: User,
    box: Mailbox,
    sent,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    reply = sent(account)
    page = tab.get(f"/c/{reply.message.conversation_id}/")
    tab.get(poll_url(page))
    Session.objects.update(seen_at=timezone.now() - timedelta(days=3))
    with django_assert_num_queries(0):
        tab.get(poll_url(page))


def test_a_guest_counts_as_seen_from_the_first_message_on(
    newcomer: Client, say: Callable[..., None]
) -> None:
    say(newcomer, "Hello")
    assert User.objects.get().seen_at is not None


@pytest.mark.parametrize(
    ("said", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (PHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0) Chrome/130 Safari/537 Edg/130",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/130 Mobile", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("<script>", ""),
        ("", ""),
    ],
)
def test_devices_have_short_names(said: str, device: str) -> None:
    assert device_name(said) == device
