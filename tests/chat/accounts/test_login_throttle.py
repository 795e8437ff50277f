"""Guessing passwords is locked as documented, and only for the guesser's network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from chat.accounts.login_throttle import (
    begin_attempt,
    record_success,
)
from chat.models import AttemptCounter, User
from chatsite.mailbox import Mailbox
from tests.chat.accounts.throttled_views import ELSEWHERE, HERE, RIGHT, attempt, browser
from tests.environment import IS_SOAK

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("throttle_settings")]
#: One attempt a second; the short run skips most seconds within a lock.
SECONDS = (
    range(10_000) if IS_SOAK else [*range(20), *range(20, 900, 80), *range(900, 925)]
)
NAMES = 1_000 if IS_SOAK else 120


def test_the_correct_password_logs_in_by_name_and_by_address(user: User) -> None:
    for name in (
        "somebody",
        "SomeBody",
        "somebody@example.org",
        "SOMEBODY@example.org",
    ):
        assert attempt(name, RIGHT).status_code == 204


def test_too_many_attempts_lock_until_a_time_that_is_shown(user: User) -> None:
    assert [attempt().status_code for _ in range(10)] == [422] * 10
    locked = attempt()
    assert locked.status_code == 429
    assert 14 * 60 < int(locked.headers["Retry-After"]) <= 15 * 60
    assert "no-store" in locked.headers["Cache-Control"]
    text = strip_tags(locked.content.decode())
    assert "Too many attempts" in text and "15 min" in text
    assert "for this account" in text
    assert attempt(password=RIGHT).status_code == 429


def test_many_log_ins_lock_and_recover(
    user: User, clock: list[datetime], settings: Settings
) -> None:
    """Of one attempt a second, ten pass in each quarter of an hour."""
    settings.NETWORK_LOGIN_FAILURES_PER_HOUR = 10_000
    began = clock[0]
    tried = []
    for second in SECONDS:
        clock[0] = began + timedelta(seconds=second)
        if attempt().status_code == 422:
            tried.append(second)
    # Ten attempts, then a lock of 900 s from the last one, and again.
    cycle = 9 + 900
    expected = [second for second in SECONDS if second % cycle < 10]
    assert tried == expected
    clock[0] += timedelta(minutes=15, seconds=1)
    assert attempt(password=RIGHT).status_code == 204
    assert AttemptCounter.objects.filter(count__gte=10).count() <= 1  # the network's


def test_one_network_has_a_hundred_guesses_over_all_names(
    user: User, clock: list[datetime]
) -> None:
    codes = [attempt(f"name-{number}").status_code for number in range(NAMES)]
    assert codes == [422] * 100 + [429] * (NAMES - 100)
    assert "guessing passwords" in attempt().content.decode()
    assert attempt(password=RIGHT).status_code == 429
    assert attempt(password=RIGHT, network=ELSEWHERE).status_code == 204
    clock[0] += timedelta(hours=1, seconds=1)
    assert attempt(password=RIGHT).status_code == 204


def test_a_stranger_cannot_lock_the_owner_out(user: User) -> None:
    for _ in range(12):
        attempt(network=ELSEWHERE)
    assert attempt(password=RIGHT, network=ELSEWHERE).status_code == 429
    assert attempt(password=RIGHT, network=HERE).status_code == 204


def test_all_addresses_of_an_ipv6_line_share_a_lock(user: User) -> None:
    for number in range(10):
        attempt(network=f"2001:db8:0:1::{number:x}")
    assert attempt(network="2001:db8:0:1:ffff::1").status_code == 429
    assert attempt(network="2001:db8:0:2::1").status_code == 422


def test_attempts_by_name_and_by_address_count_together(user: User) -> None:
    for name in ("somebody", "somebody@example.org") * 5:
        attempt(name)
    assert attempt("SOMEBODY").status_code == 429


def test_an_unknown_name_locks_in_the_same_way(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()  # the pages name the time at which the lock ends
    monkeypatch.setattr(timezone, "now", lambda: now)
    for _ in range(10):
        attempt("Nobody")
    unknown, page = attempt("nobody "), attempt("nobody ")
    for _ in range(10):
        attempt("somebody", network=ELSEWHERE)
    known = attempt("somebody", network=ELSEWHERE)
    assert unknown.status_code == known.status_code == 429
    assert strip_tags(known.content.decode()) == strip_tags(page.content.decode())


@pytest.mark.parametrize("name", ["somebody", "nobodyhere", "Straße", "ﬁnn"])
def test_spellings_of_a_name_count_together_known_or_not(name: str, user: User) -> None:
    """Otherwise the lock would tell who has an account."""
    wide = "".join(chr(ord(c) + 0xFEE0) if c.isascii() else c for c in name)
    for written in (name, wide, name.upper(), f" {name} ", wide.upper()) * 2:
        assert attempt(written).status_code == 422
    assert attempt(name).status_code == 429


def test_spellings_of_an_address_count_as_the_look_up_matches_them(
    user: User,
) -> None:
    for domain in ("example.org", "nowhere.example"):
        for _ in range(5):
            attempt(f"\uff53omebody@{domain}")
            attempt(f"SOMEBODY@{domain}")
        assert attempt(f"somebody@{domain}").status_code == 422


def test_a_success_takes_back_its_count(user: User) -> None:
    for _ in range(30):
        attempt()
        assert attempt(password=RIGHT).status_code == 204
    network = AttemptCounter.objects.get()
    assert network.count == 30


def test_a_log_in_to_an_own_account_clears_no_other_guesses(
    user: User, settings: Settings
) -> None:
    settings.NETWORK_LOGIN_FAILURES_PER_HOUR = 20
    User.objects.create_user("stranger", RIGHT)
    for number in range(20):
        assert attempt(f"victim-{number}").status_code == 422
        if number < 19:
            assert attempt("stranger", RIGHT).status_code == 204
    assert attempt("another").status_code == 429
    assert attempt("stranger", RIGHT).status_code == 429


def test_confirming_the_password_counts_as_log_in_does(user: User) -> None:

    def confirm_with(password: str) -> int:
        data = {"password": password}
        return browser.post("/confirm/", data, REMOTE_ADDR=HERE).status_code

    assert confirm_with(RIGHT) == 204
    for _ in range(5):
        assert confirm_with("wrong") == 422
        attempt()
    assert confirm_with(RIGHT) == 429
    assert attempt(password=RIGHT).status_code == 429


@pytest.mark.parametrize("name", ["password", "email", "erase"])
def test_pages_that_ask_for_the_password_lock(
    user: User, box: Mailbox, name: str
) -> None:
    tab = Client(REMOTE_ADDR=HERE)
    tab.force_login(user)
    given = {"password": "wrong", "new": "another long one", "email": "a@example.org"}
    where = reverse(name)
    assert [tab.post(where, given).status_code for _ in range(10)] == [422] * 10
    assert tab.post(where, given | {"password": RIGHT}).status_code == 429
    user.refresh_from_db()
    assert user.check_password(RIGHT) and user.closed_at is None
    # It logs no session out.
    assert tab.get(reverse("account")).status_code == 200


def test_the_log_in_page_locks(user: User, box: Mailbox) -> None:
    data = {"name": "somebody@example.org", "password": "wrong"}
    where = reverse("log_in")
    said = [browser.post(where, data, REMOTE_ADDR=HERE).status_code for _ in range(11)]
    assert said == [422] * 10 + [429]
    right = data | {"password": RIGHT}
    assert browser.post(where, right, REMOTE_ADDR=ELSEWHERE).status_code == 303
    browser.cookies.clear()


def test_the_admin_locks_too(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)

    def enter(password: str, network: str = HERE) -> int:
        form = {"username": "somebody", "password": password}
        return browser.post("/admin/login/", form, REMOTE_ADDR=network).status_code

    assert [enter("wrong") for _ in range(12)] == [200] * 10 + [429] * 2
    assert enter(RIGHT) == 429
    assert enter(RIGHT, ELSEWHERE) == 302


@pytest.mark.django_db(transaction=True)
def test_a_hundred_attempts_at_once_count_as_a_hundred(
    user: User, rf: RequestFactory
) -> None:
    def guess(_: int) -> bool:
        try:
            request = rf.post("/", REMOTE_ADDR=HERE)
            return begin_attempt(request, "somebody", user) is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(100))) == 10


@pytest.mark.django_db(transaction=True)
def test_attempts_at_once_after_a_lock_are_all_allowed() -> None:
    """One of them starts the count, and the others continue it."""
    minute = timedelta(minutes=1)

    def take(digest: str) -> bool:
        try:
            now = timezone.now()
            return AttemptCounter.objects.take(digest, now, 8, minute, slides=True)
        finally:
            connection.close()

    for turn in range(20):
        digest, ended = f"lock {turn}", timezone.now() - minute
        AttemptCounter.objects.create(digest=digest, count=8, until=ended)
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(take, [digest] * 8))
    assert not AttemptCounter.objects.exclude(count=8).exists()


def test_nothing_typed_is_stored(user: User, rf: RequestFactory) -> None:
    typed = "a password in the wrong field"
    attempt(typed)
    attempt(password=typed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM chat_attempts")
        kept = repr(cursor.fetchall())
    assert typed not in kept and HERE not in kept and "somebody" not in kept


def test_expired_counters_are_removed(clock: list[datetime], user: User) -> None:
    for number in range(5):
        attempt(f"name-{number}")
    clock[0] += timedelta(hours=2)
    attempt("another")
    assert AttemptCounter.objects.count() == 2


def test_a_success_leaves_no_counter(user: User, rf: RequestFactory) -> None:
    request = rf.post("/", REMOTE_ADDR=HERE)
    assert begin_attempt(request, "somebody", user) is None
    record_success(request, "somebody", user)
    assert not AttemptCounter.objects.filter(count__gt=0).exists()
