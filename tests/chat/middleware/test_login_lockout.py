"""The page of a lock, on every form that asks for a password."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from django.utils.formats import time_format

from chat.accounts.password_reset import reset_link
from chat.models import AttemptCounter, User
from tests.chat.accounts.conftest import (
    OTHER,
    PASSWORD,
    is_logged_in,
    link_in,
    log_in,
)
from tests.chat.pages import text_of
from tests.cookie_names import ZONE

pytestmark = pytest.mark.django_db

#: The forms that ask a user who is logged in for the password.
OWN = {
    "/account/password/": {"new": OTHER},
    "/account/email/": {"email": "other@example.org"},
    "/account/erase/": {},
}


@pytest.fixture(autouse=True)
def _few(settings: LazySettings) -> None:
    settings.LOGIN_FAILURES_MAX = 2


def soon() -> datetime:
    """Return a time after locks of accounts end, and before those of networks do."""
    return timezone.now() + timedelta(minutes=30)


def test_the_log_in_page_says_when_the_lock_ends(
    account: User, visitor: Client
) -> None:
    for _ in range(2):
        assert log_in(visitor, password="wrong wrong").status_code == 422
    answer = log_in(visitor, password=PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Too many attempts" in text_of(answer)
    assert not is_logged_in(visitor)


def test_the_end_of_a_lock_is_shown_in_the_users_time_zone(
    account: User, visitor: Client
) -> None:
    visitor.cookies[ZONE] = "Pacific/Kiritimati"  # 14 hours ahead
    for _ in range(2):
        log_in(visitor, password="wrong wrong")
    said = text_of(log_in(visitor))
    (ends_at,) = AttemptCounter.objects.filter(count=2, until__lt=soon()).values_list(
        "until"
    )
    with timezone.override(ZoneInfo("Pacific/Kiritimati")):
        assert f"Try again at {time_format(timezone.localtime(*ends_at))}" in said


def test_a_lock_keeps_the_text_that_was_typed(account: User, visitor: Client) -> None:
    for _ in range(2):
        log_in(visitor, password="wrong wrong")
    typed = {"name": "bee", "password": PASSWORD, "text": "What do bees eat?"}
    answer = visitor.post("/account/log-in/", typed)
    assert answer.status_code == 429
    assert "What do bees eat?" in text_of(answer)


def test_name_and_address_of_an_account_share_a_lock(
    account: User, visitor: Client
) -> None:
    log_in(visitor, "bee", "wrong wrong")
    log_in(visitor, "BEE@example.org", "wrong wrong")
    assert log_in(visitor, "bee").status_code == 429


def test_another_network_is_not_locked_out(
    account: User, visitor: Client, settings: LazySettings
) -> None:
    for _ in range(3):
        log_in(visitor, password="wrong wrong")
    elsewhere = Client(REMOTE_ADDR="203.0.113.7")
    assert log_in(elsewhere).status_code == 303


@pytest.mark.parametrize("path", OWN)
def test_the_password_cannot_be_guessed_in_an_open_browser(
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
def test_a_correct_password_does_not_count(
    path: str, account: User, tab: Client
) -> None:
    answer = tab.post(path, {**OWN[path], "password": PASSWORD})
    assert answer.status_code == 303
    assert not AttemptCounter.objects.filter(count__gt=0).exists()


def test_a_new_password_set_by_a_link_works_despite_a_lock(
    account: User, visitor: Client
) -> None:
    for _ in range(3):
        log_in(visitor, password="wrong wrong")
    other = Client()
    page = other.get(link_in(reset_link(account)), follow=True)
    assert other.post(page.request["PATH_INFO"], {"new": OTHER}).status_code == 303
    assert log_in(visitor, password=OTHER).status_code == 303
