"""Cookies after ``HTTPS_ONLY`` was switched on or off on a site with guests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from http.cookies import SimpleCookie

import pytest
from django.conf import LazySettings
from django.core.signing import get_cookie_signer
from django.test import Client

from chat.accounts import guest_cookie
from chat.models import Conversation, User
from chatsite.cookie_names import HOST_PREFIX
from tests.chat.accounts.conftest import is_logged_in
from tests.chat.pages import text_of
from tests.cookie_names import GUEST, SESSION, THEME, TOKEN

pytestmark = pytest.mark.django_db

HOST_GUEST = HOST_PREFIX + GUEST
Switch = Callable[[str], None]


@pytest.fixture
def switch(settings: LazySettings) -> Switch:
    """Name the cookies as with ``HTTPS_ONLY`` on or off."""

    def to(prefix: str) -> None:
        settings.COOKIE_NAMES = names = replace(settings.COOKIE_NAMES, prefix=prefix)
        settings.SESSION_COOKIE_NAME = names.own("sessionid")
        settings.CSRF_COOKIE_NAME = names.own("csrftoken")

    return to


def browser(**cookies: str) -> Client:
    client = Client()
    client.cookies = SimpleCookie(cookies)
    return client


def cookies_of(client: Client) -> dict[str, str]:
    return {name: one.value for name, one in client.cookies.items()}


def test_a_guest_from_before_the_switch_keeps_everything(
    switch: Switch, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    visitor.cookies[THEME] = "dark"
    switch(HOST_PREFIX)
    page = visitor.get("/")
    assert "Hello" in text_of(page)
    assert {HOST_GUEST, HOST_PREFIX + TOKEN} <= set(page.cookies)
    assert HOST_PREFIX + SESSION not in page.cookies
    say(browser(**{HOST_GUEST: page.cookies[HOST_GUEST].value}), "And again")
    assert User.objects.count() == 1
    assert Conversation.objects.count() == 2


def test_a_form_from_before_the_switch_is_accepted(
    switch: Switch, visitor: Client, say: Callable[..., None]
) -> None:
    say(visitor, "Hello")
    switch(HOST_PREFIX)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = visitor.cookies
    token = visitor.cookies[TOKEN].value
    form = {"text": "Typed before", "key": "k", "csrfmiddlewaretoken": token}
    assert strict.post("/send/", form).status_code == 303
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", [GUEST, "guest"])
def test_a_guest_made_over_https_cannot_be_planted(
    name: str, switch: Switch, visitor: Client, say: Callable[..., None]
) -> None:
    switch(HOST_PREFIX)
    attacker = Client()
    attacker.get("/")
    say(attacker, "Of the attacker")
    victim = browser(**{name: attacker.cookies[HOST_GUEST].value})
    assert "Of the attacker" not in text_of(victim.get("/"))
    say(victim, "A secret")
    assert "A secret" not in text_of(attacker.get("/"))


def test_a_cookie_from_before_counts_only_for_its_lifetime(
    switch: Switch,
    visitor: Client,
    say: Callable[..., None],
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    say(visitor, "Hello")
    switch(HOST_PREFIX)
    late = time.time() + settings.SESSION_COOKIE_AGE + 60
    with monkeypatch.context() as patch:
        patch.setattr("django.core.signing.time.time", lambda: late)
        assert "Hello" not in text_of(visitor.get("/"))


@pytest.mark.parametrize(
    ("name", "salt"),
    [(HOST_GUEST, guest_cookie.SALT), (f"{HOST_PREFIX}guest", f"{HOST_PREFIX}guest")],
)
def test_a_cookie_of_an_earlier_version_over_https_counts_and_is_renewed(
    name: str,
    salt: str,
    switch: Switch,
    visitor: Client,
    say: Callable[..., None],
) -> None:
    say(visitor, "Hello")
    pk = str(User.objects.get().pk)
    value = get_cookie_signer(salt=salt).sign(pk)
    switch(HOST_PREFIX)
    page = browser(**{name: value}).get("/")
    assert "Hello" in text_of(page)
    given = page.cookies[HOST_GUEST].value
    assert get_cookie_signer(salt=guest_cookie.HTTPS_SALT).unsign(given) == pk


def test_after_switching_off_a_guest_with_the_cookie_is_kept(
    switch: Switch, visitor: Client, say: Callable[..., None]
) -> None:
    switch(HOST_PREFIX)
    guest = Client()
    guest.get("/")
    say(guest, "Hello")
    switch("")
    page = browser(**{HOST_GUEST: guest.cookies[HOST_GUEST].value}).get("/")
    assert "Hello" in text_of(page)
    assert GUEST in page.cookies


def test_an_account_logs_in_again(
    switch: Switch, account: User, client_of: Callable[[User], Client]
) -> None:
    tab = client_of(account)
    switch(HOST_PREFIX)
    assert not is_logged_in(tab)
