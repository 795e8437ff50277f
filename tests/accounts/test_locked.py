"""Wherever a password is asked for, guessing it ends for a while."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client

from chat.models import Attempts, User
from tests.accounts.conftest import OTHER, PASSWORD, is_logged_in, log_in
from tests.chat.pages import text_of

pytestmark = pytest.mark.django_db

#: Every form that asks for the password of whoever is logged in.
OWN = {
    "/account/password/": {"new": OTHER},
    "/account/email/": {"email": "other@example.org"},
    "/account/erase/": {},
}


@pytest.fixture(autouse=True)
def _few(settings: LazySettings) -> None:
    settings.LOGIN_FAILURES_MAX = 2


def test_the_log_in_page_says_when_guessing_may_go_on(
    account: User, browser: Client
) -> None:
    for _ in range(2):
        assert log_in(browser, password="wrong wrong").status_code == 422
    answer = log_in(browser, password=PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Too many wrong passwords" in text_of(answer)
    assert not is_logged_in(browser)


def test_an_e_mail_address_and_a_name_are_one_account(
    account: User, browser: Client
) -> None:
    log_in(browser, "bee", "wrong wrong")
    log_in(browser, "BEE@example.org", "wrong wrong")
    assert log_in(browser, "bee").status_code == 429


def test_another_network_is_not_locked_out(
    account: User, browser: Client, settings: LazySettings
) -> None:
    for _ in range(3):
        log_in(browser, password="wrong wrong")
    elsewhere = Client(REMOTE_ADDR="203.0.113.7")
    assert log_in(elsewhere).status_code == 303


@pytest.mark.parametrize("path", OWN)
def test_a_password_cannot_be_guessed_by_who_found_a_browser_open(
    path: str, account: User, tab: Client
) -> None:
    for _ in range(2):
        answer = tab.post(path, {**OWN[path], "password": "wrong wrong"})
        assert answer.status_code == 422
    answer = tab.post(path, {**OWN[path], "password": PASSWORD})
    assert answer.status_code == 429
    account.refresh_from_db()
    assert account.check_password(PASSWORD)
    assert account.email == "bee@example.org"
    assert account.closed_at is None


@pytest.mark.parametrize("path", ["/account/password/", "/account/email/"])
def test_a_right_password_is_held_against_nobody(
    path: str, account: User, tab: Client
) -> None:
    answer = tab.post(path, {**OWN[path], "password": PASSWORD})
    assert answer.status_code == 303
    assert not Attempts.objects.filter(count__gt=0).exists()
